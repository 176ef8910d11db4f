/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking translations out of a domain, with as few flushes as possible. Cannot fail; if a driver
 * does not take out what it was given, that is detected and reported as @stuck.
 */
#ifndef VIB_DOMAIN_UNFILL_H
#define VIB_DOMAIN_UNFILL_H

#include "domain.h"

/**
 * struct vib_unfill - ranges taken out of one domain and not flushed yet
 * @dom: the domain
 * @start: lowest byte
 * @last: highest byte
 * @covered: bytes in all
 * @pgsize: page size that the driver reported for the first range, SMMUv3's level hint; x86
 *	drivers do not ask
 * @mixed: ranges of several page sizes, which one range flush cannot describe
 * @stuck: from the lowest to the highest byte that would not go (empty: start > last); the pages
 *	there must stay pinned until the domain is freed
 * @gather: for one driver call
 * @tables: page-table pages to free after the flush
 */
struct vib_unfill {
	struct vib_domain *dom;
	u64 start;
	u64 last;
	u64 covered;
	size_t pgsize;
	bool mixed;
	struct vib_range stuck;
	struct iommu_iotlb_gather gather;
	struct iommu_iotlb_gather tables;
};

/* Is nothing stuck? */
static inline bool vib_stuck_none(const struct vib_range *stuck)
{
	return stuck->start > stuck->last;
}

void vib_unfill_begin(struct vib_unfill *unfill, struct vib_domain *dom);

/*
 * Takes [iova, iova + size), all of it filled, out of the page table; of a domain that is being
 * filled, the part that is in it. Devices may still use it from their caches.
 */
void vib_unfill_range(struct vib_unfill *unfill, u64 iova, u64 size);

/*
 * Flushes what was taken out from every device's caches, then frees the tables. After that, pages
 * outside @stuck may be unpinned, and @unfill must not be used again. Return: the number of
 * flushes.
 */
unsigned int vib_unfill_sync(struct vib_unfill *unfill);

/*
 * Takes out and flushes a single page that is in the domain, without the bookkeeping of struct
 * vib_unfill. Return: false, with nothing changed, if the driver did not take it out.
 */
bool vib_unfill_page(struct vib_domain *dom, u64 iova);

/* Unfills and syncs [iova, iova + size), all of it filled. Return: false if some of it is stuck. */
bool vib_domain_undo(struct vib_domain *dom, u64 iova, u64 size);

/*
 * Does the page table still translate @iova, which the driver was told to take out? Warns once in
 * the log: devices reach a page there until the domain is freed.
 */
bool vib_domain_keeps(struct vib_domain *dom, u64 iova);

#endif
