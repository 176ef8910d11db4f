// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table for the VFIO core up to v5.15, whose driver operations are public. Pages are pinned by
 * lists of IOVA PFNs, the core does not say whether a group is emulated, and drivers of emulated
 * devices are notified of unmaps through notifiers.
 *
 * A notifier block has no list node for us, so each gets a struct listener here.
 */
#include "vfio_calls.h"

#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include "attach/group.h"
#include "engine/access.h"
#include "engine/ioas.h"

/**
 * struct listener - a driver of an emulated device that is notified of unmaps
 * @device: link in the ioas' list of devices
 * @node: link in @listeners
 * @handle: its container
 * @nb: its notifier
 */
struct listener {
	struct list_head device;
	struct list_head node;
	void *handle;
	struct notifier_block *nb;
};

static LIST_HEAD(listeners);
static DEFINE_MUTEX(listeners_lock);

void vib_vfio_notify(struct list_head *device, u64 iova, u64 size)
{
	struct listener *listener = container_of(device, struct listener, device);
	struct vfio_iommu_type1_dma_unmap unmap = { .iova = iova, .size = size };

	listener->nb->notifier_call(listener->nb, VFIO_IOMMU_NOTIFY_DMA_UNMAP, &unmap);
}

static int register_notifier(void *handle, unsigned long *events, struct notifier_block *nb)
{
	struct listener *listener;
	struct vib_ioas *ioas;

	*events &= ~VFIO_IOMMU_NOTIFY_DMA_UNMAP;
	if (*events)
		return -EINVAL;
	listener = kmalloc(sizeof(*listener), GFP_KERNEL_ACCOUNT);
	if (!listener)
		return -ENOMEM;
	ioas = vib_ioas_get(handle);
	if (!ioas) {
		kfree(listener);
		return -EINVAL;
	}
	listener->handle = handle;
	listener->nb = nb;
	mutex_lock(&listeners_lock);
	list_add(&listener->node, &listeners);
	mutex_unlock(&listeners_lock);
	vib_access_register(ioas, &listener->device);
	vib_ioas_put(ioas);
	return 0;
}

/* Takes the listener with @nb, or any if @nb is NULL, out of our list. Return: NULL if none. */
static struct listener *take_listener(void *handle, struct notifier_block *nb)
{
	struct listener *listener, *found = NULL;

	mutex_lock(&listeners_lock);
	list_for_each_entry(listener, &listeners, node) {
		if (listener->handle == handle && (!nb || listener->nb == nb)) {
			found = listener;
			list_del(&found->node);
			break;
		}
	}
	mutex_unlock(&listeners_lock);
	return found;
}

static int unregister_notifier(void *handle, struct notifier_block *nb)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	struct listener *listener;

	if (!ioas)
		return -EINVAL;
	listener = take_listener(handle, nb);
	if (listener)
		vib_access_unregister(ioas, &listener->device);
	vib_ioas_put(ioas);
	kfree(listener);
	return listener ? 0 : -ENOENT;
}

/* Drops what drivers have left registered: after the release the core does not call us for it. */
static void forget_listeners(void *handle)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);
	struct listener *listener;

	if (!ioas)
		return;
	while ((listener = take_listener(handle, NULL))) {
		pr_warn_once("a container is closed with a device driver's notifier still registered; dropping it\n");
		vib_access_unregister(ioas, &listener->device);
		kfree(listener);
	}
	vib_ioas_put(ioas);
}

static void release(void *handle)
{
	forget_listeners(handle);
	vib_vfio_release(handle);
}

static int see_bus(struct device *dev, void *data)
{
	*(struct bus_type **)data = dev->bus;
	return 1;
}

/* Is it a group of mediated devices, which have no IOMMU? Without mdev.ko there is none. */
static bool is_mediated(struct iommu_group *group)
{
	struct bus_type *mdev, *bus = NULL;

	mdev = symbol_get(mdev_bus_type);
	if (!mdev)
		return false;
	iommu_group_for_each_dev(group, &bus, see_bus);
	symbol_put(mdev_bus_type);
	return bus == mdev;
}

/*
 * A mediated device that is a part of a real one would need an auxiliary domain. We cannot ask
 * whether it is (symbol_get() refuses mdev_get_iommu_device(), also to type1), so it is treated as
 * emulated, and DMA of its own is not translated.
 */
static int attach_group(void *handle, struct iommu_group *group)
{
	return vib_vfio_attach(handle, group, is_mediated(group));
}

/* Return: how many PFNs from the first on are consecutive. */
static int run_of(const unsigned long *pfn, int npage)
{
	int n = 1;

	while (n < npage && pfn[n] == pfn[0] + n)
		n++;
	return n;
}

static void unpin_runs(struct vib_ioas *ioas, const unsigned long *user_pfn, int npage)
{
	int i, n;

	for (i = 0; i < npage; i += n) {
		n = run_of(user_pfn + i, npage - i);
		vib_access_unpin(ioas, (u64)user_pfn[i] << PAGE_SHIFT, n);
	}
}

static int pin_run(struct vib_ioas *ioas, unsigned long pfn, int n, int prot, struct page **pages)
{
	if (pfn > U64_MAX >> PAGE_SHIFT)
		return -EOVERFLOW; /* no IOVA has it */
	return vib_access_pin(ioas, (u64)pfn << PAGE_SHIFT, n, prot, pages);
}

/* Ends the busy marks of all runs, after the last one was pinned. */
static void end_runs(struct vib_ioas *ioas, const unsigned long *user_pfn, int npage)
{
	int i, n;

	for (i = 0; i < npage; i += n) {
		n = run_of(user_pfn + i, npage - i);
		vib_access_pin_end(ioas, (u64)user_pfn[i] << PAGE_SHIFT, n);
	}
}

/* Pins run by run. Return: 0, or an errno with nothing pinned. */
static int pin_runs(struct vib_ioas *ioas, const unsigned long *user_pfn, int npage, int prot,
		    struct page **pages)
{
	int i, n, ret;

	for (i = 0; i < npage; i += n) {
		n = run_of(user_pfn + i, npage - i);
		ret = pin_run(ioas, user_pfn[i], n, prot, pages + i);
		if (ret) {
			unpin_runs(ioas, user_pfn, i);
			end_runs(ioas, user_pfn, i);
			return ret;
		}
	}
	return 0;
}

static int pin_pages(void *handle, struct iommu_group *group, unsigned long *user_pfn, int npage,
		     int prot, unsigned long *phys_pfn)
{
	struct vib_ioas *ioas;
	struct page **pages;
	int i, ret;

	pages = kmalloc_array(npage, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	ioas = vib_ioas_get(handle);
	if (!ioas) {
		kfree(pages);
		return -EINVAL;
	}
	ret = pin_runs(ioas, user_pfn, npage, prot, pages);
	if (!ret) {
		vib_group_declare_pins(ioas, group);
		end_runs(ioas, user_pfn, npage);
		for (i = 0; i < npage; i++)
			phys_pfn[i] = page_to_pfn(pages[i]);
	}
	vib_ioas_put(ioas);
	kfree(pages);
	return ret ? ret : npage;
}

static int unpin_pages(void *handle, unsigned long *user_pfn, int npage)
{
	struct vib_ioas *ioas = vib_ioas_get(handle);

	if (!ioas)
		return -EINVAL;
	unpin_runs(ioas, user_pfn, npage);
	vib_ioas_put(ioas);
	return npage;
}

const struct vfio_iommu_driver_ops vib_vfio_ops = {
	.name = "vfio-iommu-batch",
	.owner = THIS_MODULE,
	.open = vib_vfio_open,
	.release = release,
	.ioctl = vib_vfio_ioctl,
	.attach_group = attach_group,
	.detach_group = vib_vfio_detach_group,
	.pin_pages = pin_pages,
	.unpin_pages = unpin_pages,
	.register_notifier = register_notifier,
	.unregister_notifier = unregister_notifier,
	.dma_rw = vib_vfio_dma_rw,
};
