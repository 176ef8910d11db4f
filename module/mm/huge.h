/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hugetlb memory: one pin holds a whole huge page, so GUP is asked for one page of each.
 *
 * Locking: takes mmap_lock of the owner for read, as GUP does itself.
 */
#ifndef VIB_HUGE_H
#define VIB_HUGE_H

#include "pin.h"
#include "pure/extent_pos.h"

enum {
	VIB_HUGE_MIN = 128,		/* fewer pages do not pay for a look at the vma */
	VIB_HUGE_LOOKS = 64,		/* huge pages that vib_huge_same() compares at once */
};

/* Is vib_huge_append() worth a try for the next @npages? */
static inline bool vib_huge_wanted(const struct vib_pin *pin, unsigned long npages)
{
	return npages >= VIB_HUGE_MIN && pin->vaddr >= pin->plain && !pin->scattered &&
	       !pin->purse;
}

/**
 * vib_huge_append - pin hugetlb memory at pin->vaddr by the huge page
 * @pin: progress; @credit is used and @accounted grows, @vaddr and @left stay
 * @out: gets extents appended, with VIB_EXT_HUGE
 * @most: stop after at least this many pages, but within what pin->left says
 * @lacking: is set to how much more credit the first huge page needs, if that is why none was taken
 *
 * Return: how many pages; -EINTR on a fatal signal. 0 with @lacking 0 and pin->plain
 * set: memory before that address is to be pinned page by page, or GUP's errno to be got that way.
 */
long vib_huge_append(struct vib_pin *pin, struct vib_extents *out, u64 most, u64 *lacking);

/**
 * vib_huge_same - compare the next pages with hugetlb memory that was pinned before
 * @pin: progress, of current, not changed
 * @ex: what was pinned
 * @pos: place in it; the extents with VIB_EXT_HUGE from there on are compared
 * @limit: pages that may be compared; ends where a huge page or an extent does
 * @most: stop after at least this many pages
 *
 * At most VIB_HUGE_LOOKS huge pages are compared, as wholes. Never faults.
 *
 * Return: how many pages from the next one on are the same at this moment.
 */
u64 vib_huge_same(struct vib_pin *pin, struct vib_extents *ex, struct vib_extent_pos pos, u64 limit,
		  u64 most);

#endif
