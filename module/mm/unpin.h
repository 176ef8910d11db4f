/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unpinning: drops what pin.h has pinned. May be called under any lock under which one may sleep.
 */
#ifndef VIB_UNPIN_H
#define VIB_UNPIN_H

#include <linux/mm.h>

#include "pure/extents.h"

/* Return: how many pages the huge page has that @page, which is pinned, is one of. */
static inline u64 vib_huge_pages(struct page *page)
{
	return compound_nr(compound_head(page));
}

/**
 * struct vib_unpinning - pins that are being dropped
 * @next: the extent word, without a length, that would continue the pending run
 * @npages: length of the pending run, which is not dropped yet
 * @dirty: the device may have written; constant while a run is pending
 * @accounted: how many of the dropped pages are charged
 * @since_resched: pages dropped since the last chance to reschedule, without those of huge pages
 *
 * Extents that follow one another in physical memory are dropped as one run, whichever mappings
 * they are of; not those with VIB_EXT_HUGE: where two meet in a huge page, each holds a pin of it.
 */
struct vib_unpinning {
	u64 next;
	u64 npages;
	bool dirty;
	u64 accounted;
	u64 since_resched;
};

/* For vib_unpin_add(): drops an extent with VIB_EXT_HUGE; the pending run stays. */
void vib_huge_unpin(struct vib_unpinning *up, u64 ext);

/*
 * Drops the pending run, and has one of @npages pending that ends before @next. Sets that itself,
 * so that a caller in a loop has two values less to keep over the call.
 */
void vib_unpin_run(struct vib_unpinning *up, u64 next, u64 npages);

/* Drops the pending run, if there is one. */
static inline void vib_unpin_flush(struct vib_unpinning *up)
{
	if (up->npages)
		vib_unpin_run(up, 0, 0);
}

/*
 * Adds an extent, which vib_unpin_flush() drops at the latest. No IOMMU may translate to its pages
 * any more: the IOTLB flush that covers them is done.
 */
static inline void vib_unpin_add(struct vib_unpinning *up, u64 ext)
{
	u64 pages = vib_ext_pages(ext);
	u64 start = vib_ext_make(vib_ext_pfn(ext), 0, vib_ext_flags(ext));

	if (unlikely(ext & VIB_EXT_HUGE)) {
		vib_huge_unpin(up, ext);
		return;
	}
	if (start == up->next) {
		up->next += pages;
		up->npages += pages;
		return;
	}
	if (likely(up->npages)) {
		vib_unpin_run(up, start + pages, pages);
		return;
	}
	up->next = start + pages;
	up->npages = pages;
}

/* vib_unpin_add() of @nr extents side by side in memory. */
void vib_unpin_add_words(struct vib_unpinning *up, const u64 *words, u32 nr);

/* vib_unpin() of an extent of one page. */
u64 vib_unpin_page(u64 ext, bool dirty);

/* vib_unpin_add() of the extents [first, end) of a row. */
void vib_unpin_add_all(struct vib_unpinning *up, struct vib_extents *ex, u32 first, u32 end);

/**
 * vib_unpin - drop the pins of extents
 * @ex: the row
 * @first: index of the first extent
 * @nr: how many
 * @dirty: the device may have written
 *
 * No IOMMU may translate to these pages any more.
 *
 * Return: how many of the pages are charged; the caller uncharges them.
 */
u64 vib_unpin(struct vib_extents *ex, u32 first, u32 nr, bool dirty);

#endif
