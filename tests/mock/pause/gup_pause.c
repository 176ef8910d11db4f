// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a moment long that is short: the one between what its caller has looked at and what
 * pin_user_pages_fast() finds, when it is asked for one page. In /sys/kernel/debug/gup_pause/:
 *
 *   ms       how long it is held up, 0 for not at all; interrupts go on, on that CPU nothing else
 *   inside   calls that are held up now
 *   paused   calls that were
 *
 * Knows nothing of VFIO.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static u32 pause_ms;
static atomic_t inside = ATOMIC_INIT(0);
static atomic_t paused = ATOMIC_INIT(0);
static struct dentry *dir;

/* GUP begins: the second argument is how many pages. */
static int before_gup(struct kprobe *probe, struct pt_regs *regs)
{
	u32 ms = READ_ONCE(pause_ms);

	if (!ms || (int)regs->si != 1)
		return 0;
	atomic_inc(&inside);
	mdelay(ms);
	atomic_inc(&paused);
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
	debugfs_create_u32("ms", 0600, dir, &pause_ms);
	debugfs_create_atomic_t("inside", 0400, dir, &inside);
	debugfs_create_atomic_t("paused", 0400, dir, &paused);
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
