/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bug to be found: domain_unfill.c with this included flushes no IOTLB. The module
 * made of it has to fail the stale DMA test; see tests/soak/run --only mutant.
 */
#ifndef VIB_SOAK_MUTANT_FLUSH_H
#define VIB_SOAK_MUTANT_FLUSH_H

static inline void flush_nothing(struct iommu_domain *domain)
{
}

static inline size_t unmap_unflushed(struct iommu_domain *domain, unsigned long iova, size_t size)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	return iommu_unmap_fast(domain, iova, size, &gather);
}

#define iommu_unmap(domain, iova, size) unmap_unflushed(domain, iova, size)
#define iommu_iotlb_sync(domain, gather) flush_nothing(domain)
#define iommu_flush_iotlb_all(domain) flush_nothing(domain)

#endif
