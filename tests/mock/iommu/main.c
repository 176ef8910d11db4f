// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instances and devices, and what the IOMMU core is told of them. Devices are named at load time
 * ("0000:00:10.0=2": behind instance 2) and must not be bound to a driver yet; all others stay
 * without an IOMMU. There is no way to unload: kernels up to 6.12 keep pointers to what they were
 * given.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "kernel.h"
#include "mock_iommu.h"

struct mock mock;
DEFINE_MUTEX(mock_lock); /* everything in struct mock */

static char *devices[MOCK_DEVICES];
static unsigned int nr_devices;
module_param_array(devices, charp, &nr_devices, 0444);
MODULE_PARM_DESC(devices, "PCI devices and their instances: 0000:00:10.0=0,...");

struct mock_device *mock_device_of(struct device *dev)
{
	return dev_iommu_priv_get(dev);
}

bool mock_device_coherent(const struct mock_device *mdev)
{
	return mdev->instance->limits.coherent && !mdev->uncoherent;
}

static bool device_can(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
#ifdef MOCK_ALLOC_BY_DEVICE
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return mock_device_coherent(mock_device_of(dev));
#else
	case IOMMU_CAP_INTR_REMAP:
		return true;
#endif
	default:
		return false;
	}
}

static struct iommu_device *probe_device(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < mock.nr_devices; i++) {
		struct mock_device *mdev = &mock.device[i];

		if (!dev_is_pci(dev) || strcmp(mdev->name, dev_name(dev)) ||
		    !mdev->instance->registered)
			continue;
		dev_iommu_priv_set(dev, mdev);
		return &mdev->instance->iommu;
	}
	return ERR_PTR(-ENODEV);
}

static void release_device(struct device *dev)
{
	mock_domain_leave(dev);
}

static void get_resv_regions(struct device *dev, struct list_head *list)
{
	struct mock_instance *inst = mock_device_of(dev)->instance;
	struct iommu_resv_region *region;
	unsigned int flags, i;

	mutex_lock(&mock_lock);
	flags = memalloc_noreclaim_save();
	for (i = 0; i < inst->nr_reserved; i++) {
		u64 start = inst->reserved[i].start;

		/* A driver cannot say that it left a region out. */
		region = iommu_alloc_resv_region(start, inst->reserved[i].last - start + 1, 0,
						 inst->reserved[i].type,
						 GFP_KERNEL | __GFP_NOFAIL);
		list_add_tail(&region->list, list);
	}
	memalloc_noreclaim_restore(flags);
	mutex_unlock(&mock_lock);
}

/* Without an IOMMU of its own, memory is where the device says: the mock is no obstacle at boot. */
static int def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

/* The core's own domains, identity and blocked, only take a device off ours. */
#ifdef MOCK_ATTACH_OLD
static int park(struct iommu_domain *iommu, struct device *dev, struct iommu_domain *old)
#else
static int park(struct iommu_domain *iommu, struct device *dev)
#endif
{
	mock_domain_leave(dev);
	return 0;
}

#ifdef MOCK_ALLOC_BY_DEVICE
static const struct iommu_domain_ops core_domain_ops = {
	.attach_dev = park,
};

static struct iommu_domain identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &core_domain_ops,
};

static struct iommu_domain blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &core_domain_ops,
};

static struct iommu_domain *alloc_paging(struct device *dev)
{
	return mock_domain_alloc(mock_device_of(dev)->instance);
}
#else
static void free_core_domain(struct iommu_domain *iommu)
{
	kfree(iommu);
}

static const struct iommu_domain_ops core_domain_ops = {
	.attach_dev = park,
	.free = free_core_domain,
};

static struct iommu_domain *alloc_any(unsigned int type)
{
	struct iommu_domain *iommu;

	if (type == IOMMU_DOMAIN_UNMANAGED) {
		iommu = mock_domain_alloc(NULL);
		return IS_ERR(iommu) ? NULL : iommu;
	}
	if (type != IOMMU_DOMAIN_IDENTITY && type != IOMMU_DOMAIN_BLOCKED)
		return NULL;
	iommu = kzalloc(sizeof(*iommu), GFP_KERNEL);
	if (iommu) {
		iommu->ops = &core_domain_ops;
		iommu->pgsize_bitmap = PAGE_SIZE;
	}
	return iommu;
}
#endif

static const struct iommu_ops mock_ops = {
	.owner = THIS_MODULE,
	.capable = device_can,
	.probe_device = probe_device,
	.release_device = release_device,
	.device_group = pci_device_group,
	.get_resv_regions = get_resv_regions,
	.def_domain_type = def_domain_type,
#ifdef MOCK_ALLOC_BY_DEVICE
	.identity_domain = &identity_domain,
	.blocked_domain = &blocked_domain,
	.domain_alloc_paging = alloc_paging,
#else
	.domain_alloc = alloc_any,
	.pgsize_bitmap = PAGE_SIZE,
#endif
};

static int parse_device(const char *text)
{
	struct mock_device *mdev = &mock.device[mock.nr_devices];
	const char *equals = strchr(text, '=');
	unsigned int instance;

	if (!equals || kstrtouint(equals + 1, 10, &instance) || instance >= MOCK_INSTANCES)
		return -EINVAL;
	mdev->name = kstrndup(text, equals - text, GFP_KERNEL);
	if (!mdev->name)
		return -ENOMEM;
	mdev->instance = &mock.instances[instance];
	mock.nr_devices++;
	return 0;
}

static int register_instance(unsigned int nr)
{
	struct mock_instance *inst = &mock.instances[nr];
	int ret;

	ret = iommu_device_sysfs_add(&inst->iommu, NULL, NULL, "mock%u", nr);
	if (ret)
		return ret;
	inst->registered = true;
	ret = iommu_device_register(&inst->iommu, &mock_ops, NULL);
	if (ret)
		iommu_device_sysfs_remove(&inst->iommu);
	return ret;
}

static int __init mock_init(void)
{
	unsigned int i;
	int ret;

	INIT_LIST_HEAD(&mock.domains);
	mock_reset();
	for (i = 0; i < nr_devices; i++) {
		ret = parse_device(devices[i]);
		if (ret)
			return ret;
	}
	/* Before anything is registered, a failure leaves nothing behind. */
	ret = register_instance(0);
	if (ret)
		return ret;
	for (i = 1; i < MOCK_INSTANCES; i++)
		WARN_ON(register_instance(i));
	mock_debugfs_init();
	return 0;
}
module_init(mock_init);

MODULE_DESCRIPTION("Mock IOMMU for tests: translates nothing, remembers everything");
MODULE_LICENSE("GPL");
