/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of struct iommu_iotlb_gather: where freed page tables wait for a flush, and what a
 * driver's flush of a range covers.
 */
#ifndef VIB_COMPAT_GATHER_H
#define VIB_COMPAT_GATHER_H

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm_types.h>

/*
 * Moves page-table pages that wait for a flush from one gather to another. From v5.12 to v5.17 only
 * VT-d has them, chained by page->freelist. Before that, drivers freed them in unmap, after a flush
 * of their own.
 */
static inline void vib_compat_gather_splice(struct iommu_iotlb_gather *from,
					    struct iommu_iotlb_gather *to)
{
#if defined(VIB_HAVE_GATHER_PAGES_LIST)
	list_splice_tail_init(&from->freelist.pages, &to->freelist.pages);
#elif defined(VIB_HAVE_GATHER_LIST_HEAD)
	list_splice_tail_init(&from->freelist, &to->freelist);
#elif defined(VIB_HAVE_GATHER_PAGE)
	struct page *last = from->freelist;

	if (!last)
		return;
	while (last->freelist)
		last = last->freelist;
	last->freelist = to->freelist;
	to->freelist = from->freelist;
	from->freelist = NULL;
#elif !defined(VIB_HAVE_GATHER_BARE)
#error "how freed page tables wait for a flush on this kernel is not known"
#endif
}

/*
 * x86 IOMMU drivers flush a range whatever the page sizes in it; SMMUv3 takes the size as a hint.
 */
#define VIB_COMPAT_SYNC_ANY_PGSIZE	IS_ENABLED(CONFIG_X86)

/*
 * Before v6.10 (cache tags) VT-d in caching mode leaves the devices' own TLBs out of a flush of the
 * whole domain, counts the pages of a range in 32 bits, and with first-level tables flushes a range
 * fully only if it is a naturally aligned block. So ranges are rounded out to blocks of at most
 * 2^43 bytes, and a flush of the domain is followed by one of the range.
 */
#ifdef VIB_HAVE_CACHE_TAGS
#define VIB_COMPAT_SYNC_BLOCKS	false
#define VIB_COMPAT_SYNC_BITS	63
#else
#define VIB_COMPAT_SYNC_BLOCKS	IS_ENABLED(CONFIG_X86)
#define VIB_COMPAT_SYNC_BITS	43
#endif

#endif
