// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated VFIO devices that a test drives: they pin pages, copy, and react to unmaps as they are
 * told (mock_emulated.h), also in ways a driver must not. What a device has pinned is unpinned at
 * the latest when it is closed.
 *
 * Invariant: each entry of the list of a device is one page pinned once. Its mutex may be taken
 * inside a notice of an unmap, so VFIO is never called with it held.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "mock_emulated.h"

#define MAX_PAGES 1024

struct held {
	struct list_head node;
	u64 iova;
	struct page *page;
};

struct mock {
	struct vfio_device vdev;
	struct mutex lock;	/* all below */
	struct list_head held;
	struct mock_reaction reaction;
	struct mock_told told;
};

static struct platform_device *parents[MOCK_DEVICES];
static struct mock *mocks[MOCK_DEVICES];

static struct mock *to_mock(struct vfio_device *vdev)
{
	return container_of(vdev, struct mock, vdev);
}

/* The newest page held in [iova, last], or NULL. The lock is held. */
static struct held *find(struct mock *mock, u64 iova, u64 last)
{
	struct held *held;

	list_for_each_entry(held, &mock->held, node)
		if (held->iova >= iova && held->iova <= last)
			return held;
	return NULL;
}

/* Unpins one page in [iova, last]; false if there is none. */
static bool unpin_one(struct mock *mock, u64 iova, u64 last)
{
	struct held *held;

	mutex_lock(&mock->lock);
	held = find(mock, iova, last);
	if (held) {
		list_del(&held->node);
		mock->told.held--;
	}
	mutex_unlock(&mock->lock);
	if (!held)
		return false;
	vfio_unpin_pages(&mock->vdev, held->iova, 1);
	kfree(held);
	return true;
}

static void hold(struct mock *mock, struct held *held, u64 iova, struct page *page)
{
	held->iova = iova;
	held->page = page;
	mutex_lock(&mock->lock);
	list_add(&held->node, &mock->held);
	mock->told.held++;
	mutex_unlock(&mock->lock);
}

/* Room for @n entries, linked in @list, before anything is pinned. */
static int make_room(struct list_head *list, u32 n)
{
	struct held *held;

	while (n--) {
		held = kzalloc(sizeof(*held), GFP_KERNEL);
		if (!held)
			return -ENOMEM;
		list_add(&held->node, list);
	}
	return 0;
}

static void drop_room(struct list_head *list)
{
	struct held *held, *next;

	list_for_each_entry_safe(held, next, list, node)
		kfree(held);
}

/* Pins in one call: 0, or what VFIO says. A short success counts as -EIO. */
static int pin(struct mock *mock, const struct mock_range *range)
{
	u32 n = min_t(u32, range->npages, MAX_PAGES);
	struct page **pages;
	LIST_HEAD(room);
	int ret, i;

	pages = kcalloc(MAX_PAGES, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	ret = make_room(&room, n);
	if (ret)
		goto free;
	ret = vfio_pin_pages(&mock->vdev, range->iova, range->npages, range->prot, pages);
	for (i = 0; i < ret; i++) {
		struct held *held = list_first_entry(&room, struct held, node);

		list_del(&held->node);
		hold(mock, held, range->iova + ((u64)i << PAGE_SHIFT), pages[i]);
	}
	if (ret >= 0)
		ret = ret == range->npages ? 0 : -EIO;
free:
	drop_room(&room);
	kfree(pages);
	return ret;
}

/* Page by page, each once; -ENOENT at the first that is not held. */
static int unpin(struct mock *mock, const struct mock_range *range)
{
	u32 i;

	for (i = 0; i < range->npages; i++) {
		u64 iova = range->iova + ((u64)i << PAGE_SHIFT);

		if (!unpin_one(mock, iova, iova))
			return -ENOENT;
	}
	return 0;
}

static int copy(struct mock *mock, const struct mock_rw *rw)
{
	void __user *user = u64_to_user_ptr(rw->data);
	void *buf;
	int ret = 0;

	if (rw->size > MOCK_RW_MAX)
		return -EINVAL;
	buf = kvzalloc(rw->size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (rw->write && copy_from_user(buf, user, rw->size))
		ret = -EFAULT;
	if (!ret)
		ret = vfio_dma_rw(&mock->vdev, rw->iova, buf, rw->size, rw->write);
	if (!ret && !rw->write && copy_to_user(user, buf, rw->size))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static int access_word(struct mock *mock, struct mock_word *word)
{
	struct held *held;
	u64 *at;

	mutex_lock(&mock->lock);
	held = find(mock, word->iova, word->iova);
	if (held) {
		at = kmap_local_page(held->page);
		if (word->write)
			*at = word->value;
		else
			word->value = *at;
		kunmap_local(at);
	}
	mutex_unlock(&mock->lock);
	return held ? 0 : -ENOENT;
}

static void tell(struct mock *mock, struct mock_told *told)
{
	mutex_lock(&mock->lock);
	*told = mock->told;
	mutex_unlock(&mock->lock);
}

static void react(struct mock *mock, const struct mock_reaction *reaction)
{
	mutex_lock(&mock->lock);
	mock->reaction = *reaction;
	mutex_unlock(&mock->lock);
}

/* The argument of any of our ioctls. */
union argument {
	struct mock_range range;
	struct mock_rw rw;
	struct mock_word word;
	struct mock_reaction reaction;
	struct mock_told told;
};

static int obey(struct mock *mock, unsigned int cmd, union argument *arg)
{
	switch (cmd) {
	case MOCK_PIN:
		return pin(mock, &arg->range);
	case MOCK_UNPIN:
		return unpin(mock, &arg->range);
	case MOCK_RW:
		return copy(mock, &arg->rw);
	case MOCK_WORD:
		return access_word(mock, &arg->word);
	case MOCK_REACT:
		react(mock, &arg->reaction);
		return 0;
	case MOCK_TOLD:
		tell(mock, &arg->told);
		return 0;
	}
	return -ENOTTY;
}

static long mock_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long user)
{
	union argument arg = {};
	size_t size = _IOC_SIZE(cmd);
	int ret;

	if (_IOC_TYPE(cmd) != 'E' || size > sizeof(arg))
		return -ENOTTY;
	if (copy_from_user(&arg, (void __user *)user, size))
		return -EFAULT;
	ret = obey(to_mock(vdev), cmd, &arg);
	if (!ret && _IOC_DIR(cmd) & _IOC_READ && copy_to_user((void __user *)user, &arg, size))
		return -EFAULT;
	return ret;
}

/* Whatever else it is told to do comes first: a driver may be busy when the notice comes. */
static void mock_dma_unmap(struct vfio_device *vdev, u64 iova, u64 size)
{
	struct mock *mock = to_mock(vdev);
	struct mock_range range = { .npages = 1, .prot = IOMMU_READ };
	struct mock_reaction reaction;
	int pin_ret = 0, rw_ret = 0;
	u64 word;

	mutex_lock(&mock->lock);
	reaction = mock->reaction;
	mutex_unlock(&mock->lock);
	range.iova = reaction.iova;
	if (reaction.flags & MOCK_PIN_THERE)
		pin_ret = pin(mock, &range);
	if (reaction.flags & MOCK_RW_THERE)
		rw_ret = vfio_dma_rw(vdev, reaction.iova, &word, sizeof(word), false);
	mutex_lock(&mock->lock);
	mock->told.calls++;
	mock->told.iova = iova;
	mock->told.size = size;
	mock->told.pin_ret = pin_ret;
	mock->told.rw_ret = rw_ret;
	mutex_unlock(&mock->lock);
	while (!(reaction.flags & MOCK_KEEP) && unpin_one(mock, iova, iova + (size - 1)))
		;
}

static int mock_open(struct vfio_device *vdev)
{
	struct mock *mock = to_mock(vdev);

	memset(&mock->reaction, 0, sizeof(mock->reaction));
	memset(&mock->told, 0, sizeof(mock->told));
	return 0;
}

static void mock_close(struct vfio_device *vdev)
{
	while (unpin_one(to_mock(vdev), 0, U64_MAX))
		;
}

static int mock_init(struct vfio_device *vdev)
{
	struct mock *mock = to_mock(vdev);

	mutex_init(&mock->lock);
	INIT_LIST_HEAD(&mock->held);
	return 0;
}

static void mock_release(struct vfio_device *vdev)
{
#ifdef MOCK_FREES_DEVICE
	vfio_free_device(vdev);
#endif
}

static const struct vfio_device_ops ops = {
	.name = MOCK_NAME,
	.init = mock_init,
	.release = mock_release,
	.open_device = mock_open,
	.close_device = mock_close,
	.ioctl = mock_ioctl,
	.dma_unmap = mock_dma_unmap,
};

/* The VFIO core holds a device's driver while the device is open, so there has to be one. */
static int mock_probe(struct platform_device *pdev)
{
	return 0;
}

static struct platform_driver driver = {
	.probe = mock_probe,
	.driver.name = MOCK_NAME,
	.driver.suppress_bind_attrs = true,
};

static void remove_device(int i)
{
	if (mocks[i]) {
		vfio_unregister_group_dev(&mocks[i]->vdev);
		vfio_put_device(&mocks[i]->vdev);
	}
	platform_device_unregister(parents[i]);
}

static int add_device(int i)
{
	struct platform_device *parent;
	struct mock *mock;
	int ret;

	parent = platform_device_register_simple(MOCK_NAME, i, NULL, 0);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	parents[i] = parent;
	mock = vfio_alloc_device(mock, vdev, &parent->dev, &ops);
	if (IS_ERR(mock))
		return PTR_ERR(mock);
	ret = vfio_register_emulated_iommu_dev(&mock->vdev);
	if (ret)
		vfio_put_device(&mock->vdev);
	else
		mocks[i] = mock;
	return ret;
}

static void remove_all(void)
{
	int i;

	for (i = 0; i < MOCK_DEVICES; i++)
		remove_device(i);
	platform_driver_unregister(&driver);
}

static int __init mock_module_init(void)
{
	int i, ret;

	ret = platform_driver_register(&driver);
	if (ret)
		return ret;
	for (i = 0; i < MOCK_DEVICES && !ret; i++)
		ret = add_device(i);
	if (ret)
		remove_all();
	return ret;
}

static void __exit mock_module_exit(void)
{
	remove_all();
}

module_init(mock_module_init);
module_exit(mock_module_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Emulated VFIO devices for tests");
