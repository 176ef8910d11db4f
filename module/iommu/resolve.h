/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The group-to-device resolver: what the member devices of a group tell about domains for it.
 *
 * A reference to a device does not keep dev->iommu, which removal frees. So every question is asked
 * inside iommu_group_for_each_dev(), under the group's mutex, and only answers leave it.
 */
#ifndef VIB_RESOLVE_H
#define VIB_RESOLVE_H

#include <linux/device.h>
#include <linux/iommu.h>

#include "pure/ranges.h"

/**
 * struct vib_resolved - what is known of a group
 * @instance: identity of the IOMMU unit behind all members, for comparison only and never to be
 *	dereferenced; NULL when the members disagree
 * @snoops: the DMA of every member can be made to snoop the CPU caches
 * @nr_devices: members seen
 * @reserved: IOVA ranges that no mapping may touch
 * @nr_reserved: how many
 * @sw_msi: the platform wants MSI doorbells mapped by software
 * @sw_msi_base: where
 */
struct vib_resolved {
	const void *instance;
	bool snoops;
	unsigned int nr_devices;
	struct vib_range *reserved;
	unsigned int nr_reserved;
	bool sw_msi;
	u64 sw_msi_base;
};

/*
 * Asks every member of @group. Return: 0 with @out filled in, undone by vib_resolved_fini();
 * -ENODEV for a group without devices, or with one that no IOMMU serves (any more); -ENOMEM; or an
 * errno of reading the reserved regions.
 */
int vib_resolve(struct iommu_group *group, struct vib_resolved *out);
void vib_resolved_fini(struct vib_resolved *res);

/*
 * Calls @fn with one member, under the group's mutex. Return: its value; -ENODEV without members.
 */
int vib_resolve_call(struct iommu_group *group, int (*fn)(struct device *dev, void *data),
		     void *data);

/* Calls @fn with each member, under the group's mutex, until it returns non-zero. */
void vib_resolve_each(struct iommu_group *group, int (*fn)(struct device *dev, void *data),
		      void *data);

/*
 * Reads from sysfs the type of the group's default domain ("identity", "DMA", "DMA-FQ") into @type,
 * of
 * @size bytes; "unknown" if it cannot be read. Opens a file, so nothing of ours is held.
 */
void vib_resolve_default_type(int group_id, char *type, size_t size);

/* Are the group's interrupts isolated, so that user space may own it safely? */
bool vib_resolve_isolated_msi(struct iommu_group *group);

#endif
