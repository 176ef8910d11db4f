// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VT-d's driver is asked to attach, and one of these attaches failing: for kernels that the
 * mock IOMMUs do not build for. In /sys/kernel/debug/attach_probe/:
 *
 *   fail     N: the N-th attach of a device from now on is -ENOMEM; reads 0 once it was
 *   strays   how many devices the driver was last told to put on another domain than the one
 *            that the IOMMU core believes them on; such a device may do DMA into what is freed
 *
 * Knows nothing of VFIO.
 */
#include <linux/debugfs.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/spinlock.h>

enum { DEVICES = 64 };

/* Where a device was put last. */
struct place {
	struct device *dev;
	struct iommu_domain *domain;
};

static DEFINE_SPINLOCK(probe_lock);
static struct place places[DEVICES];
static unsigned int nr_places;
static u32 fail_in;
static struct dentry *dir;

/* To return from a function at its first instruction. */
#ifndef ASM_RET
#define ASM_RET "ret\n"
#endif
asm(".pushsection .text\n"
	".type attach_probe_return, @function\n"
	"attach_probe_return:\n"
	ASM_RET
	".size attach_probe_return, .-attach_probe_return\n"
	".popsection\n");

static unsigned long address_of_return(void)
{
	unsigned long at;

	asm("lea attach_probe_return(%%rip), %0" : "=r"(at));
	return at;
}

static void note_place(struct device *dev, struct iommu_domain *domain)
{
	unsigned int i;

	for (i = 0; i < nr_places; i++)
		if (places[i].dev == dev)
			break;
	if (i == DEVICES)
		return;
	if (i == nr_places)
		nr_places++;
	places[i].dev = dev;
	places[i].domain = domain;
}

/* The driver's attach begins: of a domain and a device. */
static int before_attach(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long flags;
	bool fails;

	spin_lock_irqsave(&probe_lock, flags);
	fails = fail_in && !--fail_in;
	if (!fails)
		note_place((struct device *)regs->si, (struct iommu_domain *)regs->di);
	spin_unlock_irqrestore(&probe_lock, flags);
	if (!fails)
		return 0;
	regs->ax = -ENOMEM;
	regs->ip = address_of_return();
	return 1;
}

static struct kprobe attach_probe = {
	.symbol_name = "intel_iommu_attach_device",
	.pre_handler = before_attach,
};

/* No device comes or goes, and nobody attaches, while a test asks. */
static int strays_get(void *unused, u64 *strays)
{
	unsigned int i;

	*strays = 0;
	for (i = 0; i < nr_places; i++)
		*strays += iommu_get_domain_for_dev(places[i].dev) != places[i].domain;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(strays_fops, strays_get, NULL, "%llu\n");

static int __init attach_probe_init(void)
{
	int ret = register_kprobe(&attach_probe);

	if (ret)
		return ret;
	dir = debugfs_create_dir("attach_probe", NULL);
	debugfs_create_u32("fail", 0600, dir, &fail_in);
	debugfs_create_file("strays", 0400, dir, NULL, &strays_fops);
	return 0;
}
module_init(attach_probe_init);

static void __exit attach_probe_exit(void)
{
	debugfs_remove_recursive(dir);
	unregister_kprobe(&attach_probe);
}
module_exit(attach_probe_exit);

MODULE_DESCRIPTION("Attaches to VT-d for tests: seen, and failing on demand");
MODULE_LICENSE("GPL");
