// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents of a mapping that still grows: which of them are final, and where a long run is cut.
 */
#include "../../module/pure/extents.h"
#include "extents_util.h"

#define P	VIB_EXT_PINNED
#define A	VIB_EXT_ACCOUNTED
#define H	VIB_EXT_HUGE

START_TEST(settle_holds_the_last_back)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	must_eq(vib_extents_settle(&ex, 1000, 512), 0);
	add(&ex, 100, 7, P);
	must_eq(vib_extents_settle(&ex, 7, 512), 0);
	add(&ex, 2000, 511, P);
	must_eq(vib_extents_settle(&ex, 518, 512), 1);
	expect_nr(&ex, 2);
	vib_extents_fini(&ex);
}

/*
 * The cut is where the address space has a multiple, whatever the PFN: a long run behind 7 pages
 * that begin at page 512 of it.
 */
START_TEST(settle_cuts_by_the_address_space)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 100, 7, P);
	add(&ex, 2000, 1200, P | A);
	must_eq(vib_extents_settle(&ex, 512 + 7 + 1200, 512), 2);
	expect_nr(&ex, 3);
	expect_ext(&ex, 1, 2000, 1200 - (512 + 7 + 1200) % 512, P | A);
	expect_ext(&ex, 2, 2000 + 1200 - (512 + 7 + 1200) % 512, (512 + 7 + 1200) % 512, P | A);
	vib_extents_fini(&ex);
}

START_TEST(settle_at_a_multiple_takes_all)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 2001, 1024, P);
	must_eq(vib_extents_settle(&ex, 4096, 512), 1);
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 2001, 1024, P);
	vib_extents_fini(&ex);
}

/* The end of an address space of 64 bits, in pages of 4 KiB, and beyond 32 bits of pages. */
START_TEST(settle_far_up)
{
	struct vib_extents ex;
	u64 end = BIT_ULL(52) - 512 + 3;

	vib_extents_init(&ex);
	add(&ex, 5, 600, P);
	must_eq(vib_extents_settle(&ex, end, 512), 1);
	expect_ext(&ex, 0, 5, 597, P);
	expect_ext(&ex, 1, 602, 3, P);
	vib_extents_fini(&ex);
}

START_TEST(settle_without_memory_takes_all)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 2001, 1024, P);
	shim_fail_nth(1);
	must_eq(vib_extents_settle(&ex, 4100, 512), 1);
	must(shim_has_failed());
	shim_fail_nth(0);
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 2001, 1024, P);
	vib_extents_fini(&ex);
}

/* Huge pages of up to 512 pages begin at multiples of 512: the cut is at one, so it is made. */
START_TEST(settle_cuts_between_huge_pages)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 1024 + 300, 1000, P | A | H);
	must_eq(vib_extents_settle(&ex, 2048 + 276, 512), 1);
	expect_nr(&ex, 2);
	expect_ext(&ex, 0, 1324, 724, P | A | H);
	expect_ext(&ex, 1, 2048, 276, P | A | H);
	vib_extents_fini(&ex);
}

/* The multiple in the address space is inside one: all is final, and what comes is another run. */
START_TEST(settle_cuts_no_huge_page)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 1024, 1024, P | A | H);
	must_eq(vib_extents_settle(&ex, 4096 + 64, 512), 1);
	expect_nr(&ex, 1);
	expect_ext(&ex, 0, 1024, 1024, P | A | H);
	vib_extents_fini(&ex);
}

START_TEST(huge_pages_continue_their_kind_only)
{
	struct vib_extents ex;

	vib_extents_init(&ex);
	add(&ex, 512, 512, P | A | H);
	add(&ex, 1024, 512, P | A | H);
	add(&ex, 1536, 512, P | A);
	add(&ex, 2048, 512, P | A | H);
	expect_nr(&ex, 3);
	expect_ext(&ex, 0, 512, 1024, P | A | H);
	expect_ext(&ex, 1, 1536, 512, P | A);
	expect_ext(&ex, 2, 2048, 512, P | A | H);
	vib_extents_fini(&ex);
}

START_TEST(touching_runs)
{
	u64 ext = vib_ext_make(100, 4, P);

	must(vib_ext_touches(ext, vib_ext_make(104, 1, A)));
	must(!vib_ext_touches(ext, vib_ext_make(105, 1, P)));
	must(!vib_ext_touches(ext, vib_ext_make(103, 1, P)));
	must(!vib_ext_touches(ext, vib_ext_make(96, 4, P)));
}

void extents_settle(struct TCase *tcase)
{
	tcase_add_test(tcase, settle_holds_the_last_back);
	tcase_add_test(tcase, settle_cuts_by_the_address_space);
	tcase_add_test(tcase, settle_at_a_multiple_takes_all);
	tcase_add_test(tcase, settle_far_up);
	tcase_add_test(tcase, settle_without_memory_takes_all);
	tcase_add_test(tcase, settle_cuts_between_huge_pages);
	tcase_add_test(tcase, settle_cuts_no_huge_page);
	tcase_add_test(tcase, huge_pages_continue_their_kind_only);
	tcase_add_test(tcase, touching_runs);
}
