// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging domains: which device may be on which, and what an attach makes of the domain. As with
 * real drivers, a domain takes its limits from the first instance (where the core names none at
 * the allocation, at the first attach), and a device of another instance is refused or not as the
 * instance's "foreign" says. Does not look into the page table.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include "kernel.h"
#include "mock_iommu.h"

#ifdef MOCK_ATTACH_OLD
static int attach_dev(struct iommu_domain *iommu, struct device *dev, struct iommu_domain *old)
#else
static int attach_dev(struct iommu_domain *iommu, struct device *dev)
#endif
{
	return mock_domain_attach(iommu, dev);
}

#define COMMON_OPS							\
	.attach_dev = attach_dev,					\
	.map_pages = mock_map_pages,					\
	.unmap_pages = mock_unmap_pages,				\
	.iotlb_sync = mock_sync,					\
	.iova_to_phys = mock_iova_to_phys,				\
	.enforce_cache_coherency = mock_domain_enforce,			\
	.free = mock_domain_free

/* Two drivers that only differ in whose they are, and one that flushes ranges alone. */
static const struct iommu_domain_ops variants[MOCK_VARIANTS] = {
	{ COMMON_OPS, .flush_iotlb_all = mock_flush_all },
	{ COMMON_OPS, .flush_iotlb_all = mock_flush_all },
	{ COMMON_OPS },
};

static void settle(struct mock_domain *dom, struct mock_instance *inst)
{
	const struct mock_limits *limits = &inst->limits;

	dom->home = inst;
	dom->iommu.ops = &variants[limits->variant];
	dom->iommu.pgsize_bitmap = limits->pgsizes;
	dom->iommu.geometry.aperture_start = limits->first;
	dom->iommu.geometry.aperture_end = limits->last;
	dom->iommu.geometry.force_aperture = true;
}

struct iommu_domain *mock_domain_alloc(struct mock_instance *home)
{
	struct mock_domain *dom;
	int ret;

	dom = kzalloc(sizeof(*dom), GFP_KERNEL);
	if (!dom)
		return ERR_PTR(-ENOMEM);
	xa_init(&dom->pages);
	dom->reach = MOCK_REACH;
	dom->iommu.ops = &variants[0];
	dom->iommu.pgsize_bitmap = PAGE_SIZE;
	mutex_lock(&mock_lock);
	ret = mock_fails(MOCK_ALLOC);
	if (!ret) {
		if (home)
			settle(dom, home);
		dom->id = mock.next_domain++;
		mock.allocs++;
		list_add_tail(&dom->node, &mock.domains);
	}
	mutex_unlock(&mock_lock);
	if (ret) {
		kfree(dom);
		return ERR_PTR(ret);
	}
	return &dom->iommu;
}

void mock_domain_free(struct iommu_domain *iommu)
{
	struct mock_domain *dom = to_mock_domain(iommu);

	mutex_lock(&mock_lock);
	if (dom->devices)
		mock_wrong(MOCK_E_FREE_ATTACHED);
	mock_table_clear(dom);
	list_del(&dom->node);
	mock.frees++;
	mutex_unlock(&mock_lock);
	xa_destroy(&dom->pages);
	kfree(dom);
}

/* As far as this driver goes: page sizes, aperture and operations that it can work with. */
static bool alike(const struct mock_domain *dom, const struct mock_limits *limits)
{
	return dom->iommu.pgsize_bitmap == limits->pgsizes &&
	       dom->iommu.geometry.aperture_start == limits->first &&
	       dom->iommu.geometry.aperture_end == limits->last;
}

/* May a device of @inst come to a domain that another instance was first on? */
static int check_foreign(struct mock_domain *dom, struct mock_instance *inst)
{
	if (dom->iommu.ops != &variants[inst->limits.variant]) {
		mock_wrong(MOCK_E_FOREIGN_OPS);
		return -EINVAL;
	}
	if (inst->foreign)
		return -inst->foreign;
	if (dom->mapped && !alike(dom, &inst->limits))
		mock_wrong(MOCK_E_UNLIKE_LIVE);
	return 0;
}

static int check_attach(struct mock_domain *dom, const struct mock_device *mdev)
{
	int ret = mock_fails(MOCK_ATTACH);

	if (!ret && dom->home && dom->home != mdev->instance)
		ret = check_foreign(dom, mdev->instance);
	if (!ret && dom->enforced && !mock_device_coherent(mdev))
		ret = -EINVAL;
	return ret;
}

static void leave(struct mock_device *mdev)
{
	if (!mdev->domain)
		return;
	mdev->domain->devices--;
	mdev->domain = NULL;
	mdev->instance->detaches++;
}

/* What a driver does to the domain for a new device, without mock_lock. */
static void take_time(struct mock_domain *dom)
{
	unsigned int ms = mock.attach_ms;

	if (!ms)
		return;
	dom->attaching++;
	mutex_unlock(&mock_lock);
	msleep(ms);
	mutex_lock(&mock_lock);
	dom->attaching--;
}

int mock_domain_attach(struct iommu_domain *iommu, struct device *dev)
{
	struct mock_domain *dom = to_mock_domain(iommu);
	struct mock_device *mdev = mock_device_of(dev);
	struct mock_instance *inst = mdev->instance;
	int ret;

	mutex_lock(&mock_lock);
	ret = check_attach(dom, mdev);
	if (!ret) {
		take_time(dom);
		if (!dom->home || inst->assign) {
			struct mock_instance *home = dom->home;

			settle(dom, inst);
			dom->home = home ? home : inst;
		}
		leave(mdev);
		mdev->domain = dom;
		dom->devices++;
		inst->attaches++;
	}
	mutex_unlock(&mock_lock);
	return ret;
}

void mock_domain_leave(struct device *dev)
{
	mutex_lock(&mock_lock);
	leave(mock_device_of(dev));
	mutex_unlock(&mock_lock);
}

/* Possible when every device on the domain can. */
bool mock_domain_enforce(struct iommu_domain *iommu)
{
	struct mock_domain *dom = to_mock_domain(iommu);
	bool can = true;
	unsigned int i;

	mutex_lock(&mock_lock);
	for (i = 0; i < mock.nr_devices; i++)
		if (mock.device[i].domain == dom)
			can &= mock_device_coherent(&mock.device[i]);
	dom->enforced |= can;
	mutex_unlock(&mock_lock);
	return can;
}

const struct iommu_domain_ops *mock_variant(unsigned int variant)
{
	return &variants[variant];
}
