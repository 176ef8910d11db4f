/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extents in a row: the physical memory behind a mapping, in the order of its IOVA.
 *
 * One row may mix RAM and device memory; unpinning goes by the flags of each extent alone. A single
 * extent is kept in place: a 4 KiB mapping needs no second allocation. Few are in one vector; more
 * than VIB_FLAT_MAX, and those of a row that grows in two steps (extents_move.h), are in chunks
 * (chunks.h). How they are walked is in stretch.h and extent_pos.h.
 */
#ifndef VIB_PURE_EXTENTS_H
#define VIB_PURE_EXTENTS_H

#include "chunks.h"

/* As many as 32 bits can count, with room for a chunk. */
#define VIB_EXTENTS_MAX	(U32_MAX - VIB_CHUNK_MAX)

/**
 * struct vib_extents - a row of extents
 * @one: the extent itself while @cap is 1
 * @vec: the extents while @cap is larger; the words of the first chunk while it is 0
 * @nr: how many are used
 * @cap: how many fit in place, or in one vector; 0 for chunks
 */
struct vib_extents {
	union {
		u64 one;
		u64 *vec;
	};
	u32 nr;
	u32 cap;
};

/* The words themselves, in IOVA order, of chunks those of the first; valid until it is changed. */
static inline u64 *vib_extents_words(struct vib_extents *ex)
{
	return ex->cap != 1 ? ex->vec : &ex->one;
}

static inline bool vib_extents_chunked(const struct vib_extents *ex)
{
	return unlikely(!ex->cap);
}

/* The first chunk, if there are chunks. */
static inline struct vib_chunk *vib_extents_head(const struct vib_extents *ex)
{
	return container_of(ex->vec, struct vib_chunk, words[0]);
}

/* The last extent, of more than 0. */
static inline u64 *vib_extents_last(struct vib_extents *ex)
{
	return vib_extents_chunked(ex) ? vib_chunks_last(vib_extents_head(ex), ex->nr) :
					 vib_extents_words(ex) + ex->nr - 1;
}

/* An empty row; owns no memory. */
static inline void vib_extents_init(struct vib_extents *ex)
{
	ex->one = 0;
	ex->nr = 0;
	ex->cap = 1;
}

/* vib_extents_fini() of a row that owns memory. */
void vib_extents_free(struct vib_extents *ex);

/*
 * Frees the row's memory and leaves it empty: what it described is unpinned, or moved. May sleep.
 */
static inline void vib_extents_fini(struct vib_extents *ex)
{
	if (ex->cap != 1)
		vib_extents_free(ex);
	else
		ex->nr = 0;
}

/*
 * Moves the words of a vector, or that in place, into a vector of exactly @cap words, or in place
 * for 1. Return: 0; -ENOMEM with the row unchanged.
 */
int vib_extents_resize(struct vib_extents *ex, u32 cap);

/* vib_extents_reserve() if there may be no room yet. */
int vib_extents_grow(struct vib_extents *ex, u32 more);

/**
 * vib_extents_reserve - make room
 * @ex: the row
 * @more: how many further extents must fit
 *
 * From the memory cgroup of the caller (GFP_KERNEL_ACCOUNT); may sleep. A vector grows at least by
 * half, chunks by an eighth or a chunk.
 *
 * Return: 0; -ENOMEM with the row unchanged.
 */
static inline int vib_extents_reserve(struct vib_extents *ex, u32 more)
{
	return (u64)ex->nr + more <= ex->cap ? 0 : vib_extents_grow(ex, more);
}

/**
 * vib_extents_append - add a run at the end
 * @ex: the row
 * @pfn: first PFN
 * @pages: length, 1 to VIB_EXT_PAGES_MAX
 * @flags: VIB_EXT_*
 *
 * Merges with the last extent when PFNs are contiguous, flags are equal and the sum still fits. Two
 * runs are merged only here: vib_extents_push() and vib_extents_move() never merge.
 *
 * Return: 0; -ENOMEM with the row unchanged; -ERANGE when @pfn or @pages do not fit the word.
 */
int vib_extents_append(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags);

/* vib_extents_append() that never merges: one extent for each call. */
int vib_extents_push(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags);

/* Adds an extent as it is, which may be a hole. Return: 0; -ENOMEM with the row unchanged. */
int vib_extents_put(struct vib_extents *ex, u64 ext);

/* Splits the last extent, the second part having @pages. Return: 0, or -ENOMEM and no change. */
int vib_extents_split_tail(struct vib_extents *ex, u64 pages);

/**
 * vib_extents_settle - how much of a row that still grows is final
 * @ex: the row; the last extent may be split in two
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

/* vib_extents_trim() of a row that owns memory. */
void vib_extents_shrink(struct vib_extents *ex);

/*
 * Gives back room that is not used: of a vector if it is more than an eighth, of chunks whole ones.
 * May sleep, and cannot fail: without memory it keeps the room.
 */
static inline void vib_extents_trim(struct vib_extents *ex)
{
	if (ex->cap != 1)
		vib_extents_shrink(ex);
}

/* Return: bytes of memory that the row owns beside itself. */
size_t vib_extents_bytes(const struct vib_extents *ex);

#endif
