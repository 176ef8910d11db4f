// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated devices for the VFIO core up to v5.15: each is a mediated device of its parent, made by
 * a write to the parent's mdev_supported_types/.../create (create-mdevs). It is named as its
 * parent, so that user space finds it by the same name on every kernel.
 *
 * Pages are pinned by lists of PFNs in any order, so the second half of a range comes first here:
 * VFIO sees two runs.
 */
#include <linux/device.h>
#include <linux/uuid.h>	/* mdev.h needs it */
#include <linux/mdev.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "device.h"

struct emulated {
	struct mock mock;
	struct device *dev;
	struct vfio_group *group;	/* while it is open */
	struct notifier_block nb;
};

static struct emulated *to_emulated(struct mock *mock)
{
	return container_of(mock, struct emulated, mock);
}

/* Which page of a range is entry @i of its list. */
static u32 page_of(u32 i, u32 npages)
{
	return (i + npages / 2) % npages;
}

/* The list of a range, so far as it is not too long for VFIO anyway; NULL without memory. */
static unsigned long *list_of(u64 iova, u32 npages)
{
	unsigned long *list = kcalloc(VFIO_PIN_PAGES_MAX_ENTRIES, sizeof(*list), GFP_KERNEL);
	u32 i;

	for (i = 0; list && i < npages && i < VFIO_PIN_PAGES_MAX_ENTRIES; i++)
		list[i] = (iova >> PAGE_SHIFT) + page_of(i, npages);
	return list;
}

int mock_vfio_pin(struct mock *mock, const struct mock_range *range, struct page **pages)
{
	u32 n = range->npages;
	unsigned long *user_pfn = list_of(range->iova, n);
	unsigned long *phys_pfn = list_of(0, 0);
	int i, ret = -ENOMEM;

	if (user_pfn && phys_pfn)
		ret = vfio_pin_pages(to_emulated(mock)->dev, user_pfn, n, range->prot, phys_pfn);
	for (i = 0; i < ret; i++)
		pages[page_of(i, n)] = pfn_to_page(phys_pfn[i]);
	kfree(phys_pfn);
	kfree(user_pfn);
	return ret;
}

static int unpin(struct emulated *emulated, u64 iova, u32 npages)
{
	unsigned long *pfn = list_of(iova, npages);
	int ret = -ENOMEM;

	if (pfn)
		ret = vfio_unpin_pages(emulated->dev, pfn, npages);
	kfree(pfn);
	return ret;
}

void mock_vfio_unpin(struct mock *mock, u64 iova, u32 npages)
{
	int ret = unpin(to_emulated(mock), iova, npages);

	WARN_ONCE(ret != npages, "unpin of %u pages that we hold: %d\n", npages, ret);
}

int mock_vfio_rw(struct mock *mock, u64 iova, void *buf, size_t size, bool write)
{
	return vfio_dma_rw(to_emulated(mock)->group, iova, buf, size, write);
}

static int notified(struct notifier_block *nb, unsigned long event, void *data)
{
	struct emulated *emulated = container_of(nb, struct emulated, nb);
	struct vfio_iommu_type1_dma_unmap *unmap = data;

	if (event == VFIO_IOMMU_NOTIFY_DMA_UNMAP)
		mock_unmapped(&emulated->mock, unmap->iova, unmap->size);
	return NOTIFY_OK;
}

static void unregister(struct emulated *emulated)
{
	int ret = vfio_unregister_notifier(emulated->dev, VFIO_IOMMU_NOTIFY, &emulated->nb);

	WARN_ONCE(ret, "VFIO does not know our notifier: %d\n", ret);
}

static int open(struct mdev_device *mdev)
{
	struct emulated *emulated = mdev_get_drvdata(mdev);
	unsigned long events = VFIO_IOMMU_NOTIFY_DMA_UNMAP;
	int ret;

	ret = vfio_register_notifier(emulated->dev, VFIO_IOMMU_NOTIFY, &events, &emulated->nb);
	if (ret)
		return ret;
	emulated->group = vfio_group_get_external_user_from_dev(emulated->dev);
	if (IS_ERR(emulated->group)) {
		unregister(emulated);
		return PTR_ERR(emulated->group);
	}
	return 0;
}

static void release(struct mdev_device *mdev)
{
	struct emulated *emulated = mdev_get_drvdata(mdev);
	bool stay = emulated->mock.reaction.flags & MOCK_STAY;

	mock_closed(&emulated->mock);
	if (!stay)
		unregister(emulated);
	vfio_group_put_external_user(emulated->group);
}

static long device_ioctl(struct mdev_device *mdev, unsigned int cmd, unsigned long user)
{
	struct emulated *emulated = mdev_get_drvdata(mdev);

	return mock_ioctl(&emulated->mock, cmd, user);
}

static int create(struct kobject *type, struct mdev_device *mdev)
{
	struct emulated *emulated;
	int ret;

	ret = dev_set_name(mdev_dev(mdev), "%s", dev_name(mdev_parent_dev(mdev)));
	if (ret)
		return ret;
	emulated = kzalloc(sizeof(*emulated), GFP_KERNEL);
	if (!emulated)
		return -ENOMEM;
	mock_init(&emulated->mock);
	emulated->dev = mdev_dev(mdev);
	emulated->nb.notifier_call = notified;
	mdev_set_drvdata(mdev, emulated);
	return 0;
}

/* It is closed, and VFIO has forgotten it. */
static int remove(struct mdev_device *mdev)
{
	kfree(mdev_get_drvdata(mdev));
	return 0;
}

static struct attribute *no_attributes[] = { NULL };

static struct attribute_group type = {
	.name = "mock",
	.attrs = no_attributes,
};

static struct attribute_group *types[] = { &type, NULL };

static const struct mdev_parent_ops ops = {
	.owner = THIS_MODULE,
	.supported_type_groups = types,
	.create = create,
	.remove = remove,
	.open = open,
	.release = release,
	.ioctl = device_ioctl,
};

int mock_add(struct device *parent)
{
	return mdev_register_device(parent, &ops);
}

void mock_remove(struct device *parent)
{
	mdev_unregister_device(parent);
}
