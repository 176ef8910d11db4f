// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents in chunks: is each found, in few steps, whatever was added, dropped and written over
 * before? And with more than 2^28, more than 2^31, and as many as 32 bits count?
 */
#include "../../module/pure/extent_pos.h"
#include "../../module/pure/extents_move.h"
#include "extents_util.h"

#define P	VIB_EXT_PINNED

/* Chunks of @words extents, and no vectors to speak of. */
static void chunks_of(u32 words)
{
	shim_sizes(1, sizeof(struct vib_chunk) + words * sizeof(u64));
}

/* Steps of vib_chunk_of_page() from the last chunk to that of a page. */
static unsigned int search_steps(struct vib_extents *ex, u64 page)
{
	struct vib_chunk *chunk = vib_extents_head(ex)->prev;
	unsigned int steps = 0;

	for (; chunk->page > page; steps++)
		chunk = chunk->jump->page > page ? chunk->jump : chunk->prev;
	return steps;
}

/* 20,000 chunks of two extents of 1 and 2 pages; 2.5 * log2(20,000) is less than 36. */
START_TEST(each_is_found_in_few_steps)
{
	struct vib_extent_pos pos;
	struct vib_extents ex;
	u32 i;

	chunks_of(2);
	vib_extents_init(&ex);
	must_eq(vib_extents_reserve(&ex, 40000), 0);
	for (i = 0; i < 40000; i++)
		must_eq(vib_extents_push(&ex, 3 * i, 1 + i % 2, P), 0);
	for (i = 0; i < 40000; i++) {
		u64 page = i / 2 * 3 + i % 2;

		must(search_steps(&ex, page) <= 36);
		pos = vib_extents_seek(&ex, page);
		must_eq(pos.index, i);
		must_eq(pos.skip, 0);
		must_eq(vib_ext_pfn(vib_extents_at(&pos)), 3 * i);
		vib_extents_step(&ex, &pos, 1 + i % 2);
		must_eq(pos.index, i + 1);
		pos = vib_extents_seek(&ex, page / 7);
		vib_extents_seek_on(&ex, &pos, page - page / 7);
		must_eq(pos.index, i);
	}
	vib_extents_fini(&ex);
}

/* Behind what was dropped, pages are counted anew; a run that grows counts where it ends. */
START_TEST(dropped_and_grown)
{
	struct vib_extents ex;
	u32 i;

	chunks_of(2);
	vib_extents_init(&ex);
	must_eq(vib_extents_reserve(&ex, 10), 0);
	add_apart(&ex, 10);
	vib_extents_drop_tail(&ex, 6);
	add(&ex, 7, 4, P);		/* the last one goes on, in a full chunk */
	for (i = 4; i < 9; i++)
		must_eq(vib_extents_push(&ex, 1000 + i, 1, P), 0);
	expect_nr(&ex, 9);
	expect_ext(&ex, 3, 6, 5, P);
	must_eq(vib_extents_seek(&ex, 7).index, 3);
	must_eq(vib_extents_seek(&ex, 8).index, 4);
	must_eq(vib_extents_seek(&ex, 12).index, 8);
	must_eq(vib_extents_seek(&ex, 13).index, 9);
	vib_extents_drop_tail(&ex, 9);
	expect_nr(&ex, 0);
	add_apart(&ex, 3);
	expect_apart(&ex, 0, 3);
	vib_extents_fini(&ex);
}

START_TEST(written_over)
{
	struct vib_extents ex, parts;

	chunks_of(2);
	vib_extents_init(&ex);
	vib_extents_init(&parts);
	must_eq(vib_extents_reserve(&ex, 5), 0);
	add(&ex, 0, 5, 0);
	add(&ex, 10, 6, 0);
	add(&ex, 20, 7, 0);
	add(&ex, 30, 8, 0);
	add(&ex, 40, 9, 0);
	add(&parts, 12, 1, P);
	add(&parts, 22, 12, P);
	vib_extents_replace(&ex, 1, &parts);
	expect_ext(&ex, 0, 0, 5, 0);
	expect_ext(&ex, 1, 12, 1, P);
	expect_ext(&ex, 2, 22, 12, P);
	expect_ext(&ex, 3, 30, 8, 0);
	must_eq(vib_extents_seek(&ex, 6).index, 2);
	must_eq(vib_extents_seek(&ex, 17).index, 2);
	must_eq(vib_extents_seek(&ex, 18).index, 3);
	must_eq(vib_extents_seek(&ex, 26).index, 4);
	must_eq(vib_extents_pages_in(&ex, 2, 4), 20);
	vib_extents_fini(&parts);
	vib_extents_fini(&ex);
}

/*
 * The last place of each chunk is one too many for a walk that does not know where it ends. Nothing
 * lies before the first one that is asked for, be it in chunks or in a vector.
 */
START_TEST(stretches_end_with_chunks)
{
	struct vib_extents ex;
	struct vib_stretch st;
	u32 first, end, seen;

	if (!_i)
		chunks_of(3);
	vib_extents_init(&ex);
	must_eq(vib_extents_reserve(&ex, 8), 0);
	add_apart(&ex, 8);
	for (first = 0; first <= 8; first++)
		for (end = 0; end <= 8; end++) {
			seen = first;
			vib_for_each_stretch(&st, &ex, first, end) {
				must(st.nr <= (_i ? 8 : 3));
				for (; st.nr; st.nr--, seen++)
					must_eq(vib_ext_pfn(*st.words++), 2 * seen);
				st.nr = 1;
			}
			must_eq(seen, max(first, end));
		}
	vib_extents_fini(&ex);
}

/*
 * 2^28 extents and 5 million more, 1 or 3 pages long in turn, in chunks of 1 MiB that are the same
 * memory but for their first page.
 */
START_TEST(more_than_2_28)
{
	const u32 chunk = 1 << 20, part = (chunk - sizeof(struct vib_chunk)) / sizeof(u64);
	const u32 nr = (BIT_ULL(28) + 5000000) / part * part;
	struct vib_extents ex, some;
	struct vib_extent_pos pos;
	u64 page;
	u32 i;

	must(part % 2 == 0);
	shim_sizes(part, chunk);
	vib_extents_init(&ex);
	vib_extents_init(&some);
	must_eq(vib_extents_reserve(&some, part), 0);
	for (i = 0; i < part; i++)
		must_eq(vib_extents_push(&some, 5 * i, 1 + i % 2 * 2, P), 0);
	shim_alias(chunk);
	must_eq(vib_extents_reserve(&ex, part + 1), 0);
	for (i = 0; i < nr / part; i++) {
		must_eq(vib_extents_reserve(&ex, part), 0);
		vib_extents_copy(&ex, &some, 0, part);
	}
	must((u64)ex.nr * sizeof(u64) > INT_MAX);
	expect_nr(&ex, nr);
	must_eq(vib_extents_bytes(&ex), shim_bytes() - part * sizeof(u64));
	for (i = 1; i < 40; i++) {
		page = 2 * (u64)nr / 40 * i + 2;
		pos = vib_extents_seek(&ex, page);
		must_eq(pos.index, page / 4 * 2 + !!(page % 4));
		must_eq(pos.skip, page % 4 ? page % 4 - 1 : 0);
		must_eq(vib_extents_pages_in(&ex, 0, pos.index) + pos.skip, page);
		must_eq(vib_ext_pfn(vib_extents_at(&pos)), pos.index % part * 5 + pos.skip);
	}
	must_eq(vib_extents_pages(&ex, nr - 4, P), 8);
	must_eq(vib_extents_pages(&ex, 0, P), 2 * (u64)nr);
	must(vib_extents_same_runs(&ex, &ex));
	vib_extents_drop_tail(&ex, nr - 3);
	must_eq(vib_extents_pages(&ex, 0, P), 5);
	vib_extents_fini(&some);
	vib_extents_fini(&ex);
}

/* Makes the first two chunks, which are full, count for @nr extents of 2^20 - 1 pages each. */
static void stand_for(struct vib_extents *ex, u32 nr)
{
	struct vib_chunk *head = vib_extents_head(ex), *last = head->prev;

	must_eq(last->number, 2);
	last->page += (u64)(nr - last->first) * VIB_EXT_PAGES_MAX;
	ex->nr += nr - last->first;
	last->first = nr;
}

/* Beyond 2^31, and up to where 32 bits end, extents of 2^52 pages in all are added and found. */
START_TEST(as_many_as_32_bits_count)
{
	struct vib_extent_pos pos;
	struct vib_extents ex;
	u64 page;
	u32 i;

	chunks_of(4);
	vib_extents_init(&ex);
	must_eq(vib_extents_reserve(&ex, 10), 0);
	for (i = 0; i < 10; i++)
		must_eq(vib_extents_push(&ex, i, VIB_EXT_PAGES_MAX, P), 0);
	stand_for(&ex, _i ? VIB_EXTENTS_MAX - 11 : BIT_ULL(31) - 4);
	page = vib_extents_pages_in(&ex, 0, ex.nr - 2);
	must_eq(page, (u64)(ex.nr - 2) * VIB_EXT_PAGES_MAX);
	for (i = 0; i < 8; i++)
		must_eq(vib_extents_push(&ex, 100 + i, 1, P), 0);
	pos = vib_extents_seek(&ex, page + 2 * VIB_EXT_PAGES_MAX + 6);
	must_eq(pos.index, ex.nr - 2);
	must_eq(vib_ext_pfn(vib_extents_at(&pos)), 106);
	pos = vib_extents_seek(&ex, page + VIB_EXT_PAGES_MAX - 1);
	must_eq(pos.index, ex.nr - 10);
	vib_extents_seek_on(&ex, &pos, VIB_EXT_PAGES_MAX + 8);
	must_eq(vib_ext_pfn(vib_extents_at(&pos)), 107);
	must_eq(vib_extents_pages(&ex, ex.nr - 8, P), 8);
	must_eq(vib_extents_pages_in(&ex, ex.nr - 10, ex.nr), 2 * VIB_EXT_PAGES_MAX + 8);
	must_eq(*vib_extents_last(&ex), vib_ext_make(107, 1, P));
	if (_i) {
		must_eq(vib_extents_reserve(&ex, VIB_EXTENTS_MAX - ex.nr), 0);
		must_eq(vib_extents_reserve(&ex, VIB_EXTENTS_MAX - ex.nr + 1), -ENOMEM);
		must_eq(vib_extents_reserve(&ex, U32_MAX), -ENOMEM);
	}
	vib_extents_fini(&ex);
}

void extents_chunks(struct TCase *tcase)
{
	tcase_add_test(tcase, each_is_found_in_few_steps);
	tcase_add_test(tcase, dropped_and_grown);
	tcase_add_test(tcase, written_over);
	tcase_add_loop_test(tcase, stretches_end_with_chunks, 0, 2);
	tcase_add_loop_test(tcase, as_many_as_32_bits_count, 0, 2);
}

/* Takes long: 10 s, and six times as much where others have the processor, too. */
void extents_many(struct TCase *tcase)
{
	tcase_set_timeout(tcase, 240);
	tcase_add_test(tcase, more_than_2_28);
}
