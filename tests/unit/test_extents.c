// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents, case by case: what one word can say, when runs merge and when they must not, and that a
 * refusal changes nothing. test_extents_memory.c looks at the vector's memory, and
 * test_extents_random.c does it all against a model.
 */
#include "../../module/pure/extents_move.h"
#include "extents_util.h"

#define P	VIB_EXT_PINNED
#define A	VIB_EXT_ACCOUNTED

START_TEST(word_layout)
{
	u64 all = vib_ext_make(VIB_EXT_PFN_MAX, VIB_EXT_PAGES_MAX, VIB_EXT_FLAGS);
	u64 ext = vib_ext_make(0x123456789a, 0x0bcdef, P);

	must_eq(VIB_EXT_PFN_MAX, 0xffffffffff);
	must_eq(VIB_EXT_PAGES_MAX, 0xfffff);
	must_eq(all, U64_MAX);
	must_eq(vib_ext_make(0, 0, 0), 0);
	must_eq(vib_ext_pfn(ext), 0x123456789a);
	must_eq(vib_ext_pages(ext), 0x0bcdef);
	must_eq(vib_ext_flags(ext), P);
	must_eq(vib_ext_flags(all), P | A | VIB_EXT_HUGE | VIB_EXT_BORROWED);
	must_eq(vib_ext_flags(all & ~P), A | VIB_EXT_HUGE | VIB_EXT_BORROWED);
	must_eq(P & A, 0);
}

START_TEST(append_merges)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 100, 4, P);
	/* Merging needs no memory. */
	shim_fail_nth(1);
	add(&ex, 104, 6, P);
	must(!shim_has_failed());
	shim_fail_nth(0);
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 100, 10, P);
	add(&ex, 110, 1, P | A);	/* other flags */
	add(&ex, 111, 1, A);
	add(&ex, 113, 1, A);		/* a gap */
	add(&ex, 113, 1, A);		/* the same page again */
	add(&ex, 112, 1, A);		/* in front, not behind */
	expect_nr(&ex, 6);
	expect_ext(&ex, 1, 110, 1, P | A);
	expect_ext(&ex, 2, 111, 1, A);
	expect_ext(&ex, 3, 113, 1, A);
	expect_ext(&ex, 4, 113, 1, A);
	expect_ext(&ex, 5, 112, 1, A);
	add(&ex, 113, 2, A);		/* the last one goes on */
	expect_nr(&ex, 6);
	expect_ext(&ex, 5, 112, 3, A);
	vib_extents_fini(&ex);
}

START_TEST(append_stops_at_the_longest)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 0, VIB_EXT_PAGES_MAX - 2, P | A);
	add(&ex, VIB_EXT_PAGES_MAX - 2, 2, P | A);
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 0, VIB_EXT_PAGES_MAX, P | A);
	add(&ex, VIB_EXT_PAGES_MAX, 1, P | A);
	expect_nr(&ex, 2);
	expect_ext(&ex, 0, 0, VIB_EXT_PAGES_MAX, P | A);
	expect_ext(&ex, 1, VIB_EXT_PAGES_MAX, 1, P | A);
	add(&ex, VIB_EXT_PAGES_MAX + 1, VIB_EXT_PAGES_MAX, P | A);
	expect_nr(&ex, 3);
	expect_ext(&ex, 2, VIB_EXT_PAGES_MAX + 1, VIB_EXT_PAGES_MAX, P | A);
	vib_extents_fini(&ex);
}

START_TEST(push_never_merges)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	must_eq(vib_extents_push(&ex, 10, 2, P), 0);
	shim_fail_nth(1);
	must_eq(vib_extents_push(&ex, 12, 3, P), -ENOMEM);
	expect_nr(&ex, 1);
	must_eq(vib_extents_push(&ex, 12, 3, P), 0);
	expect_nr(&ex, 2);
	expect_ext(&ex, 0, 10, 2, P);
	expect_ext(&ex, 1, 12, 3, P);
	must_eq(vib_extents_push(&ex, 15, 0, P), -ERANGE);
	must_eq(vib_extents_push(&ex, VIB_EXT_PFN_MAX, 2, P), -ERANGE);
	must_eq(vib_extents_push(&ex, 15, VIB_EXT_PAGES_MAX + 1, P), -ERANGE);
	expect_nr(&ex, 2);
	/* What is appended next may join the last one. */
	add(&ex, 15, 1, P);
	expect_nr(&ex, 2);
	expect_ext(&ex, 1, 12, 4, P);
	vib_extents_fini(&ex);
}

static void expect_erange(u64 pfn, u64 pages)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 1, 1, P);
	shim_fail_nth(1);
	must_eq(vib_extents_append(&ex, pfn, pages, P), -ERANGE);
	must(!shim_has_failed());
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 1, 1, P);
	vib_extents_fini(&ex);
}

START_TEST(append_refuses_what_does_not_fit)
{
	expect_erange(2, 0);
	expect_erange(2, VIB_EXT_PAGES_MAX + 1);
	expect_erange(2, U64_MAX);
	expect_erange(VIB_EXT_PFN_MAX + 1, 1);
	expect_erange(VIB_EXT_PFN_MAX, 2);
	expect_erange(VIB_EXT_PFN_MAX - VIB_EXT_PAGES_MAX + 2, VIB_EXT_PAGES_MAX);
	expect_erange(U64_MAX, 1);
	expect_erange(U64_MAX - 1, 3);
}

START_TEST(append_takes_the_last_pfn)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, VIB_EXT_PFN_MAX - VIB_EXT_PAGES_MAX + 1, VIB_EXT_PAGES_MAX, 0);
	expect_ext(&ex, 0, VIB_EXT_PFN_MAX - VIB_EXT_PAGES_MAX + 1, VIB_EXT_PAGES_MAX, 0);
	add(&ex, VIB_EXT_PFN_MAX - 1, 1, A);
	add(&ex, VIB_EXT_PFN_MAX, 1, A);
	expect_nr(&ex, 2);
	expect_ext(&ex, 1, VIB_EXT_PFN_MAX - 1, 2, A);
	/* PFN 0 does not continue it. */
	add(&ex, 0, 1, A);
	expect_nr(&ex, 3);
	vib_extents_fini(&ex);
}

START_TEST(move_keeps_extents_apart)
{
	struct vib_extents dst, src;

	vib_extents_init(&dst);
	vib_extents_init(&src);
	add(&dst, 10, 2, P);
	add(&src, 12, 2, P);
	add(&src, 20, 1, A);
	add(&src, 30, 1, A);
	must_eq(vib_extents_reserve(&dst, 3), 0);
	vib_extents_move(&dst, &src, 2);
	expect_nr(&dst, 3);
	expect_ext(&dst, 0, 10, 2, P);
	expect_ext(&dst, 1, 12, 2, P);
	expect_ext(&dst, 2, 20, 1, A);
	expect_nr(&src, 1);
	expect_ext(&src, 0, 30, 1, A);
	vib_extents_move(&dst, &src, 0);
	expect_nr(&dst, 3);
	expect_nr(&src, 1);
	vib_extents_move(&dst, &src, 1);
	expect_nr(&dst, 4);
	expect_ext(&dst, 3, 30, 1, A);
	expect_nr(&src, 0);
	vib_extents_fini(&dst);
	vib_extents_fini(&src);
}

START_TEST(move_in_place)
{
	struct vib_extents dst, src;

	vib_extents_init(&dst);
	vib_extents_init(&src);
	add(&src, 77, 3, P | A);
	vib_extents_move(&dst, &src, 1);
	expect_nr(&dst, 1);
	expect_ext(&dst, 0, 77, 3, P | A);
	expect_nr(&src, 0);
	must_eq(shim_live(), 0);
}

/* An empty vector that gets all needs no room: the two change places, memory and all. */
START_TEST(move_all_into_an_empty_one)
{
	struct vib_extents dst, src;

	vib_extents_init(&dst);
	vib_extents_init(&src);
	add_apart(&src, 20);
	shim_fail_nth(1);
	vib_extents_move(&dst, &src, 20);
	expect_nr(&dst, 20);
	expect_apart(&dst, 0, 20);
	expect_nr(&src, 0);
	must(!shim_has_failed());
	shim_fail_nth(0);
	add(&src, 8, 1, A);
	expect_ext(&src, 0, 8, 1, A);
	vib_extents_move(&src, &dst, 0);
	expect_nr(&src, 1);
	expect_apart(&dst, 0, 20);
	vib_extents_fini(&dst);
	vib_extents_fini(&src);
}

/* What is left behind has no other way than to be copied, so room must be there. */
START_TEST(move_some_into_an_empty_one)
{
	struct vib_extents dst, src;

	shim_expect_warnings(1);
	vib_extents_init(&dst);
	vib_extents_init(&src);
	add_apart(&src, 3);
	vib_extents_move(&dst, &src, 2);
	expect_nr(&dst, 0);
	expect_nr(&src, 3);
	expect_apart(&src, 0, 3);
	vib_extents_fini(&src);
}

START_TEST(move_misused)
{
	struct vib_extents dst, src;

	shim_expect_warnings(2);
	vib_extents_init(&dst);
	vib_extents_init(&src);
	add(&src, 1, 1, P);
	vib_extents_move(&dst, &src, 2);	/* more than there are */
	add(&dst, 5, 1, P);
	vib_extents_move(&dst, &src, 1);	/* no room */
	expect_nr(&dst, 1);
	expect_ext(&dst, 0, 5, 1, P);
	expect_nr(&src, 1);
	expect_ext(&src, 0, 1, 1, P);
}

/* Two take the extents of a vector in turn: from one in the middle, from several, to the last. */
START_TEST(deal)
{
	struct vib_extents src, one, many;
	u64 *words;

	vib_extents_init(&src);
	vib_extents_init(&one);
	vib_extents_init(&many);
	add(&src, 100, 5, P | A);
	add(&src, 7, 1, 0);
	add(&src, 300, 2, P);
	add(&many, 50, 1, P);
	must_eq(vib_extents_reserve(&many, 3), 0);
	words = vib_extents_deal(&one, vib_extents_words(&src), 2);
	must(words == vib_extents_words(&src));
	words = vib_extents_deal(&many, words, 5);
	must(words == vib_extents_words(&src) + 2);
	expect_nr(&one, 1);
	expect_ext(&one, 0, 100, 2, P | A);
	expect_nr(&many, 4);
	expect_ext(&many, 0, 50, 1, P);
	expect_ext(&many, 1, 102, 3, P | A);
	expect_ext(&many, 2, 7, 1, 0);
	expect_ext(&many, 3, 300, 1, P);
	vib_extents_fini(&one);
	words = vib_extents_deal(&one, words, 1);
	must(words == vib_extents_words(&src) + 3);
	expect_nr(&one, 1);
	expect_ext(&one, 0, 301, 1, P);
	vib_extents_fini(&src);
	vib_extents_fini(&many);
}

START_TEST(split_tail)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 50, 1, A);
	add(&ex, 100, VIB_EXT_PAGES_MAX, P | A);
	must_eq(vib_extents_split_tail(&ex, 1), 0);
	expect_nr(&ex, 3);
	expect_ext(&ex, 0, 50, 1, A);
	expect_ext(&ex, 1, 100, VIB_EXT_PAGES_MAX - 1, P | A);
	expect_ext(&ex, 2, 99 + VIB_EXT_PAGES_MAX, 1, P | A);
	vib_extents_drop_tail(&ex, 1);
	must_eq(vib_extents_split_tail(&ex, VIB_EXT_PAGES_MAX - 2), 0);
	expect_nr(&ex, 3);
	expect_ext(&ex, 1, 100, 1, P | A);
	expect_ext(&ex, 2, 101, VIB_EXT_PAGES_MAX - 2, P | A);
	vib_extents_fini(&ex);
}

/* From the word in place to a vector, which the tail must be read after, not before. */
START_TEST(split_tail_grows)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 10, 10, P);
	shim_fail_nth(1);
	must_eq(vib_extents_split_tail(&ex, 4), -ENOMEM);
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 10, 10, P);
	must_eq(vib_extents_split_tail(&ex, 4), 0);
	expect_nr(&ex, 2);
	expect_ext(&ex, 0, 10, 6, P);
	expect_ext(&ex, 1, 16, 4, P);
	/* The two stay two; what is appended goes to the second. */
	add(&ex, 20, 1, P);
	expect_nr(&ex, 2);
	expect_ext(&ex, 1, 16, 5, P);
	vib_extents_fini(&ex);
}

START_TEST(drop_tail)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	vib_extents_drop_tail(&ex, 1);
	expect_nr(&ex, 0);
	add_apart(&ex, 5);
	vib_extents_drop_tail(&ex, 0);
	expect_nr(&ex, 5);
	vib_extents_drop_tail(&ex, 2);
	expect_nr(&ex, 3);
	vib_extents_drop_tail(&ex, 4);
	expect_nr(&ex, 0);
	add(&ex, 8, 1, 0);
	expect_ext(&ex, 0, 8, 1, 0);
	vib_extents_drop_tail(&ex, U32_MAX);
	expect_nr(&ex, 0);
	vib_extents_fini(&ex);
}

START_TEST(pages_by_flags)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	must_eq(vib_extents_pages(&ex, 0, 0), 0);
	add(&ex, 1, 1, 0);
	add(&ex, 10, 10, P);
	add(&ex, 100, 100, A);
	add(&ex, 1000, 1000, P | A);
	must_eq(vib_extents_pages(&ex, 0, 0), 1111);
	must_eq(vib_extents_pages(&ex, 0, P), 1010);
	must_eq(vib_extents_pages(&ex, 0, A), 1100);
	must_eq(vib_extents_pages(&ex, 0, P | A), 1000);
	must_eq(vib_extents_pages(&ex, 1, 0), 1110);
	must_eq(vib_extents_pages(&ex, 2, P), 1000);
	must_eq(vib_extents_pages(&ex, 3, 0), 1000);
	must_eq(vib_extents_pages(&ex, 4, 0), 0);
	must_eq(vib_extents_pages(&ex, U32_MAX, 0), 0);
	vib_extents_fini(&ex);
}

/* 1100 of the longest extents are more than 2^32 pages. */
START_TEST(pages_do_not_wrap)
{
	struct vib_extents ex;
	u32 i;

	vib_extents_init(&ex);
	for (i = 0; i < 1100; i++)
		add(&ex, 0, VIB_EXT_PAGES_MAX, P);
	must_eq(vib_extents_pages(&ex, 0, P), 1100 * VIB_EXT_PAGES_MAX);
	vib_extents_fini(&ex);
}

void extents_directed(struct TCase *tcase)
{
	tcase_add_test(tcase, word_layout);
	tcase_add_test(tcase, append_merges);
	tcase_add_test(tcase, append_stops_at_the_longest);
	tcase_add_test(tcase, push_never_merges);
	tcase_add_test(tcase, append_refuses_what_does_not_fit);
	tcase_add_test(tcase, append_takes_the_last_pfn);
	tcase_add_test(tcase, move_keeps_extents_apart);
	tcase_add_test(tcase, move_in_place);
	tcase_add_test(tcase, move_all_into_an_empty_one);
	tcase_add_test(tcase, move_some_into_an_empty_one);
	tcase_add_test(tcase, move_misused);
	tcase_add_test(tcase, deal);
	tcase_add_test(tcase, split_tail);
	tcase_add_test(tcase, split_tail_grows);
	tcase_add_test(tcase, drop_tail);
	tcase_add_test(tcase, pages_by_flags);
	tcase_add_test(tcase, pages_do_not_wrap);
}
