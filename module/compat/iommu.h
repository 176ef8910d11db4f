/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/iommu.h>. A changed signature is recognised by the function's type, not by
 * a version, because distributions backport; an unknown type stops the build.
 */
#ifndef VIB_COMPAT_IOMMU_H
#define VIB_COMPAT_IOMMU_H

#include <linux/iommu.h>
#include <linux/irqdomain.h>
#include <linux/scatterlist.h>

#if defined(VIB_HAVE_COOKIE_ELSEWHERE)
#include <linux/dma-iommu.h>
#elif !defined(VIB_HAVE_COOKIE_HERE)
#error "no header known that declares iommu_get_msi_cookie() on this kernel"
#endif

typedef int (*vib_map_gfp_fn)(struct iommu_domain *, unsigned long, phys_addr_t, size_t, int,
			      gfp_t);
typedef int (*vib_map_old_fn)(struct iommu_domain *, unsigned long, phys_addr_t, size_t, int);

/* v6.3 (1369459b2e21) gave iommu_map() a gfp argument; before, the tables were never charged. */
static inline int vib_compat_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
				 size_t size, int prot, gfp_t gfp)
{
	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(iommu_map, vib_map_gfp_fn) &&
			 !VIB_IS_TYPE(iommu_map, vib_map_old_fn),
			 "iommu_map() has a signature that this module does not know");
	if (VIB_IS_TYPE(iommu_map, vib_map_gfp_fn))
		return VIB_AS_TYPE(iommu_map, vib_map_gfp_fn)(domain, iova, phys, size, prot, gfp);
	return VIB_AS_TYPE(iommu_map, vib_map_old_fn)(domain, iova, phys, size, prot);
}

typedef ssize_t (*vib_map_sg_gfp_fn)(struct iommu_domain *, unsigned long, struct scatterlist *,
				     unsigned int, int, gfp_t);
typedef ssize_t (*vib_map_sg_signed_fn)(struct iommu_domain *, unsigned long, struct scatterlist *,
					unsigned int, int);
typedef size_t (*vib_map_sg_old_fn)(struct iommu_domain *, unsigned long, struct scatterlist *,
				    unsigned int, int);

/*
 * v6.3 (f2b2c051f1b2) added gfp, v5.15 made the return value signed. Before, 0 stood for any error,
 * and is taken for a lack of memory, because our arguments are valid.
 */
static inline ssize_t vib_compat_map_sg(struct iommu_domain *domain, unsigned long iova,
					struct scatterlist *sg, unsigned int nents, int prot,
					gfp_t gfp)
{
	size_t mapped;

	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(iommu_map_sg, vib_map_sg_gfp_fn) &&
			 !VIB_IS_TYPE(iommu_map_sg, vib_map_sg_signed_fn) &&
			 !VIB_IS_TYPE(iommu_map_sg, vib_map_sg_old_fn),
			 "iommu_map_sg() has a signature that this module does not know");
	if (VIB_IS_TYPE(iommu_map_sg, vib_map_sg_gfp_fn))
		return VIB_AS_TYPE(iommu_map_sg, vib_map_sg_gfp_fn)(domain, iova, sg, nents, prot,
								    gfp);
	if (VIB_IS_TYPE(iommu_map_sg, vib_map_sg_signed_fn))
		return VIB_AS_TYPE(iommu_map_sg, vib_map_sg_signed_fn)(domain, iova, sg, nents,
								       prot);
	mapped = VIB_AS_TYPE(iommu_map_sg, vib_map_sg_old_fn)(domain, iova, sg, nents, prot);
	return mapped ? (ssize_t)mapped : -ENOMEM;
}

/*
 * Return: a domain that @dev can be attached to; ERR_PTR on failure. Before v6.11 the kernel
 * allocates by bus and returns NULL for any error, which becomes -EIO.
 */
static inline struct iommu_domain *vib_compat_domain_alloc(struct device *dev)
{
#if defined(VIB_HAVE_PAGING_DOMAIN_ALLOC_FLAGS)
	return iommu_paging_domain_alloc_flags(dev, 0);
#elif defined(VIB_HAVE_PAGING_DOMAIN_ALLOC)
	return iommu_paging_domain_alloc(dev);
#elif defined(VIB_HAVE_DOMAIN_ALLOC)
	struct iommu_domain *domain = iommu_domain_alloc(dev->bus);

	return domain ? domain : ERR_PTR(-EIO);
#else
#error "no way known to allocate an IOMMU domain on this kernel"
#endif
}

/*
 * Makes the domain override no-snoop DMA; true when it does. v5.19 (6043257b1de0) moved this from a
 * map flag to a domain operation; before, IOMMU_CACHE at map did it where the driver was capable.
 */
static inline bool vib_compat_enforce_coherency(struct iommu_domain *domain)
{
#ifdef VIB_HAVE_ENFORCE_COHERENCY
	return domain->ops->enforce_cache_coherency && domain->ops->enforce_cache_coherency(domain);
#elif defined(VIB_HAVE_CAPABLE_BY_BUS)
	return domain->ops->capable && domain->ops->capable(IOMMU_CAP_CACHE_COHERENCY);
#else
#error "cache coherency enforcement of this kernel is not known"
#endif
}

/*
 * Can the device's DMA be made to snoop by a domain that enforces it? Before v6.2 the kernel does
 * not tell; all devices of an instance are alike there.
 */
static inline bool vib_compat_can_snoop(struct device *dev)
{
#if defined(VIB_HAVE_ENFORCE_CAP)
	return device_iommu_capable(dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
#elif defined(VIB_HAVE_INTR_REMAP_CAP)
	return true;
#else
#error "no way known to ask this kernel whether a device's DMA can be made to snoop"
#endif
}

#if defined(VIB_HAVE_ISOLATED_MSI)
/* iommu_group_has_isolated_msi() tells. */
#elif defined(VIB_HAVE_MSI_REMAP) && defined(VIB_HAVE_INTR_REMAP_CAP)
static inline int vib_compat_no_intr_remap(struct device *dev, void *unused)
{
#ifdef VIB_HAVE_CAPABLE_BY_BUS
	return !iommu_capable(dev->bus, IOMMU_CAP_INTR_REMAP);
#elif defined(VIB_HAVE_CAPABLE_BY_DEVICE)
	return !device_iommu_capable(dev, IOMMU_CAP_INTR_REMAP);
#else
#error "no way known to ask this kernel for a capability of an IOMMU"
#endif
}
#else
#error "no way known to ask this kernel whether interrupts are isolated"
#endif

/*
 * Can the devices of the group raise only interrupts that the host has set up? Takes the group's
 * mutex.
 */
static inline bool vib_compat_isolated_msi(struct iommu_group *group)
{
#ifdef VIB_HAVE_ISOLATED_MSI
	return iommu_group_has_isolated_msi(group);
#else
	return irq_domain_check_msi_remap() ||
	       !iommu_group_for_each_dev(group, NULL, vib_compat_no_intr_remap);
#endif
}

#endif
