// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do ranges hold what was left, no more and no less, and is a cut without room refused whole? The
 * naive model is one flag an address, in three small worlds: at 0, in the middle, and one whose
 * last address is 2^64 - 1. Ranges of the vector never touch (a cut takes at least one address
 * out), so they must be exactly the runs of flags.
 */
#include "../../module/pure/ranges.h"
#include "shim.h"

enum {
	WIDTH = 120,
};

struct world {
	u64 base;
	struct vib_ranges ranges;
	bool usable[WIDTH];
};

static const u64 bases[] = { 0, 0xfee00000, U64_MAX - (WIDTH - 1) };

static void init(struct vib_ranges *ranges, u32 room, u64 start, u64 last)
{
	vib_ranges_init(ranges);
	must_eq(vib_ranges_reserve(ranges, room), 0);
	vib_ranges_set(ranges, start, last);
}

static void expect(const struct vib_ranges *ranges, u32 i, u64 start, u64 last)
{
	must(i < ranges->nr);
	must_eq(ranges->range[i].start, start);
	must_eq(ranges->range[i].last, last);
}

START_TEST(empty)
{
	struct vib_ranges ranges;

	vib_ranges_init(&ranges);
	must(!vib_ranges_hold(&ranges, 0, 0));
	must_eq(vib_ranges_cut(&ranges, 0, U64_MAX), 0);
	vib_ranges_clip(&ranges, 0, U64_MAX);
	must_eq(ranges.nr, 0);
	must_eq(vib_ranges_reserve(&ranges, 0), 0);
	must_eq(shim_live(), 0);
	vib_ranges_fini(&ranges);
}

START_TEST(set)
{
	struct vib_ranges ranges;

	init(&ranges, 2, 0, U64_MAX);
	must_eq(ranges.nr, 1);
	expect(&ranges, 0, 0, U64_MAX);
	must_eq(vib_ranges_cut(&ranges, 5, 6), 0);
	vib_ranges_set(&ranges, U64_MAX, U64_MAX);
	must_eq(ranges.nr, 1);
	expect(&ranges, 0, U64_MAX, U64_MAX);
	vib_ranges_fini(&ranges);
	must_eq(ranges.nr, 0);
	must_eq(ranges.cap, 0);
	must_eq(ranges.range, NULL);
}

START_TEST(set_misused)
{
	struct vib_ranges ranges;

	shim_expect_warnings(2);
	vib_ranges_init(&ranges);
	vib_ranges_set(&ranges, 0, 1);
	must_eq(ranges.nr, 0);
	must_eq(vib_ranges_reserve(&ranges, 1), 0);
	vib_ranges_set(&ranges, 1, 0);
	must_eq(ranges.nr, 0);
	vib_ranges_set(&ranges, 1, 1);
	must_eq(ranges.nr, 1);
	vib_ranges_fini(&ranges);
}

START_TEST(reserve)
{
	struct vib_range *before;
	struct vib_ranges ranges;

	init(&ranges, 3, 10, 19);
	must_eq(vib_ranges_cut(&ranges, 12, 13), 0);
	before = ranges.range;
	must_eq(vib_ranges_reserve(&ranges, 3), 0);
	must_eq(vib_ranges_reserve(&ranges, 1), 0);
	must_eq(ranges.range, before);
	must_eq(ranges.cap, 3);
	shim_fail_nth(1);
	must_eq(vib_ranges_reserve(&ranges, 4), -ENOMEM);
	must_eq(ranges.range, before);
	must_eq(ranges.cap, 3);
	must_eq(vib_ranges_reserve(&ranges, 4), 0);
	must_eq(ranges.cap, 4);
	must_eq(shim_last_request(), 4);
	must_eq(ranges.nr, 2);
	expect(&ranges, 0, 10, 11);
	expect(&ranges, 1, 14, 19);
	vib_ranges_fini(&ranges);
}

START_TEST(clip_edges)
{
	struct vib_ranges ranges;

	init(&ranges, 3, 0, U64_MAX);
	vib_ranges_clip(&ranges, 0, U64_MAX);
	expect(&ranges, 0, 0, U64_MAX);
	vib_ranges_clip(&ranges, 10, U64_MAX - 10);
	expect(&ranges, 0, 10, U64_MAX - 10);
	must_eq(vib_ranges_cut(&ranges, 20, 29), 0);
	must_eq(vib_ranges_cut(&ranges, 40, 49), 0);
	vib_ranges_clip(&ranges, 19, 50);
	must_eq(ranges.nr, 3);
	expect(&ranges, 0, 19, 19);
	expect(&ranges, 1, 30, 39);
	expect(&ranges, 2, 50, 50);
	vib_ranges_clip(&ranges, 20, 49);
	must_eq(ranges.nr, 1);
	expect(&ranges, 0, 30, 39);
	vib_ranges_clip(&ranges, 40, 49);
	must_eq(ranges.nr, 0);
	vib_ranges_fini(&ranges);
}

START_TEST(cut_edges)
{
	struct vib_ranges ranges;

	init(&ranges, 2, 0, U64_MAX);
	must_eq(vib_ranges_cut(&ranges, 0, 0), 0);
	expect(&ranges, 0, 1, U64_MAX);
	must_eq(vib_ranges_cut(&ranges, U64_MAX, U64_MAX), 0);
	expect(&ranges, 0, 1, U64_MAX - 1);
	must_eq(vib_ranges_cut(&ranges, 0, 0), 0);
	must_eq(vib_ranges_cut(&ranges, U64_MAX, U64_MAX), 0);
	expect(&ranges, 0, 1, U64_MAX - 1);
	/* The MSI doorbells of x86. */
	must_eq(vib_ranges_cut(&ranges, 0xfee00000, 0xfeefffff), 0);
	must_eq(ranges.nr, 2);
	expect(&ranges, 0, 1, 0xfedfffff);
	expect(&ranges, 1, 0xfef00000, U64_MAX - 1);
	/* A second time there is nothing left to take. */
	must_eq(vib_ranges_cut(&ranges, 0xfee00000, 0xfeefffff), 0);
	must_eq(ranges.nr, 2);
	/* Reaching over into both neighbours. */
	must_eq(vib_ranges_cut(&ranges, 0xfedfffff, 0xfef00000), 0);
	expect(&ranges, 0, 1, 0xfedffffe);
	expect(&ranges, 1, 0xfef00001, U64_MAX - 1);
	must_eq(vib_ranges_cut(&ranges, 1, 0xfef00000), 0);
	must_eq(ranges.nr, 1);
	expect(&ranges, 0, 0xfef00001, U64_MAX - 1);
	must_eq(vib_ranges_cut(&ranges, 0, U64_MAX), 0);
	must_eq(ranges.nr, 0);
	vib_ranges_fini(&ranges);
}

START_TEST(cut_without_room)
{
	struct vib_ranges ranges;

	init(&ranges, 2, 100, 199);
	must_eq(vib_ranges_cut(&ranges, 120, 129), 0);
	must_eq(vib_ranges_cut(&ranges, 150, 159), -ENOSPC);
	must_eq(vib_ranges_cut(&ranges, 110, 110), -ENOSPC);
	must_eq(ranges.nr, 2);
	expect(&ranges, 0, 100, 119);
	expect(&ranges, 1, 130, 199);
	/* What needs no split still works in a full vector. */
	must_eq(vib_ranges_cut(&ranges, 110, 139), 0);
	must_eq(ranges.nr, 2);
	expect(&ranges, 0, 100, 109);
	expect(&ranges, 1, 140, 199);
	vib_ranges_fini(&ranges);
}

START_TEST(cuts_need_one_more_than_their_number)
{
	struct vib_ranges ranges;
	u32 n, i;

	for (n = 0; n < 20; n++) {
		init(&ranges, n + 1, 0, U64_MAX);
		for (i = 0; i < n; i++)
			must_eq(vib_ranges_cut(&ranges, 0x1000 * i + 1, 0x1000 * i + 9), 0);
		must_eq(ranges.nr, n + 1);
		vib_ranges_fini(&ranges);
	}
}

START_TEST(hold_edges)
{
	struct vib_ranges ranges;

	init(&ranges, 2, 10, U64_MAX);
	must_eq(vib_ranges_cut(&ranges, 20, 29), 0);
	must(vib_ranges_hold(&ranges, 10, 19));
	must(vib_ranges_hold(&ranges, 10, 10));
	must(vib_ranges_hold(&ranges, 19, 19));
	must(vib_ranges_hold(&ranges, 30, U64_MAX));
	must(vib_ranges_hold(&ranges, U64_MAX, U64_MAX));
	must(!vib_ranges_hold(&ranges, 9, 10));
	must(!vib_ranges_hold(&ranges, 19, 20));
	must(!vib_ranges_hold(&ranges, 29, 30));
	must(!vib_ranges_hold(&ranges, 15, 35));
	must(!vib_ranges_hold(&ranges, 25, 26));
	must(!vib_ranges_hold(&ranges, 0, U64_MAX));
	vib_ranges_fini(&ranges);
}

/* Counts the runs of the model, and holds each against the vector if there is one. */
static u32 runs(const bool *usable, u64 base, const struct vib_ranges *ranges)
{
	u32 nr = 0;
	int i, from;

	for (i = 0; i < WIDTH; i++) {
		if (!usable[i])
			continue;
		from = i;
		while (i + 1 < WIDTH && usable[i + 1])
			i++;
		if (ranges)
			expect(ranges, nr, base + from, base + i);
		nr++;
	}
	return nr;
}

static void cut(struct world *w, int from, int to)
{
	bool after[WIDTH];
	int i;

	for (i = 0; i < WIDTH; i++)
		after[i] = w->usable[i] && (i < from || i > to);
	if (runs(after, w->base, NULL) > w->ranges.cap) {
		must_eq(vib_ranges_cut(&w->ranges, w->base + from, w->base + to), -ENOSPC);
		return;
	}
	must_eq(vib_ranges_cut(&w->ranges, w->base + from, w->base + to), 0);
	memcpy(w->usable, after, sizeof(after));
}

/* Sets (how == 0) or clips: what is outside goes, what is inside comes or stays. */
static void keep(struct world *w, int from, int to, bool set)
{
	int i;

	if (set)
		vib_ranges_set(&w->ranges, w->base + from, w->base + to);
	else
		vib_ranges_clip(&w->ranges, w->base + from, w->base + to);
	for (i = 0; i < WIDTH; i++)
		w->usable[i] = (set || w->usable[i]) && i >= from && i <= to;
}

/* What the queries say of a range. */
static void expect_range(struct world *w, int from, int to)
{
	bool all = true, some = false, beyond = false;
	int i;

	for (i = 0; i < WIDTH; i++) {
		bool inside = i >= from && i <= to;

		all &= w->usable[i] || !inside;
		some |= w->usable[i] && inside;
		beyond |= w->usable[i] && !inside;
	}
	must_eq(vib_ranges_hold(&w->ranges, w->base + from, w->base + to), all);
	must_eq(vib_ranges_meet(&w->ranges, w->base + from, w->base + to), some);
	must_eq(vib_ranges_within(&w->ranges, w->base + from, w->base + to), !beyond);
}

static void random_step(struct world *w)
{
	int from = rnd_below(WIDTH);
	int to = from + rnd_below(rnd_one_in(8) ? WIDTH - from : min(6, WIDTH - from));
	int ret;

	switch (rnd_below(20)) {
	case 0:
		keep(w, from / 8, WIDTH - 1 - rnd_below(10), true);
		break;
	case 1:
		keep(w, from / 8, WIDTH - 1 - rnd_below(10), false);
		break;
	case 2:
		if (rnd_one_in(3))
			shim_fail_nth(1);
		ret = vib_ranges_reserve(&w->ranges, 1 + rnd_below(2 * w->ranges.cap));
		must_eq(ret, shim_has_failed() ? -ENOMEM : 0);
		shim_fail_nth(0);
		break;
	case 3:
		vib_ranges_fini(&w->ranges);
		init(&w->ranges, 1, w->base, w->base + WIDTH - 1);
		memset(w->usable, true, sizeof(w->usable));
		break;
	default:
		cut(w, from, to);
	}
	must_eq(runs(w->usable, w->base, &w->ranges), w->ranges.nr);
	expect_range(w, from, to);
	/* the ranges are hardly ever within a range that knows nothing of them */
	expect_range(w, from / 4, WIDTH - 1 - from / 4);
}

START_TEST(random_world)
{
	struct world w = { .base = bases[_i] };
	int i;

	init(&w.ranges, 1, w.base, w.base + WIDTH - 1);
	memset(w.usable, true, sizeof(w.usable));
	for (i = 0; i < 100000; i++)
		random_step(&w);
	vib_ranges_fini(&w.ranges);
}

struct Suite *ranges_suite(void)
{
	Suite *suite = suite_create("ranges");
	TCase *tcase = shim_tcase(suite, "ranges");

	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, set);
	tcase_add_test(tcase, set_misused);
	tcase_add_test(tcase, reserve);
	tcase_add_test(tcase, clip_edges);
	tcase_add_test(tcase, cut_edges);
	tcase_add_test(tcase, cut_without_room);
	tcase_add_test(tcase, cuts_need_one_more_than_their_number);
	tcase_add_test(tcase, hold_edges);
	tcase_add_loop_test(tcase, random_world, 0, 3);
	return suite;
}
