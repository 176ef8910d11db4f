/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prototypes of the driver operations of v6.0 and later, which no public header has, and the values
 * of their one enumeration. The compiler compares this list with vfio_ops.h, guard/btf_prototypes.c
 * with the target kernel's own backend, including parameter names, since two of one type may be
 * swapped. No include guard: included wherever the list is needed.
 *
 * VIB_PROTOTYPE(member, return type, parameters...)
 * VIB_GROUP_TYPE(name, value)
 */
#ifdef VIB_PROTOTYPE
VIB_PROTOTYPE(open, void *, unsigned long arg)
VIB_PROTOTYPE(release, void, void *iommu_data)
VIB_PROTOTYPE(ioctl, long, void *iommu_data, unsigned int cmd, unsigned long arg)
VIB_PROTOTYPE(attach_group, int, void *iommu_data, struct iommu_group *iommu_group,
	      enum vfio_group_type type)
VIB_PROTOTYPE(detach_group, void, void *iommu_data, struct iommu_group *iommu_group)
VIB_PROTOTYPE(pin_pages, int, void *iommu_data, struct iommu_group *iommu_group,
	      dma_addr_t user_iova, int npage, int prot, struct page **pages)
VIB_PROTOTYPE(unpin_pages, void, void *iommu_data, dma_addr_t user_iova, int npage)
VIB_PROTOTYPE(register_device, void, void *iommu_data, struct vfio_device *vdev)
VIB_PROTOTYPE(unregister_device, void, void *iommu_data, struct vfio_device *vdev)
VIB_PROTOTYPE(dma_rw, int, void *iommu_data, dma_addr_t user_iova, void *data, size_t count,
	      bool write)
VIB_PROTOTYPE(group_iommu_domain, struct iommu_domain *, void *iommu_data,
	      struct iommu_group *iommu_group)
#endif

#ifdef VIB_GROUP_TYPE
VIB_GROUP_TYPE(VFIO_IOMMU, 0)
VIB_GROUP_TYPE(VFIO_EMULATED_IOMMU, 1)
VIB_GROUP_TYPE(VFIO_NO_IOMMU, 2)
#endif
