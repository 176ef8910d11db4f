// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do windows hold what was left, no more and no less, and is a cut without room refused whole? The
 * naive model is one flag an address, in three small worlds: at 0, in the middle, and one whose
 * last address is 2^64 - 1. Ranges of the vector never touch (a cut takes at least one address
 * out), so they must be exactly the runs of flags.
 */
#include "../../module/pure/windows.h"
#include "shim.h"

enum {
	WIDTH = 120,
};

struct world {
	u64 base;
	struct vib_windows win;
	bool usable[WIDTH];
};

static const u64 bases[] = { 0, 0xfee00000, U64_MAX - (WIDTH - 1) };

static void init(struct vib_windows *win, u32 room, u64 start, u64 last)
{
	vib_windows_init(win);
	must_eq(vib_windows_reserve(win, room), 0);
	vib_windows_set(win, start, last);
}

static void expect(const struct vib_windows *win, u32 i, u64 start, u64 last)
{
	must(i < win->nr);
	must_eq(win->range[i].start, start);
	must_eq(win->range[i].last, last);
}

START_TEST(empty)
{
	struct vib_windows win;

	vib_windows_init(&win);
	must(!vib_windows_hold(&win, 0, 0));
	must_eq(vib_windows_cut(&win, 0, U64_MAX), 0);
	vib_windows_clip(&win, 0, U64_MAX);
	must_eq(win.nr, 0);
	must_eq(vib_windows_reserve(&win, 0), 0);
	must_eq(shim_live(), 0);
	vib_windows_fini(&win);
}

START_TEST(set)
{
	struct vib_windows win;

	init(&win, 2, 0, U64_MAX);
	must_eq(win.nr, 1);
	expect(&win, 0, 0, U64_MAX);
	must_eq(vib_windows_cut(&win, 5, 6), 0);
	vib_windows_set(&win, U64_MAX, U64_MAX);
	must_eq(win.nr, 1);
	expect(&win, 0, U64_MAX, U64_MAX);
	vib_windows_fini(&win);
	must_eq(win.nr, 0);
	must_eq(win.cap, 0);
	must_eq(win.range, NULL);
}

START_TEST(set_misused)
{
	struct vib_windows win;

	shim_expect_warnings(2);
	vib_windows_init(&win);
	vib_windows_set(&win, 0, 1);
	must_eq(win.nr, 0);
	must_eq(vib_windows_reserve(&win, 1), 0);
	vib_windows_set(&win, 1, 0);
	must_eq(win.nr, 0);
	vib_windows_set(&win, 1, 1);
	must_eq(win.nr, 1);
	vib_windows_fini(&win);
}

START_TEST(reserve)
{
	struct vib_range *before;
	struct vib_windows win;

	init(&win, 3, 10, 19);
	must_eq(vib_windows_cut(&win, 12, 13), 0);
	before = win.range;
	must_eq(vib_windows_reserve(&win, 3), 0);
	must_eq(vib_windows_reserve(&win, 1), 0);
	must_eq(win.range, before);
	must_eq(win.cap, 3);
	shim_fail_nth(1);
	must_eq(vib_windows_reserve(&win, 4), -ENOMEM);
	must_eq(win.range, before);
	must_eq(win.cap, 3);
	must_eq(vib_windows_reserve(&win, 4), 0);
	must_eq(win.cap, 4);
	must_eq(shim_last_request(), 4);
	must_eq(win.nr, 2);
	expect(&win, 0, 10, 11);
	expect(&win, 1, 14, 19);
	vib_windows_fini(&win);
}

START_TEST(clip_edges)
{
	struct vib_windows win;

	init(&win, 3, 0, U64_MAX);
	vib_windows_clip(&win, 0, U64_MAX);
	expect(&win, 0, 0, U64_MAX);
	vib_windows_clip(&win, 10, U64_MAX - 10);
	expect(&win, 0, 10, U64_MAX - 10);
	must_eq(vib_windows_cut(&win, 20, 29), 0);
	must_eq(vib_windows_cut(&win, 40, 49), 0);
	vib_windows_clip(&win, 19, 50);
	must_eq(win.nr, 3);
	expect(&win, 0, 19, 19);
	expect(&win, 1, 30, 39);
	expect(&win, 2, 50, 50);
	vib_windows_clip(&win, 20, 49);
	must_eq(win.nr, 1);
	expect(&win, 0, 30, 39);
	vib_windows_clip(&win, 40, 49);
	must_eq(win.nr, 0);
	vib_windows_fini(&win);
}

START_TEST(cut_edges)
{
	struct vib_windows win;

	init(&win, 2, 0, U64_MAX);
	must_eq(vib_windows_cut(&win, 0, 0), 0);
	expect(&win, 0, 1, U64_MAX);
	must_eq(vib_windows_cut(&win, U64_MAX, U64_MAX), 0);
	expect(&win, 0, 1, U64_MAX - 1);
	must_eq(vib_windows_cut(&win, 0, 0), 0);
	must_eq(vib_windows_cut(&win, U64_MAX, U64_MAX), 0);
	expect(&win, 0, 1, U64_MAX - 1);
	/* The MSI doorbells of x86. */
	must_eq(vib_windows_cut(&win, 0xfee00000, 0xfeefffff), 0);
	must_eq(win.nr, 2);
	expect(&win, 0, 1, 0xfedfffff);
	expect(&win, 1, 0xfef00000, U64_MAX - 1);
	/* A second time there is nothing left to take. */
	must_eq(vib_windows_cut(&win, 0xfee00000, 0xfeefffff), 0);
	must_eq(win.nr, 2);
	/* Reaching over into both neighbours. */
	must_eq(vib_windows_cut(&win, 0xfedfffff, 0xfef00000), 0);
	expect(&win, 0, 1, 0xfedffffe);
	expect(&win, 1, 0xfef00001, U64_MAX - 1);
	must_eq(vib_windows_cut(&win, 1, 0xfef00000), 0);
	must_eq(win.nr, 1);
	expect(&win, 0, 0xfef00001, U64_MAX - 1);
	must_eq(vib_windows_cut(&win, 0, U64_MAX), 0);
	must_eq(win.nr, 0);
	vib_windows_fini(&win);
}

START_TEST(cut_without_room)
{
	struct vib_windows win;

	init(&win, 2, 100, 199);
	must_eq(vib_windows_cut(&win, 120, 129), 0);
	must_eq(vib_windows_cut(&win, 150, 159), -ENOSPC);
	must_eq(vib_windows_cut(&win, 110, 110), -ENOSPC);
	must_eq(win.nr, 2);
	expect(&win, 0, 100, 119);
	expect(&win, 1, 130, 199);
	/* What needs no split still works in a full vector. */
	must_eq(vib_windows_cut(&win, 110, 139), 0);
	must_eq(win.nr, 2);
	expect(&win, 0, 100, 109);
	expect(&win, 1, 140, 199);
	vib_windows_fini(&win);
}

START_TEST(cuts_need_one_more_than_their_number)
{
	struct vib_windows win;
	u32 n, i;

	for (n = 0; n < 20; n++) {
		init(&win, n + 1, 0, U64_MAX);
		for (i = 0; i < n; i++)
			must_eq(vib_windows_cut(&win, 0x1000 * i + 1, 0x1000 * i + 9), 0);
		must_eq(win.nr, n + 1);
		vib_windows_fini(&win);
	}
}

START_TEST(hold_edges)
{
	struct vib_windows win;

	init(&win, 2, 10, U64_MAX);
	must_eq(vib_windows_cut(&win, 20, 29), 0);
	must(vib_windows_hold(&win, 10, 19));
	must(vib_windows_hold(&win, 10, 10));
	must(vib_windows_hold(&win, 19, 19));
	must(vib_windows_hold(&win, 30, U64_MAX));
	must(vib_windows_hold(&win, U64_MAX, U64_MAX));
	must(!vib_windows_hold(&win, 9, 10));
	must(!vib_windows_hold(&win, 19, 20));
	must(!vib_windows_hold(&win, 29, 30));
	must(!vib_windows_hold(&win, 15, 35));
	must(!vib_windows_hold(&win, 25, 26));
	must(!vib_windows_hold(&win, 0, U64_MAX));
	vib_windows_fini(&win);
}

/* Counts the runs of the model, and holds each against the vector if there is one. */
static u32 runs(const bool *usable, u64 base, const struct vib_windows *win)
{
	u32 nr = 0;
	int i, from;

	for (i = 0; i < WIDTH; i++) {
		if (!usable[i])
			continue;
		from = i;
		while (i + 1 < WIDTH && usable[i + 1])
			i++;
		if (win)
			expect(win, nr, base + from, base + i);
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
	if (runs(after, w->base, NULL) > w->win.cap) {
		must_eq(vib_windows_cut(&w->win, w->base + from, w->base + to), -ENOSPC);
		return;
	}
	must_eq(vib_windows_cut(&w->win, w->base + from, w->base + to), 0);
	memcpy(w->usable, after, sizeof(after));
}

/* Sets (how == 0) or clips: what is outside goes, what is inside comes or stays. */
static void keep(struct world *w, int from, int to, bool set)
{
	int i;

	if (set)
		vib_windows_set(&w->win, w->base + from, w->base + to);
	else
		vib_windows_clip(&w->win, w->base + from, w->base + to);
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
	must_eq(vib_windows_hold(&w->win, w->base + from, w->base + to), all);
	must_eq(vib_windows_meet(&w->win, w->base + from, w->base + to), some);
	must_eq(vib_windows_within(&w->win, w->base + from, w->base + to), !beyond);
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
		ret = vib_windows_reserve(&w->win, 1 + rnd_below(2 * w->win.cap));
		must_eq(ret, shim_has_failed() ? -ENOMEM : 0);
		shim_fail_nth(0);
		break;
	case 3:
		vib_windows_fini(&w->win);
		init(&w->win, 1, w->base, w->base + WIDTH - 1);
		memset(w->usable, true, sizeof(w->usable));
		break;
	default:
		cut(w, from, to);
	}
	must_eq(runs(w->usable, w->base, &w->win), w->win.nr);
	expect_range(w, from, to);
	/* the windows are hardly ever within a range that knows nothing of them */
	expect_range(w, from / 4, WIDTH - 1 - from / 4);
}

START_TEST(random_world)
{
	struct world w = { .base = bases[_i] };
	int i;

	init(&w.win, 1, w.base, w.base + WIDTH - 1);
	memset(w.usable, true, sizeof(w.usable));
	for (i = 0; i < 100000; i++)
		random_step(&w);
	vib_windows_fini(&w.win);
}

struct Suite *windows_suite(void)
{
	Suite *suite = suite_create("windows");
	TCase *tcase = shim_tcase(suite, "windows");

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
