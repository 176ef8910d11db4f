/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An extent: a run of contiguous PFNs in one 64-bit word.
 *
 *     63          44 43       42     41        40     39                0
 *    +--------------+--------+------+----------+------+------------------+
 *    | pages (20)   |borrowed| huge | accounted|pinned| first PFN (40)   |
 *    +--------------+--------+------+----------+------+------------------+
 *
 * pinned: we hold a long-term GUP reference on each page of the run. accounted: each page of the
 * run is charged to the owner's locked_vm. huge, beside both: the run is of hugetlb memory, and
 * we hold one reference on each huge page that it has a page of. These are of one size, and
 * aligned in PFNs; a run that ends inside one is continued by no other, and none is cut there.
 * borrowed, beside pinned alone: another mapping's pins and charge keep the run, and this one has
 * a use of them (mm/share.h).
 */
#ifndef VIB_PURE_EXTENT_H
#define VIB_PURE_EXTENT_H

#include "pure.h"

enum {
	VIB_EXT_PFN_BITS = 40,
	VIB_EXT_COUNT_SHIFT = 44,
};

#define VIB_EXT_PINNED		BIT_ULL(40)
#define VIB_EXT_ACCOUNTED	BIT_ULL(41)
#define VIB_EXT_HUGE		BIT_ULL(42)
#define VIB_EXT_BORROWED	BIT_ULL(43)
#define VIB_EXT_FLAGS		\
	(VIB_EXT_PINNED | VIB_EXT_ACCOUNTED | VIB_EXT_HUGE | VIB_EXT_BORROWED)
#define VIB_EXT_PFN_MAX		(BIT_ULL(VIB_EXT_PFN_BITS) - 1)
/* Longest run that fits the word: 2^20 - 1 pages, a page less than 4 GiB with 4 KiB pages. */
#define VIB_EXT_PAGES_MAX	(BIT_ULL(64 - VIB_EXT_COUNT_SHIFT) - 1)

/* PFN of a hole: pages of a mapping that are in no domain, for now or for good. */
#define VIB_EXT_HOLE		VIB_EXT_PFN_MAX

static inline u64 vib_ext_pfn(u64 ext)
{
	return ext & VIB_EXT_PFN_MAX;
}

static inline u64 vib_ext_pages(u64 ext)
{
	return ext >> VIB_EXT_COUNT_SHIFT;
}

static inline u64 vib_ext_flags(u64 ext)
{
	return ext & VIB_EXT_FLAGS;
}

static inline bool vib_ext_is_hole(u64 ext)
{
	return vib_ext_pfn(ext) == VIB_EXT_HOLE;
}

static inline u64 vib_ext_make(u64 pfn, u64 pages, u64 flags)
{
	return pages << VIB_EXT_COUNT_SHIFT | flags | pfn;
}

/* Return: pages of @nr extents. */
static inline u64 vib_ext_sum(const u64 *words, u32 nr)
{
	u64 sum = 0;

	while (nr--)
		sum += vib_ext_pages(*words++);
	return sum;
}

/* Does @next begin where @ext ends? */
static inline bool vib_ext_touches(u64 ext, u64 next)
{
	return vib_ext_pfn(ext) + vib_ext_pages(ext) == vib_ext_pfn(next);
}

#endif
