/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The callbacks of the VFIO core that are the same on every kernel, and what the table for this
 * kernel's shape provides. A function in the table is named after its member, with or without
 * vib_vfio_, because guard/layout.c compares these names with the core's.
 */
#ifndef VIB_VFIO_CALLS_H
#define VIB_VFIO_CALLS_H

#include <linux/types.h>
#include <linux/vfio.h>

#include "vfio_ops.h"

struct list_head;

/* The table of driver operations; defined by vfio_ops.c or vfio_ops_510.c. */
extern const struct vfio_iommu_driver_ops vib_vfio_ops;

/* Notifies an emulated device, known by its list node, of an unmap; defined by the same. */
void vib_vfio_notify(struct list_head *device, u64 iova, u64 size);

void *vib_vfio_open(unsigned long type);
void vib_vfio_release(void *handle);
long vib_vfio_ioctl(void *handle, unsigned int cmd, unsigned long arg);
int vib_vfio_attach(void *handle, struct iommu_group *group, bool emulated);
void vib_vfio_detach_group(void *handle, struct iommu_group *group);
int vib_vfio_dma_rw(void *handle, dma_addr_t iova, void *buf, size_t count, bool write);

#endif
