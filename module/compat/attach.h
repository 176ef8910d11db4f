/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of iommu_attach_group(): what it leaves behind, and what its errno means.
 *
 * Since v6.2 (the "-EINVAL for incompatible devices" series) -EINVAL is reserved for "this device
 * cannot use this domain". Before, drivers returned any errno for that (-EINVAL, -EMEDIUMTYPE,
 * -ENODEV, -EPERM, -EXDEV, -EIO), so every errno that can mean it is taken to mean it.
 */
#ifndef VIB_COMPAT_ATTACH_H
#define VIB_COMPAT_ATTACH_H

#include <linux/errno.h>
#include <linux/iommu.h>

/* The errno, or -EINVAL where it means, or before v6.2 may mean, that the domain does not suit. */
static inline int vib_compat_attach_error(int ret)
{
#ifdef VIB_HAVE_ATTACH_EINVAL
	return ret;
#else
	switch (ret) {
	case 0:
	case -ENOMEM:
	case -EBUSY:
	case -EINTR:
		return ret;
	default:
		return -EINVAL;
	}
#endif
}

#if !defined(VIB_HAVE_DMA_OWNER) && !defined(VIB_HAVE_CAPABLE_BY_BUS)
#error "what a failed iommu_attach_group() leaves behind on this kernel is not known"
#endif

#ifndef VIB_HAVE_DMA_OWNER
static inline int vib_compat_see_domain(struct device *dev, void *domain)
{
	*(struct iommu_domain **)domain = iommu_get_domain_for_dev(dev);
	return 1;
}
#endif

/*
 * Attaches all devices of the group, or none. Before v5.19 (DMA ownership) the core leaves the
 * devices that it attached before the failing one on @domain, though it says that the group is on
 * its default domain. So the group is attached to its default domain once more. @stray is set if
 * that fails, too: then a device may use @domain until the next reboot.
 */
static inline int vib_compat_attach_group(struct iommu_domain *domain, struct iommu_group *group,
					  bool *stray)
{
	int ret = iommu_attach_group(domain, group);
#ifndef VIB_HAVE_DMA_OWNER
	struct iommu_domain *before = NULL;
	int back;

	if (!ret)
		return 0;
	iommu_group_for_each_dev(group, &before, vib_compat_see_domain);
	back = before ? iommu_attach_group(before, group) : -ENODEV;
	/*
	 * -EBUSY comes from the core: the group is on somebody else's domain and was not touched.
	 */
	if (back && back != -EBUSY)
		*stray = true;
#endif
	return ret;
}

/* Does a failed attach of several devices leave none of them on the domain? */
static inline bool vib_compat_attach_is_atomic(void)
{
#ifdef VIB_HAVE_DMA_OWNER
	return true;
#else
	return false;
#endif
}

#endif
