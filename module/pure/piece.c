// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cuts a row of extents into pieces. Knows nothing of who takes them. Invariant: what is taken from
 * one place to the next is what lies between them.
 */
#include "piece.h"

/* Is the extent to be cut? */
static bool is_long(u64 ext, u64 pages)
{
	return vib_ext_pages(ext) > pages && !(ext & VIB_EXT_HUGE);
}

static u64 take_part(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages,
		     struct vib_piece *piece)
{
	u64 ext = vib_extents_at(pos), n = min(vib_ext_pages(ext), pages);

	piece->part = vib_ext_make(vib_ext_pfn(ext), n, vib_ext_flags(ext));
	piece->words = &piece->part;
	piece->nr = 1;
	vib_extents_step(ex, pos, n);
	return n;
}

static u64 take_words(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages,
		      struct vib_piece *piece)
{
	u32 most = min(pos->stop - pos->index, VIB_PIECE_WORDS), nr = 0;
	const u64 *words = pos->word;
	u64 sum = 0;

	while (nr < most && sum < pages && !is_long(words[nr], pages))
		sum += vib_ext_pages(words[nr++]);
	piece->words = words;
	piece->nr = nr;
	pos->word += nr;
	pos->index += nr;
	if (pos->index == pos->stop)
		vib_extents_next_chunk(ex, pos);
	return sum;
}

u64 vib_piece_take(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages,
		   struct vib_piece *piece)
{
	if (pos->index == ex->nr) {
		piece->nr = 0;
		return 0;
	}
	if (pos->skip || is_long(*pos->word, pages))
		return take_part(ex, pos, pages, piece);
	return take_words(ex, pos, pages, piece);
}
