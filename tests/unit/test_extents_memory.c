// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents and their memory: when the vector owns any, how it grows, where it stops, what a failed
 * allocation leaves, and what trimming gives back.
 */
#include "../../module/pure/extents.h"
#include "extents_util.h"

#define P	VIB_EXT_PINNED

START_TEST(one_extent_owns_no_memory)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	must_eq(ex.nr, 0);
	must_eq(vib_extents_bytes(&ex), 0);
	add(&ex, 5, 1, P);
	add(&ex, 6, 1, P);
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 5, 2, P);
	vib_extents_trim(&ex);
	must_eq(vib_extents_reserve(&ex, 0), 0);
	must_eq(shim_live(), 0);
	must_eq(vib_extents_bytes(&ex), 0);
	vib_extents_fini(&ex);
	expect_nr(&ex, 0);
}

START_TEST(grows_and_ends)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 5, 1, P);
	add(&ex, 9, 1, P);
	expect_nr(&ex, 2);
	expect_ext(&ex, 0, 5, 1, P);
	expect_ext(&ex, 1, 9, 1, P);
	must_eq(shim_live(), 1);
	must_eq(vib_extents_bytes(&ex), ex.cap * sizeof(u64));
	vib_extents_fini(&ex);
	must_eq(shim_live(), 0);
	expect_nr(&ex, 0);
	must_eq(ex.cap, 1);
	/* It may be used again. */
	add(&ex, 7, 1, 0);
	expect_ext(&ex, 0, 7, 1, 0);
	vib_extents_fini(&ex);
}

START_TEST(reserve_is_exact_about_need)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	shim_fail_nth(1);
	must_eq(vib_extents_reserve(&ex, 1), 0);
	must(!shim_has_failed());
	must_eq(vib_extents_reserve(&ex, 2), -ENOMEM);
	must_eq(ex.cap, 1);
	must_eq(vib_extents_reserve(&ex, 100), 0);
	must(ex.cap >= 100);
	add_apart(&ex, 100);
	add_apart(&ex, ex.cap - ex.nr);
	/* Full: nothing more fits without memory, and growing is by half at least. */
	shim_fail_nth(1);
	must_eq(vib_extents_reserve(&ex, 0), 0);
	must(!shim_has_failed());
	must_eq(vib_extents_append(&ex, 0, 1, 0), -ENOMEM);
	must_eq(ex.nr, ex.cap);
	must_eq(vib_extents_reserve(&ex, 1), 0);
	must(ex.cap >= ex.nr + ex.nr / 2);
	must(ex.cap <= 2 * ex.nr);
	vib_extents_fini(&ex);
}

/* Growth by half is cut to the longest vector; what needs more goes on in chunks. */
START_TEST(reserve_ends_a_vector)
{
	const u32 most = VIB_FLAT_MAX;
	struct vib_extents ex;

	vib_extents_init(&ex);
	must_eq(vib_extents_reserve(&ex, most - 1), 0);
	add_apart(&ex, most - 1);
	must_eq(vib_extents_reserve(&ex, 1), 0);
	must_eq(shim_last_request(), most);
	must_eq(ex.cap, most);
	must_eq(vib_extents_reserve(&ex, 2), 0);
	must_eq(ex.cap, 0);
	must(room_in(&ex) >= 2);
	expect_nr(&ex, most - 1);
	expect_apart(&ex, 0, most - 1);
	vib_extents_fini(&ex);
	must_eq(ex.cap, 1);
	expect_nr(&ex, 0);
}

/* 32 bits are the limit, and no request comes near it. */
START_TEST(reserve_has_an_upper_limit)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add_apart(&ex, 1);
	must_eq(vib_extents_reserve(&ex, U32_MAX), -ENOMEM);
	must_eq(vib_extents_reserve(&ex, VIB_EXTENTS_MAX), -ENOMEM);
	must_eq(shim_last_request(), 0);
	shim_fail_nth(1);
	must_eq(vib_extents_reserve(&ex, VIB_EXTENTS_MAX - 1), -ENOMEM);
	must(shim_has_failed());
	expect_nr(&ex, 1);
	must_eq(ex.cap, 1);
	must_eq(shim_live(), 0);
}

/* A vector of @nr extents with room for @cap, trimmed, then has room for @expected. */
static void trim_to(u32 cap, u32 nr, u32 expected)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	must_eq(vib_extents_reserve(&ex, cap), 0);
	must_eq(ex.cap, cap);
	add_apart(&ex, nr);
	vib_extents_trim(&ex);
	must_eq(ex.cap, expected);
	expect_nr(&ex, nr);
	expect_apart(&ex, 0, nr);
	must_eq(shim_live(), expected > 1);
	vib_extents_fini(&ex);
}

START_TEST(trim_gives_back)
{
	trim_to(1, 0, 1);
	trim_to(1, 1, 1);
	trim_to(8, 0, 1);
	trim_to(8, 1, 1);
	trim_to(8, 2, 2);
	trim_to(8, 6, 6);
	trim_to(8, 7, 8);	/* an eighth is no more than an eighth */
	trim_to(8, 8, 8);
	trim_to(16, 13, 13);
	trim_to(16, 14, 16);
	trim_to(23, 20, 20);
	trim_to(23, 21, 23);
}

/* More than a vector has: what was there must survive the move, and what is not used goes. */
START_TEST(grows_large)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add_apart(&ex, 600000);
	must(shim_bytes() < 600000 * sizeof(u64) * 101 / 100 + VIB_CHUNK_BYTES);
	must_eq(vib_extents_bytes(&ex), shim_bytes());
	expect_nr(&ex, 600000);
	expect_apart(&ex, 0, 600000);
	vib_extents_drop_tail(&ex, 599997);
	expect_apart(&ex, 0, 3);
	must_eq(vib_extents_bytes(&ex), shim_bytes());
	vib_extents_trim(&ex);
	must_eq(shim_live(), 1);
	must_eq(vib_extents_bytes(&ex), shim_bytes());
	expect_apart(&ex, 0, 3);
	add_apart(&ex, 9000);
	expect_apart(&ex, 0, 9003);
	vib_extents_fini(&ex);
}

START_TEST(trim_without_memory)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add_apart(&ex, 9);
	vib_extents_drop_tail(&ex, 6);
	shim_fail_nth(1);
	vib_extents_trim(&ex);
	must(shim_has_failed());
	expect_nr(&ex, 3);
	expect_apart(&ex, 0, 3);
	must(ex.cap >= 9);
	/* Back into the word in place needs none. */
	vib_extents_drop_tail(&ex, 2);
	shim_fail_nth(1);
	vib_extents_trim(&ex);
	must(!shim_has_failed());
	must_eq(ex.cap, 1);
	expect_apart(&ex, 0, 1);
	must_eq(shim_live(), 0);
}

void extents_memory(struct TCase *tcase)
{
	tcase_add_test(tcase, one_extent_owns_no_memory);
	tcase_add_test(tcase, grows_and_ends);
	tcase_add_test(tcase, reserve_is_exact_about_need);
	tcase_add_test(tcase, reserve_ends_a_vector);
	tcase_add_test(tcase, reserve_has_an_upper_limit);
	tcase_add_test(tcase, grows_large);
	tcase_add_test(tcase, trim_gives_back);
	tcase_add_test(tcase, trim_without_memory);
}
