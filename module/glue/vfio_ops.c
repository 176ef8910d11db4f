// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adapts the VFIO core's callbacks to the engine: handles to references, nothing decided.
 *
 * The core asks the driver that was registered last first, and goes on to the next one, silently,
 * when open or attach fails; while we answer for type1's ids, that is worth a line in the log.
 */
#include "vfio_glue.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/vfio.h>

#include <uapi/linux/vfio_iommu_batch.h>

#include "../access.h"
#include "../group.h"
#include "../ioctl.h"
#include "vfio_ops.h"

static const struct vib_params *params;

static void notify_device(struct list_head *device, u64 iova, u64 size)
{
	struct vfio_device *vdev = container_of(device, struct vfio_device, iommu_entry);

	vdev->ops->dma_unmap(vdev, iova, size);
}

static void *op_open(unsigned long type)
{
	void *handle = vib_ioas_open(type, type != VFIO_TYPE1_IOMMU, params, notify_device);

	if (IS_ERR(handle) && type != VFIO_BATCH_IOMMU)
		pr_warn_once("cannot open a container (%ld): VFIO falls back to another backend\n",
			     PTR_ERR(handle));
	return handle;
}

static void op_release(void *handle)
{
	vib_ioas_release(handle);
}

static long op_ioctl(void *handle, unsigned int cmd, unsigned long arg)
{
	struct vib_ioas *ioas = handle ? vib_ioas_get(handle) : NULL;
	long ret;

	if (cmd == VFIO_CHECK_EXTENSION)
		ret = vib_ioctl_check_extension(ioas, params, arg);
	else
		ret = ioas ? vib_ioctl(ioas, cmd, arg) : -EINVAL;
	if (ioas)
		vib_ioas_put(ioas);
	return ret;
}

static int op_attach_group(void *handle, struct iommu_group *group, enum vfio_group_type type)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	int ret;

	if (!ioas)
		return -EINVAL;
	if (type == VFIO_IOMMU)
		ret = vib_group_attach(ioas, group);
	else if (type == VFIO_EMULATED_IOMMU)
		ret = vib_group_attach_emulated(ioas, group);
	else
		ret = -EINVAL;
	if (ret && ioas->type != VFIO_BATCH_IOMMU)
		pr_warn_once("cannot attach group %d (%d): VFIO may fall back to another backend\n",
			     iommu_group_id(group), ret);
	vib_ioas_put(ioas);
	return ret;
}

static void op_detach_group(void *handle, struct iommu_group *group)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);

	if (!ioas)
		return;
	vib_group_detach(ioas, group);
	vib_ioas_put(ioas);
}

static int op_pin_pages(void *handle, struct iommu_group *group, dma_addr_t iova, int npage,
			int prot, struct page **pages)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	int ret;

	if (!ioas)
		return -EINVAL;
	ret = vib_access_pin(ioas, group, iova, npage, prot, pages);
	vib_ioas_put(ioas);
	return ret;
}

static void op_unpin_pages(void *handle, dma_addr_t iova, int npage)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);

	if (!ioas)
		return;
	vib_access_unpin(ioas, iova, npage);
	vib_ioas_put(ioas);
}

/* Only devices that pin want to know of unmaps; the core may call for any. */
static void op_register_device(void *handle, struct vfio_device *vdev)
{
	struct vib_ioas *ioas = vdev->ops->dma_unmap ? vib_ioas_get(handle) : NULL;

	if (!ioas)
		return;
	vib_access_register(ioas, &vdev->iommu_entry);
	vib_ioas_put(ioas);
}

static void op_unregister_device(void *handle, struct vfio_device *vdev)
{
	struct vib_ioas *ioas = vdev->ops->dma_unmap ? vib_ioas_get(handle) : NULL;

	if (!ioas)
		return;
	vib_access_unregister(ioas, &vdev->iommu_entry);
	vib_ioas_put(ioas);
}

static int op_dma_rw(void *handle, dma_addr_t iova, void *buf, size_t count, bool write)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	int ret;

	if (!ioas)
		return -EINVAL;
	ret = vib_access_rw(ioas, iova, buf, count, write);
	vib_ioas_put(ioas);
	return ret;
}

static const struct vfio_iommu_driver_ops ops = {
	.name = "vfio-iommu-batch",
	.owner = THIS_MODULE,
	.open = op_open,
	.release = op_release,
	.ioctl = op_ioctl,
	.attach_group = op_attach_group,
	.detach_group = op_detach_group,
	.pin_pages = op_pin_pages,
	.unpin_pages = op_unpin_pages,
	.register_device = op_register_device,
	.unregister_device = op_unregister_device,
	.dma_rw = op_dma_rw,
};

int vib_vfio_register(const struct vib_params *p)
{
	params = p;
	return vfio_register_iommu_driver(&ops);
}

void vib_vfio_unregister(void)
{
	vfio_unregister_iommu_driver(&ops);
	vib_ioas_wait_all();
	/*
	 * The core runs ioctls without holding the module once their container has let go. No such
	 * call holds an ioas any more, but one may stand just before its look-up or just after its
	 * last put; neither sleeps there, so waiting until every task has passed a voluntary switch
	 * sees them out.
	 */
	synchronize_rcu_tasks();
}
