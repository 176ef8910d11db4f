// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pieces of a row: are they, put together, the row, with no page twice and none left out? Of random
 * rows, in one vector and in chunks.
 */
#include "../../module/pure/piece.h"
#include "extents_util.h"

#define P	VIB_EXT_PINNED
#define H	(VIB_EXT_PINNED | VIB_EXT_ACCOUNTED | VIB_EXT_HUGE)

enum { ROWS = 2000, MOST = 60, LONGEST = 40 };

static void random_row(struct vib_extents *ex)
{
	u32 nr = rnd_below(MOST), i;

	shim_sizes(1 + rnd_below(20), sizeof(struct vib_chunk) + (1 + rnd_below(5)) * sizeof(u64));
	vib_extents_init(ex);
	must_eq(vib_extents_reserve(ex, nr), 0);
	for (i = 0; i < nr; i++)
		must_eq(vib_extents_push(ex, 1000 * (i + 1), 1 + rnd_below(LONGEST),
					 rnd_below(4) ? P : H), 0);
}

/* The next extent, or part of one, is what comes at @at. Return: what comes behind it. */
static struct vib_extent_pos expect_word(struct vib_extents *ex, struct vib_extent_pos at, u64 word)
{
	u64 there = vib_extents_at(&at);

	must(at.index < ex->nr);
	must_eq(vib_ext_pfn(word), vib_ext_pfn(there));
	must_eq(vib_ext_flags(word), vib_ext_flags(there));
	must(vib_ext_pages(word) <= vib_ext_pages(there));
	if (word & VIB_EXT_HUGE)
		must_eq(vib_ext_pages(word), vib_ext_pages(there));
	vib_extents_step(ex, &at, vib_ext_pages(word));
	return at;
}

/* Return: its pages. A piece has no more than it was to have, but for the last extent of it. */
static u64 expect_piece(struct vib_extents *ex, struct vib_extent_pos at,
			const struct vib_piece *piece, u64 most)
{
	u64 sum = vib_ext_sum(piece->words, piece->nr), before;
	u32 i;

	must(piece->nr > 0);
	for (i = 0; i < piece->nr; i++)
		at = expect_word(ex, at, piece->words[i]);
	before = sum - vib_ext_pages(piece->words[piece->nr - 1]);
	must(before < most);
	if (!(piece->words[piece->nr - 1] & VIB_EXT_HUGE))
		must(sum < 2 * most);
	return sum;
}

START_TEST(pieces_are_the_row)
{
	struct vib_extent_pos pos, at;
	struct vib_piece piece;
	struct vib_extents ex;
	u64 most, sum, pages;
	u32 i;

	for (i = 0; i < ROWS; i++) {
		random_row(&ex);
		most = 1 + rnd_below(2 * LONGEST);
		pos = vib_extents_seek(&ex, 0);
		for (sum = 0;; sum += pages) {
			at = pos;
			pages = vib_piece_take(&ex, &pos, most, &piece);
			if (!pages)
				break;
			must_eq(expect_piece(&ex, at, &piece, most), pages);
		}
		must_eq(piece.nr, 0);
		must_eq(sum, vib_extents_pages(&ex, 0, 0));
		vib_extents_fini(&ex);
	}
}

/* Of many small ones, VIB_PIECE_WORDS at a time. */
START_TEST(pieces_of_single_pages)
{
	struct vib_piece piece = {};
	struct vib_extent_pos pos;
	struct vib_extents ex;

	vib_extents_init(&ex);
	must_eq(vib_extents_reserve(&ex, VIB_PIECE_WORDS + 1), 0);
	add_apart(&ex, VIB_PIECE_WORDS + 1);
	pos = vib_extents_seek(&ex, 0);
	must_eq(vib_piece_take(&ex, &pos, U32_MAX, &piece), VIB_PIECE_WORDS);
	must_eq(vib_piece_take(&ex, &pos, U32_MAX, &piece), 1);
	must_eq(vib_piece_take(&ex, &pos, U32_MAX, &piece), 0);
	vib_extents_fini(&ex);
}

void extents_pieces(struct TCase *tcase)
{
	tcase_add_test(tcase, pieces_are_the_row);
	tcase_add_test(tcase, pieces_of_single_pages);
}
