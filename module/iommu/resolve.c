// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sole caller of the IOMMU API's questions about groups and devices. Knows nothing of ioas, domains
 * or mappings.
 */
#include "resolve.h"

#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/iommu.h"
#include "pure/iova.h"

/*
 * Looks at one member. The group has an instance only if all members are behind the same one.
 */
static int see_device(struct device *dev, void *data)
{
	struct vib_resolved *res = data;
	const void *instance;

	if (!dev->iommu || !dev->iommu->iommu_dev)
		return -ENODEV;
	instance = dev->iommu->iommu_dev;
	if (!res->nr_devices++) {
		res->instance = instance;
		res->snoops = true;
	}
	if (res->instance != instance)
		res->instance = NULL;
	res->snoops &= vib_compat_can_snoop(dev);
	return 0;
}

/* Reserves all regions but relaxable direct ones, as type1 does. */
static void keep_region(struct vib_resolved *res, const struct iommu_resv_region *region)
{
	struct vib_range range = { .start = region->start };

	if (region->type == IOMMU_RESV_DIRECT_RELAXABLE || !region->length)
		return;
	if (!vib_range_last(region->start, region->length, &range.last))
		range.last = U64_MAX;
	res->reserved[res->nr_reserved++] = range;
}

/* With a hardware doorbell window, none is needed in software. */
static void note_msi(struct vib_resolved *res, const struct list_head *regions)
{
	const struct iommu_resv_region *region;

	list_for_each_entry(region, regions, list) {
		if (region->type == IOMMU_RESV_MSI) {
			res->sw_msi = false;
			return;
		}
		if (region->type == IOMMU_RESV_SW_MSI) {
			res->sw_msi = true;
			res->sw_msi_base = region->start;
		}
	}
}

static int read_regions(struct iommu_group *group, struct vib_resolved *res)
{
	struct iommu_resv_region *region, *next;
	unsigned int nr = 0;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(group, &regions);
	if (!ret) {
		list_for_each_entry(region, &regions, list)
			nr++;
		res->reserved = kmalloc_array(nr + 1, sizeof(*res->reserved), GFP_KERNEL_ACCOUNT);
		if (!res->reserved)
			ret = -ENOMEM;
		note_msi(res, &regions);
	}
	list_for_each_entry_safe(region, next, &regions, list) {
		if (!ret)
			keep_region(res, region);
		kfree(region);
	}
	return ret;
}

int vib_resolve(struct iommu_group *group, struct vib_resolved *out)
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = iommu_group_for_each_dev(group, out, see_device);
	if (!ret && !out->nr_devices)
		ret = -ENODEV;
	if (!ret)
		ret = read_regions(group, out);
	if (ret)
		vib_resolved_fini(out);
	return ret;
}

void vib_resolved_fini(struct vib_resolved *res)
{
	kfree(res->reserved);
	memset(res, 0, sizeof(*res));
}

struct call {
	int (*fn)(struct device *dev, void *data);
	void *data;
	bool called;
	int ret;
};

static int call_first(struct device *dev, void *data)
{
	struct call *call = data;

	call->called = true;
	call->ret = dev->iommu ? call->fn(dev, call->data) : -ENODEV;
	return 1;
}

int vib_resolve_call(struct iommu_group *group, int (*fn)(struct device *dev, void *data),
		     void *data)
{
	struct call call = { .fn = fn, .data = data };

	iommu_group_for_each_dev(group, &call, call_first);
	return call.called ? call.ret : -ENODEV;
}

bool vib_resolve_isolated_msi(struct iommu_group *group)
{
	return vib_compat_isolated_msi(group);
}

void vib_resolve_each(struct iommu_group *group, int (*fn)(struct device *dev, void *data),
		      void *data)
{
	iommu_group_for_each_dev(group, data, fn);
}

/* Reads sysfs, because no exported function tells: the group is on our domain by now. */
static ssize_t read_type(int group_id, char *type, size_t size)
{
	char path[48];
	struct file *file;
	loff_t pos = 0;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/type", group_id);
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, type, size - 1, &pos);
	filp_close(file, NULL);
	return len;
}

void vib_resolve_default_type(int group_id, char *type, size_t size)
{
	ssize_t len = read_type(group_id, type, size);

	if (len <= 0) {
		strscpy(type, "unknown", size);
		return;
	}
	type[len] = '\0';
	strreplace(type, '\n', '\0');
}
