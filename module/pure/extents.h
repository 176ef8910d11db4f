/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extent vectors: the physical memory behind a mapping, in the order of its IOVA.
 *
 * One vector may mix RAM and device memory; unpinning goes by the flags of each extent alone. The
 * vector keeps a single extent in place: a 4 KiB mapping needs no second allocation.
 */
#ifndef VIB_PURE_EXTENTS_H
#define VIB_PURE_EXTENTS_H

#include "extent.h"

/**
 * struct vib_extents - a growing vector of extents
 * @one: the extent itself while @cap is 1
 * @vec: the extents while @cap is larger
 * @nr: how many are used
 * @cap: how many fit
 */
struct vib_extents {
	union {
		u64 one;
		u64 *vec;
	};
	u32 nr;
	u32 cap;
};

/* The words themselves, in IOVA order; valid until the vector is changed. */
static inline u64 *vib_extents_words(struct vib_extents *ex)
{
	return ex->cap > 1 ? ex->vec : &ex->one;
}

/* An empty vector; owns no memory. */
static inline void vib_extents_init(struct vib_extents *ex)
{
	ex->one = 0;
	ex->nr = 0;
	ex->cap = 1;
}

/* vib_extents_fini() of a vector that owns memory. */
void vib_extents_free(struct vib_extents *ex);

/* Frees the vector's memory and leaves it empty: what it described is unpinned, or moved. */
static inline void vib_extents_fini(struct vib_extents *ex)
{
	if (ex->cap > 1)
		vib_extents_free(ex);
	else
		ex->nr = 0;
}

/* vib_extents_reserve() if there is no room yet. */
int vib_extents_grow(struct vib_extents *ex, u32 more);

/**
 * vib_extents_reserve - make room
 * @ex: the vector
 * @more: how many further extents must fit
 *
 * Grows at least by half, from the memory cgroup of the caller (GFP_KERNEL_ACCOUNT); may sleep.
 *
 * Return: 0; -ENOMEM with the vector unchanged.
 */
static inline int vib_extents_reserve(struct vib_extents *ex, u32 more)
{
	return more <= ex->cap - ex->nr ? 0 : vib_extents_grow(ex, more);
}

/**
 * vib_extents_append - add a run at the end
 * @ex: the vector
 * @pfn: first PFN
 * @pages: length, 1 to VIB_EXT_PAGES_MAX
 * @flags: VIB_EXT_*
 *
 * Merges with the last extent when PFNs are contiguous, flags are equal and the sum still fits. Two
 * runs are merged only here: vib_extents_push() and vib_extents_move() never merge.
 *
 * Return: 0; -ENOMEM with the vector unchanged; -ERANGE when @pfn or @pages do not fit the word.
 */
int vib_extents_append(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags);

/* vib_extents_append() that never merges: one extent for each call. */
int vib_extents_push(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags);

/*
 * Moves the first @pages pages at @words, of which there are as many, to the end of @dst, which has
 * room; the last one is cut where they end, so none has VIB_EXT_HUGE. Return: the rest of @words.
 */
u64 *vib_extents_deal(struct vib_extents *dst, u64 *words, u64 pages);

/* vib_extents_move() of a part of @src, or behind extents of @dst. */
void vib_extents_move_some(struct vib_extents *dst, struct vib_extents *src, u32 nr);

/**
 * vib_extents_move - move the first @nr extents of @src to the end of @dst
 * @dst: gets them, unchanged
 * @src: loses them
 * @nr: at most @src->nr
 *
 * An extent of @dst and one of @src are not merged even if their PFNs touch: two calls filled, or
 * will fill, them into domains, and some IOMMU drivers can only unmap what one call mapped. The
 * caller has reserved room in @dst, unless @dst is empty and gets all; cannot fail.
 */
static inline void vib_extents_move(struct vib_extents *dst, struct vib_extents *src, u32 nr)
{
	if (!dst->nr && nr == src->nr)
		swap(*dst, *src);
	else
		vib_extents_move_some(dst, src, nr);
}

/* Splits the last extent, the second part having @pages. Return: 0, or -ENOMEM and no change. */
int vib_extents_split_tail(struct vib_extents *ex, u64 pages);

/**
 * vib_extents_settle - how much of a vector that still grows is final
 * @ex: the vector; the last extent may be split in two
 * @end: IOVA in pages behind the last extent
 * @longest: pages of the largest IOMMU page that the last extent may come to fit, a power of two
 *
 * The last extent is held back, because what is appended next may continue it. Once it has @longest
 * pages it is split at an IOVA that is a multiple of @longest instead, and only the part behind
 * that is held back. Where that might cut a huge page (none is longer than @longest), all is final.
 *
 * Return: how many extents, from the first on, will not change.
 */
u32 vib_extents_settle(struct vib_extents *ex, u64 end, u64 longest);

/* Drops the last @nr extents (at most @ex->nr). */
void vib_extents_drop_tail(struct vib_extents *ex, u32 nr);

/* vib_extents_trim() of a vector that owns memory. */
void vib_extents_shrink(struct vib_extents *ex);

/*
 * Shrinks a vector with more than an eighth of unused room. May sleep, and cannot fail: without
 * memory it keeps the larger vector.
 */
static inline void vib_extents_trim(struct vib_extents *ex)
{
	if (ex->cap > 1)
		vib_extents_shrink(ex);
}

/* Return: sum of pages of the extents from index @first on that have all of @flags set. */
u64 vib_extents_pages(struct vib_extents *ex, u32 first, u64 flags);

/* Return: bytes of memory that the vector owns beside itself. */
static inline size_t vib_extents_bytes(const struct vib_extents *ex)
{
	return ex->cap > 1 ? (size_t)ex->cap * sizeof(u64) : 0;
}

#endif
