/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks over extents, stretch by stretch: those of a stretch lie side by side in memory. The row
 * must not be changed meanwhile, but for the words themselves.
 */
#ifndef VIB_PURE_STRETCH_H
#define VIB_PURE_STRETCH_H

#include "extents.h"

/**
 * struct vib_stretch - extents side by side
 * @words: the first
 * @nr: how many; 0 at the end of the walk
 * @left: how many follow in other stretches
 * @chunk: the chunk that they are in, if there are chunks
 */
struct vib_stretch {
	u64 *words;
	u32 nr;
	u32 left;
	struct vib_chunk *chunk;
};

/* Is there one extent at most, in place? Then there is nothing to walk. */
static inline bool vib_extents_in_place(const struct vib_extents *ex)
{
	return ex->cap == 1;
}

/* vib_stretch_begin() in chunks. */
void vib_stretch_find(struct vib_stretch *st, struct vib_extents *ex, u32 first, u32 end);

/* The first stretch of the extents [first, end), all at most; none if @end is before @first. */
static inline void vib_stretch_begin(struct vib_stretch *st, struct vib_extents *ex, u32 first,
				     u32 end)
{
	end = max(first, end);
	if (vib_extents_chunked(ex)) {
		vib_stretch_find(st, ex, first, end);
		return;
	}
	st->words = vib_extents_words(ex) + first;
	st->nr = end - first;
	st->left = 0;
}

static inline void vib_stretch_next(struct vib_stretch *st)
{
	if (likely(!st->left)) {
		st->nr = 0;
		return;
	}
	st->chunk = st->chunk->next;
	st->words = st->chunk->words;
	st->nr = min(st->left, st->chunk->cap);
	st->left -= st->nr;
}

#define vib_for_each_stretch(st, ex, first, end) \
	for (vib_stretch_begin(st, ex, first, end); (st)->nr; vib_stretch_next(st))

/*
 * Return: sum of pages of the extents from index @first on that have all of @flags set. May sleep.
 */
u64 vib_extents_pages(struct vib_extents *ex, u32 first, u64 flags);

/* Return: pages of the extents [first, end). */
u64 vib_extents_pages_in(struct vib_extents *ex, u32 first, u32 end);

/* Do both have the same runs, whoever holds the pins? May sleep, too. */
bool vib_extents_same_runs(struct vib_extents *a, struct vib_extents *b);

#endif
