// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated devices for the VFIO core from v6.0 on: each is a vfio_device, without an IOMMU.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/vfio.h>

#include "device.h"

struct emulated {
	struct vfio_device vdev;
	struct mock mock;
};

static struct mock *to_mock(struct vfio_device *vdev)
{
	return &container_of(vdev, struct emulated, vdev)->mock;
}

static struct vfio_device *to_vdev(struct mock *mock)
{
	return &container_of(mock, struct emulated, mock)->vdev;
}

int mock_vfio_pin(struct mock *mock, const struct mock_range *range, struct page **pages)
{
	return vfio_pin_pages(to_vdev(mock), range->iova, range->npages, range->prot, pages);
}

void mock_vfio_unpin(struct mock *mock, u64 iova, u32 npages)
{
	vfio_unpin_pages(to_vdev(mock), iova, npages);
}

int mock_vfio_rw(struct mock *mock, u64 iova, void *buf, size_t size, bool write)
{
	return vfio_dma_rw(to_vdev(mock), iova, buf, size, write);
}

static int init(struct vfio_device *vdev)
{
	mock_init(to_mock(vdev));
	return 0;
}

static void release(struct vfio_device *vdev)
{
#ifdef MOCK_FREES_DEVICE
	vfio_free_device(vdev);
#endif
}

static void close_device(struct vfio_device *vdev)
{
	mock_closed(to_mock(vdev));
}

static long device_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long user)
{
	return mock_ioctl(to_mock(vdev), cmd, user);
}

static void dma_unmap(struct vfio_device *vdev, u64 iova, u64 size)
{
	mock_unmapped(to_mock(vdev), iova, size);
}

static const struct vfio_device_ops ops = {
	.name = MOCK_NAME,
	.init = init,
	.release = release,
	.close_device = close_device,
	.ioctl = device_ioctl,
	.dma_unmap = dma_unmap,
};

int mock_add(struct device *parent)
{
	struct emulated *emulated;
	int ret;

	emulated = vfio_alloc_device(emulated, vdev, parent, &ops);
	if (IS_ERR(emulated))
		return PTR_ERR(emulated);
	ret = vfio_register_emulated_iommu_dev(&emulated->vdev);
	if (ret)
		vfio_put_device(&emulated->vdev);
	else
		dev_set_drvdata(parent, emulated);
	return ret;
}

void mock_remove(struct device *parent)
{
	struct emulated *emulated = dev_get_drvdata(parent);

	vfio_unregister_group_dev(&emulated->vdev);
	vfio_put_device(&emulated->vdev);
}
