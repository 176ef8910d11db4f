// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places in a row of extents: how they are found. Knows nothing of what is looked for there.
 */
#include "extent_pos.h"

/* Moves a place to the start of a chunk, or, with NULL, of a row without chunks. */
static void set_chunk(struct vib_extents *ex, struct vib_extent_pos *pos, struct vib_chunk *chunk)
{
	pos->chunk = chunk;
	pos->word = chunk ? chunk->words : vib_extents_words(ex);
	pos->index = chunk ? chunk->first : 0;
	pos->stop = chunk ? pos->index + min(chunk->cap, ex->nr - pos->index) : ex->nr;
}

void vib_extents_next_chunk(struct vib_extents *ex, struct vib_extent_pos *pos)
{
	if (pos->index < ex->nr)
		set_chunk(ex, pos, pos->chunk->next);
}

/* Walks to the place that @skip says, or to the end of the chunk. */
static void walk_chunk(struct vib_extent_pos *pos)
{
	while (pos->index < pos->stop && pos->skip >= vib_ext_pages(*pos->word)) {
		pos->skip -= vib_ext_pages(*pos->word++);
		pos->index++;
	}
}

/* The same from the start of the chunk that has page @page, or from that of the row. */
static void walk_to(struct vib_extents *ex, struct vib_extent_pos *pos, u64 page)
{
	struct vib_chunk *chunk = NULL;

	if (vib_extents_chunked(ex))
		chunk = vib_chunk_of_page(vib_extents_head(ex), page);
	set_chunk(ex, pos, chunk);
	pos->skip = chunk ? page - chunk->page : page;
	walk_chunk(pos);
}

void vib_extents_seek_on(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages)
{
	pos->skip += pages;
	walk_chunk(pos);
	if (pos->index == pos->stop && pos->index < ex->nr)
		walk_to(ex, pos, pos->chunk->next->page + pos->skip);
}

struct vib_extent_pos vib_extents_seek(struct vib_extents *ex, u64 page)
{
	struct vib_extent_pos pos;

	walk_to(ex, &pos, page);
	return pos;
}
