/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transparent huge pages of current that one entry of the page table maps: pinned and compared by
 * that entry. Each of their pages has its pin all the same.
 *
 * Locking: none is needed; GUP takes mmap_lock.
 */
#ifndef VIB_THP_H
#define VIB_THP_H

#include "pin.h"

enum {
	VIB_THP_MIN = 128,		/* fewer pages do not pay for a look at the entry */
};

/* Is vib_thp_append() worth a try for the next @npages? */
static inline bool vib_thp_wanted(const struct vib_pin *pin, unsigned long npages)
{
	return npages >= VIB_THP_MIN && pin->vaddr >= pin->torn && !pin->scattered &&
	       pin->owner->mm == current->mm;
}

/**
 * vib_thp_append - pin what the next huge page has of the range
 * @pin: progress; @credit is used and @accounted grows, @vaddr and @left stay
 * @out: gets the pages appended; has room for an extent
 *
 * Return: how many pages. 0 with pin->torn set: memory before that address is to be pinned page by
 * page.
 */
long vib_thp_append(struct vib_pin *pin, struct vib_extents *out);

/*
 * Return: how many pages of an extent are at pin->vaddr now, and may be written; 0 if it cannot be
 * told by one entry of the page table. Something holds the extent; @pin is of current. Never
 * faults.
 */
u64 vib_thp_same(const struct vib_pin *pin, u64 ext);

#endif
