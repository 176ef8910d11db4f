/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places in an extent vector, down to the page, and the comparison of two vectors. They must not
 * change meanwhile.
 */
#ifndef VIB_PURE_EXTENT_POS_H
#define VIB_PURE_EXTENT_POS_H

#include "extents.h"

/**
 * struct vib_extent_pos - a place in a vector
 * @index: of the extent
 * @skip: pages of it that are before the place; fewer than it has, unless behind the last extent
 */
struct vib_extent_pos {
	u32 index;
	u64 skip;
};

/* Moves a place on by @pages; walks there. */
static inline void vib_extents_seek_on(struct vib_extents *ex, struct vib_extent_pos *pos,
				       u64 pages)
{
	u64 *words = vib_extents_words(ex);

	pos->skip += pages;
	while (pos->index < ex->nr && pos->skip >= vib_ext_pages(words[pos->index]))
		pos->skip -= vib_ext_pages(words[pos->index++]);
}

/* Return: the place @page pages behind the start; walks there. */
static inline struct vib_extent_pos vib_extents_seek(struct vib_extents *ex, u64 page)
{
	struct vib_extent_pos pos = {};

	vib_extents_seek_on(ex, &pos, page);
	return pos;
}

/* Return: the extent at a place, without what is before it. */
static inline u64 vib_extents_at(struct vib_extents *ex, const struct vib_extent_pos *pos)
{
	u64 word = vib_extents_words(ex)[pos->index];

	return vib_ext_make(vib_ext_pfn(word) + pos->skip, vib_ext_pages(word) - pos->skip,
			    vib_ext_flags(word));
}

/* Moves on by @pages, no further than the end of the extent. */
static inline void vib_extents_step(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages)
{
	pos->skip += pages;
	if (pos->skip < vib_ext_pages(vib_extents_words(ex)[pos->index]))
		return;
	pos->skip = 0;
	pos->index++;
}

/* Do both have the same runs, whoever holds the pins? */
bool vib_extents_same_runs(struct vib_extents *a, struct vib_extents *b);

#endif
