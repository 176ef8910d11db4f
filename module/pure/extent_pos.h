/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places in a row of extents, down to the page. It must not change meanwhile.
 */
#ifndef VIB_PURE_EXTENT_POS_H
#define VIB_PURE_EXTENT_POS_H

#include "extents.h"

/**
 * struct vib_extent_pos - a place in a row
 * @chunk: the chunk of the extent, if there are chunks
 * @word: the extent
 * @index: of the extent
 * @stop: index behind the last one that lies in memory side by side with it
 * @skip: pages of it that are before the place; fewer than it has, unless behind the last extent
 */
struct vib_extent_pos {
	struct vib_chunk *chunk;
	u64 *word;
	u32 index;
	u32 stop;
	u64 skip;
};

/* Moves a place on by @pages: walks in its chunk, and finds another by what that begins with. */
void vib_extents_seek_on(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages);

/* Return: the place @page pages behind the start. */
struct vib_extent_pos vib_extents_seek(struct vib_extents *ex, u64 page);

/* Moves a place that is behind the last extent of a chunk to the next one, if there is one. */
void vib_extents_next_chunk(struct vib_extents *ex, struct vib_extent_pos *pos);

/* Return: the extent at a place, without what is before it. */
static inline u64 vib_extents_at(const struct vib_extent_pos *pos)
{
	u64 word = *pos->word;

	return vib_ext_make(vib_ext_pfn(word) + pos->skip, vib_ext_pages(word) - pos->skip,
			    vib_ext_flags(word));
}

/* Moves on by @pages, no further than the end of the extent. */
static inline void vib_extents_step(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages)
{
	pos->skip += pages;
	if (pos->skip < vib_ext_pages(*pos->word))
		return;
	pos->skip = 0;
	pos->word++;
	pos->index++;
	if (unlikely(pos->index == pos->stop))
		vib_extents_next_chunk(ex, pos);
}

#endif
