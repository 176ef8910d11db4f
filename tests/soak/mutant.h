/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bug to be found: drain.c with this included flushes no IOTLB. The module
 * made of it has to fail the stale DMA test; see tests/soak/run --mutant.
 */
#ifndef VIB_SOAK_MUTANT_H
#define VIB_SOAK_MUTANT_H

static inline void flush_nothing(struct iommu_domain *domain)
{
}

#define iommu_iotlb_sync(domain, gather) flush_nothing(domain)
#define iommu_flush_iotlb_all(domain) flush_nothing(domain)

#endif
