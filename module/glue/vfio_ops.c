// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table for the VFIO core of v6.0 and later, whose driver operations are private. Pages are
 * pinned by IOVA, and emulated devices are notified of unmaps through their driver.
 */
#include "vfio_calls.h"

#include <linux/module.h>

#include "attach/group.h"
#include "engine/access.h"
#include "engine/ioas.h"

void vib_vfio_notify(struct list_head *device, u64 iova, u64 size)
{
	struct vfio_device *vdev = container_of(device, struct vfio_device, iommu_entry);

	vdev->ops->dma_unmap(vdev, iova, size);
}

static int attach_group(void *handle, struct iommu_group *group, enum vfio_group_type type)
{
	if (type != VFIO_IOMMU && type != VFIO_EMULATED_IOMMU)
		return -EINVAL;
	return vib_vfio_attach(handle, group, type == VFIO_EMULATED_IOMMU);
}

static int pin_pages(void *handle, struct iommu_group *group, dma_addr_t iova, int npage, int prot,
		     struct page **pages)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	int ret;

	if (!ioas)
		return -EINVAL;
	ret = vib_access_pin(ioas, iova, npage, prot, pages);
	if (!ret) {
		vib_group_declare_pins(ioas, group);
		vib_access_pin_end(ioas, iova, npage);
	}
	vib_ioas_put(ioas);
	return ret ? ret : npage;
}

static void unpin_pages(void *handle, dma_addr_t iova, int npage)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);

	if (!ioas)
		return;
	vib_access_unpin(ioas, iova, npage);
	vib_ioas_put(ioas);
}

/* Only drivers with dma_unmap are notified of unmaps; the core may call this for any device. */
static void register_device(void *handle, struct vfio_device *vdev)
{
	struct vib_ioas *ioas = vdev->ops->dma_unmap ? vib_ioas_get(handle) : NULL;

	if (!ioas)
		return;
	vib_access_register(ioas, &vdev->iommu_entry);
	vib_ioas_put(ioas);
}

static void unregister_device(void *handle, struct vfio_device *vdev)
{
	struct vib_ioas *ioas = vdev->ops->dma_unmap ? vib_ioas_get(handle) : NULL;

	if (!ioas)
		return;
	vib_access_unregister(ioas, &vdev->iommu_entry);
	vib_ioas_put(ioas);
}

const struct vfio_iommu_driver_ops vib_vfio_ops = {
	.name = "vfio-iommu-batch",
	.owner = THIS_MODULE,
	.open = vib_vfio_open,
	.release = vib_vfio_release,
	.ioctl = vib_vfio_ioctl,
	.attach_group = attach_group,
	.detach_group = vib_vfio_detach_group,
	.pin_pages = pin_pages,
	.unpin_pages = unpin_pages,
	.register_device = register_device,
	.unregister_device = unregister_device,
	.dma_rw = vib_vfio_dma_rw,
};

/* guard/ compares prototypes.h with the kernel's own backend, so it must match this table. */
#define VIB_PROTOTYPE(member, returns, ...)						\
	static_assert(__builtin_types_compatible_p(typeof(vib_vfio_ops.member),		\
						   returns(*)(__VA_ARGS__)));
#define VIB_GROUP_TYPE(name, value) static_assert((name) == (value));
#include "prototypes.h"
