/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layouts of the VFIO core's driver operations that the glue is written for: members in their
 * order, "-" for one that type1 leaves empty. For layout.c.
 *
 * v5.16 to v5.19 have the same size as D, but notifiers in the place of register_device and
 * unregister_device: such a kernel is refused. Vendors backport members, so the versions here are
 * for readers only. B is known from its public header, the others from Debian's kernels.
 */
#ifndef VIB_LAYOUTS_H
#define VIB_LAYOUTS_H

#include <stdbool.h>

enum {
	SLOTS_MAX = 64,
};

#define RELEASE(major, minor) ((major) << 16 | (minor))

struct known {
	const char *id;
	const char *kernels;
	unsigned int first, last;	/* of those that were tried, where nothing else tells */
	bool mirrored;		/* vfio_ops.h is our mirror of it, no header has it */
	const char *members[SLOTS_MAX];
};

/* The same in all. */
#define UP_TO_RELEASE "name", "owner", "open", "release"

static const struct known known[] = {
	{ "A", "v5.10, v5.11", RELEASE(5, 10), RELEASE(5, 11), false, {
		UP_TO_RELEASE, "-", "-", "ioctl", "-", "attach_group", "detach_group", "pin_pages",
		"unpin_pages", "register_notifier", "unregister_notifier", "dma_rw" } },
	{ "B", "v5.12 to v5.15", RELEASE(5, 12), RELEASE(5, 15), false, {
		UP_TO_RELEASE, "-", "-", "ioctl", "-", "attach_group", "detach_group", "pin_pages",
		"unpin_pages", "register_notifier", "unregister_notifier", "dma_rw",
		"group_iommu_domain", "notify" } },
	{ "D", "v6.0 to v6.2", RELEASE(6, 0), RELEASE(6, 2), true, {
		UP_TO_RELEASE, "ioctl", "attach_group", "detach_group", "pin_pages", "unpin_pages",
		"register_device", "unregister_device", "dma_rw", "group_iommu_domain",
		"notify" } },
	{ "E", "v6.3 and later", RELEASE(6, 3), RELEASE(7, 3), true, {
		UP_TO_RELEASE, "ioctl", "attach_group", "detach_group", "pin_pages", "unpin_pages",
		"register_device", "unregister_device", "dma_rw", "group_iommu_domain" } },
};

#endif
