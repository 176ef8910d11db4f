// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a moment long that is short: the one between what its caller has looked at and what
 * pin_user_pages_fast() finds, when it is asked for one page. In /sys/kernel/debug/gup_pause/:
 *
 *   hold     1: such a call is held up until this is 0 again, for ten seconds at most; interrupts
 *            go on, nothing else does on that CPU
 *   inside   calls that are held up now
 *
 * Knows nothing of VFIO.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>

enum { MOST_MS = 10000 };

static u32 hold;
static atomic_t inside = ATOMIC_INIT(0);
static struct dentry *dir;

/* GUP begins: the second argument is how many pages. */
static int before_gup(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned int ms;

	if (!READ_ONCE(hold) || (int)regs->si != 1)
		return 0;
	atomic_inc(&inside);
	for (ms = 0; READ_ONCE(hold) && ms < MOST_MS; ms++)
		mdelay(1);
	atomic_dec(&inside);
	return 0;
}

static struct kprobe gup_probe = {
	.symbol_name = "pin_user_pages_fast",
	.pre_handler = before_gup,
};

static int __init gup_pause_init(void)
{
	int ret = register_kprobe(&gup_probe);

	if (ret)
		return ret;
	dir = debugfs_create_dir("gup_pause", NULL);
	debugfs_create_u32("hold", 0600, dir, &hold);
	debugfs_create_atomic_t("inside", 0400, dir, &inside);
	return 0;
}
module_init(gup_pause_init);

static void __exit gup_pause_exit(void)
{
	debugfs_remove_recursive(dir);
	unregister_kprobe(&gup_probe);
}
module_exit(gup_pause_exit);

MODULE_DESCRIPTION("GUP for tests: held up on demand");
MODULE_LICENSE("GPL");
