/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hugetlb memory: one pin holds a whole huge page, so GUP is asked for one page of each.
 *
 * Locking: takes mmap_lock of the owner for read, as GUP does itself.
 */
#ifndef VIB_HUGE_H
#define VIB_HUGE_H

#include "pin.h"

enum {
	VIB_HUGE_MIN = 128,		/* fewer pages do not pay for a look at the vma */
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

#endif
