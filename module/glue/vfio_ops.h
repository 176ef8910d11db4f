/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VFIO core's driver operations. Up to v5.15 <linux/vfio.h> declares them. After that they are
 * private (drivers/vfio/vfio.h, which no headers package has), and this is our mirror. It fits two
 * known layouts; guard/layout.c checks at build time that the target kernel has one of them:
 *
 *	v6.0 to v6.2	14 members, the last of them notify
 *	v6.3 and later	13 members
 *
 * The core checks each optional callback for NULL, so the tail is padded: a kernel with further
 * members at the end reads NULL there. v5.16 to v5.19 has the same size with notifiers where
 * register_device stands; such a kernel lacks vfio_device.iommu_entry and is refused below.
 */
#ifndef VIB_VFIO_OPS_H
#define VIB_VFIO_OPS_H

#include <linux/types.h>

#ifndef VIB_PUBLIC_OPS

#ifndef VIB_HAVE_IOMMU_ENTRY
#error "this kernel's VFIO driver operations have a layout that this module does not know"
#endif

struct iommu_domain;
struct iommu_group;
struct module;
struct page;
struct vfio_device;

/* How a group's DMA is translated. Our copy of the core's enum, with its values. */
enum vfio_group_type {
	VFIO_IOMMU,
	VFIO_EMULATED_IOMMU,
	VFIO_NO_IOMMU,
};

enum {
	VIB_OPS_PADDING = 8,
};

struct vfio_iommu_driver_ops {
	char *name;
	struct module *owner;
	void *(*open)(unsigned long type);
	void (*release)(void *data);
	long (*ioctl)(void *data, unsigned int cmd, unsigned long arg);
	int (*attach_group)(void *data, struct iommu_group *group, enum vfio_group_type type);
	void (*detach_group)(void *data, struct iommu_group *group);
	int (*pin_pages)(void *data, struct iommu_group *group, dma_addr_t iova, int npage,
			 int prot, struct page **pages);
	void (*unpin_pages)(void *data, dma_addr_t iova, int npage);
	void (*register_device)(void *data, struct vfio_device *vdev);
	void (*unregister_device)(void *data, struct vfio_device *vdev);
	int (*dma_rw)(void *data, dma_addr_t iova, void *buf, size_t count, bool write);
	struct iommu_domain *(*group_iommu_domain)(void *data, struct iommu_group *group);
	void *padding[VIB_OPS_PADDING];
};

int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops);
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops);

#endif /* VIB_PUBLIC_OPS */

#endif
