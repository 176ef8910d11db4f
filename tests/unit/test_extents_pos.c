// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places in extents, as mappings that share pinned memory look for them, and the comparison of two
 * vectors.
 */
#include "../../module/pure/extent_pos.h"
#include "extents_util.h"

#define P	VIB_EXT_PINNED
#define A	VIB_EXT_ACCOUNTED

/* Each page of three runs is found, from the start and from the page before. */
START_TEST(places_are_found)
{
	static const u64 pfn[] = { 100, 101, 102, 7, 300, 301 };
	struct vib_extent_pos pos, on;
	struct vib_extents ex;
	u64 page;

	vib_extents_init(&ex);
	add(&ex, 100, 3, P);
	add(&ex, 7, 1, P | A);
	add(&ex, 300, 2, P);
	on = vib_extents_seek(&ex, 0);
	for (page = 0; page < 6; page++) {
		pos = vib_extents_seek(&ex, page);
		must_eq(vib_ext_pfn(vib_extents_at(&pos)), pfn[page]);
		must_eq(pos.index, on.index);
		must_eq(pos.skip, on.skip);
		vib_extents_step(&ex, &on, 1);
	}
	must_eq(on.index, 3);
	must_eq(vib_extents_seek(&ex, 6).index, 3);
	on = vib_extents_seek(&ex, 1);
	must_eq(vib_ext_pages(vib_extents_at(&on)), 2);
	vib_extents_seek_on(&ex, &on, 4);
	must_eq(vib_ext_pfn(vib_extents_at(&on)), 301);
	vib_extents_fini(&ex);
}

START_TEST(runs_are_the_same_whoever_pins)
{
	struct vib_extents a, b;

	vib_extents_init(&a);
	vib_extents_init(&b);
	add(&a, 100, 3, P | A);
	add(&b, 100, 3, P | VIB_EXT_BORROWED);
	must(vib_extents_same_runs(&a, &b));
	add(&a, 200, 2, P | A);
	must(!vib_extents_same_runs(&a, &b));
	add(&b, 200, 3, P | A);
	must(!vib_extents_same_runs(&a, &b));
	vib_extents_fini(&b);
	vib_extents_fini(&a);
}

void extents_places(struct TCase *tcase)
{
	tcase_add_test(tcase, places_are_found);
	tcase_add_test(tcase, runs_are_the_same_whoever_pins);
}
