// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents against a naive model: a plain array of runs, for each of two vectors that hand extents
 * to one another, as a batch and a mapping do. Then a sweep: the same work once for each allocation
 * in it, with that one allocation failing. Both again with chunks of a few extents.
 */
#include "../../module/pure/extent_pos.h"
#include "../../module/pure/extents_move.h"
#include "extents_util.h"

enum {
	MAX_RUNS = 400,
	STEPS = 100000,
	SWEEP_STEPS = 500,
};

struct run {
	u64 pfn;
	u64 pages;
	u64 flags;
};

struct side {
	struct vib_extents ex;
	struct run run[MAX_RUNS];
	u32 nr;
};

/* A page anywhere is found, and so is one from there on, and what lies between. */
static void expect_place(struct side *s)
{
	u32 first = rnd_below(s->nr + 1), second = first + rnd_below(s->nr - first + 1), i;
	u64 before = 0, between = 0, skip;
	struct vib_extent_pos pos;

	for (i = 0; i < second; i++)
		*(i < first ? &before : &between) += s->run[i].pages;
	must_eq(vib_extents_pages_in(&s->ex, first, second), between);
	skip = first < s->nr ? rnd_below(s->run[first].pages) : 0;
	pos = vib_extents_seek(&s->ex, before + skip);
	must_eq(pos.index, first);
	must_eq(pos.skip, skip);
	if (second > first) {
		vib_extents_seek_on(&s->ex, &pos, between - skip);
		must_eq(pos.index, second);
		must_eq(pos.skip, 0);
	}
	if (second < s->nr)
		must_eq(vib_ext_pfn(vib_extents_at(&pos)),
			s->run[second].pfn + (second == first ? skip : 0));
}

static void expect_same(struct side *s)
{
	u64 flags = rnd() & VIB_EXT_FLAGS;
	u32 first = rnd_below(s->nr + 2);
	u64 sum = 0;
	u32 i;

	expect_nr(&s->ex, s->nr);
	if (s->ex.cap)
		must_eq(vib_extents_bytes(&s->ex), s->ex.cap > 1 ? s->ex.cap * 8 : 0);
	for (i = 0; i < s->nr; i++) {
		struct run *r = &s->run[i];

		expect_ext(&s->ex, i, r->pfn, r->pages, r->flags);
		if (i >= first && (r->flags & flags) == flags)
			sum += r->pages;
	}
	must_eq(vib_extents_pages(&s->ex, first, flags), sum);
	expect_place(s);
}

/* A failed call must leave everything as it was; failure comes once, so the next try succeeds. */
static bool failed(struct side *s, const struct vib_extents *before, int ret)
{
	must(ret == 0 || ret == -ENOMEM);
	if (!ret)
		return false;
	must(shim_has_failed());
	must_eq(memcmp(before, &s->ex, sizeof(*before)), 0);
	expect_same(s);
	return true;
}

/* Adds a run: appended, it may merge; pushed, it may not. */
static void append(struct side *s, struct run r, bool push)
{
	struct run *last = s->nr ? &s->run[s->nr - 1] : NULL;
	struct vib_extents before = s->ex;
	int (*call)(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags);
	int ret;

	call = push ? vib_extents_push : vib_extents_append;
	ret = call(&s->ex, r.pfn, r.pages, r.flags);

	if (r.pfn + r.pages > 1ULL << 40 || r.pages > 0xfffff) {
		must_eq(ret, -ERANGE);
		must_eq(memcmp(&before, &s->ex, sizeof(before)), 0);
		return;
	}
	if (failed(s, &before, ret))
		must_eq(call(&s->ex, r.pfn, r.pages, r.flags), 0);
	if (!push && last && last->pfn + last->pages == r.pfn && last->flags == r.flags &&
	    last->pages + r.pages <= 0xfffff)
		last->pages += r.pages;
	else
		s->run[s->nr++] = r;
}

static struct run rnd_run(const struct side *s)
{
	const struct run *last = s->nr ? &s->run[s->nr - 1] : NULL;
	struct run r;

	r.pfn = rnd_one_in(50) ? VIB_EXT_PFN_MAX - rnd_below(8) : rnd_below(64);
	r.flags = rnd() & VIB_EXT_FLAGS;
	if (last && !rnd_one_in(3)) {
		r.pfn = last->pfn + last->pages;
		r.flags = rnd_one_in(4) ? r.flags : last->flags;
	}
	r.pages = 1 + rnd_below(8);
	if (rnd_one_in(6))
		r.pages = VIB_EXT_PAGES_MAX - rnd_below(12) + 1;
	return r;
}

static void reserve(struct side *s, u32 more)
{
	struct vib_extents before = s->ex;

	if (failed(s, &before, vib_extents_reserve(&s->ex, more)))
		must_eq(vib_extents_reserve(&s->ex, more), 0);
	must(room_in(&s->ex) >= more);
}

/* Moves in two steps, as a mapping grows that others look at. */
static void take(struct side *dst, struct side *src, u32 nr)
{
	bool last = rnd_one_in(2) && nr == src->nr;
	struct vib_extents before = dst->ex, room;
	int ret;

	vib_extents_init(&room);
	ret = last && !dst->nr ? 0 : vib_extents_prepare(&room, &dst->ex, nr, last);
	if (failed(dst, &before, ret)) {
		must_eq(room.cap, 1);
		must_eq(vib_extents_prepare(&room, &dst->ex, nr, last), 0);
	}
	expect_same(dst);
	vib_extents_take(&dst->ex, &room, &src->ex, nr);
	vib_extents_fini(&room);
}

static void move(struct side *dst, struct side *src, u32 nr)
{
	if (rnd_one_in(2)) {
		take(dst, src, nr);
	} else {
		if (dst->nr || nr < src->nr)
			reserve(dst, nr);
		vib_extents_move(&dst->ex, &src->ex, nr);
	}
	memcpy(dst->run + dst->nr, src->run, nr * sizeof(*src->run));
	dst->nr += nr;
	src->nr -= nr;
	memmove(src->run, src->run + nr, src->nr * sizeof(*src->run));
}

static void split(struct side *s, u64 pages)
{
	struct vib_extents before = s->ex;
	struct run *last = &s->run[s->nr - 1];

	if (failed(s, &before, vib_extents_split_tail(&s->ex, pages)))
		must_eq(vib_extents_split_tail(&s->ex, pages), 0);
	last->pages -= pages;
	last[1].pfn = last->pfn + last->pages;
	last[1].pages = pages;
	last[1].flags = last->flags;
	s->nr++;
}

static void drop(struct side *s, u32 nr)
{
	vib_extents_drop_tail(&s->ex, nr);
	s->nr -= min(nr, s->nr);
}

/* Some extents change places with those behind them, and what is equally long is written over. */
static void replace(struct side *s)
{
	u32 first = rnd_below(s->nr), nr = 1 + rnd_below(s->nr - first), i;
	struct vib_extents parts;
	struct run was;

	vib_extents_init(&parts);
	if (vib_extents_reserve(&parts, nr))
		must_eq(vib_extents_reserve(&parts, nr), 0);
	for (i = 0; i < nr / 2; i++) {
		was = s->run[first + i];
		s->run[first + i] = s->run[first + nr - 1 - i];
		s->run[first + nr - 1 - i] = was;
	}
	for (i = first; i < first + nr; i++)
		must_eq(vib_extents_put(&parts, vib_ext_make(s->run[i].pfn, s->run[i].pages,
							     s->run[i].flags)), 0);
	vib_extents_replace(&s->ex, first, &parts);
	vib_extents_fini(&parts);
}

static void random_step(struct side *s, struct side *other)
{
	u64 room = room_in(&s->ex);

	switch (rnd_below(17)) {
	case 0:
		reserve(s, rnd_below(20));
		break;
	case 1:
		move(s, other, rnd_below(other->nr + 1));
		break;
	case 2:
		drop(s, rnd_below(s->nr / 2 + 3));
		break;
	case 3:
		vib_extents_trim(&s->ex);
		must(room_in(&s->ex) <= room);
		break;
	case 4:
		if (rnd_one_in(8)) {
			vib_extents_fini(&s->ex);
			s->nr = 0;
		}
		break;
	case 5:
		if (s->nr && s->run[s->nr - 1].pages > 1)
			split(s, 1 + rnd_below(s->run[s->nr - 1].pages - 1));
		break;
	case 6:
		if (s->nr)
			replace(s);
		break;
	default:
		append(s, rnd_run(s), rnd_one_in(5));
	}
	if (s->nr + other->nr > MAX_RUNS - 30)
		drop(s, s->nr);
	expect_same(s);
	expect_same(other);
}

static void work(int steps)
{
	struct side a = { .nr = 0 }, b = { .nr = 0 };

	vib_extents_init(&a.ex);
	vib_extents_init(&b.ex);
	while (steps--) {
		random_step(&a, &b);
		random_step(&b, &a);
	}
	vib_extents_fini(&a.ex);
	vib_extents_fini(&b.ex);
}

/* As in the kernel, or in chunks from 5 or 13 extents on, of 3 or of 10. */
static void set_sizes(int nr)
{
	const u32 header = sizeof(struct vib_chunk);

	if (nr)
		shim_sizes(nr == 1 ? 4 : 12, header + (nr == 1 ? 3 : 10) * sizeof(u64));
}

START_TEST(random_world)
{
	set_sizes(_i);
	work(STEPS);
}

START_TEST(every_allocation_fails_once)
{
	unsigned long nth = 0;

	set_sizes(_i);
	do {
		rnd_restart();
		shim_fail_nth(++nth);
		work(SWEEP_STEPS);
		must_eq(shim_live(), 0);
	} while (shim_has_failed());
	must(nth > 10);
}

struct Suite *extents_suite(void)
{
	Suite *suite = suite_create("extents");
	TCase *tcase = shim_tcase(suite, "extents");

	extents_directed(tcase);
	extents_memory(tcase);
	extents_settle(tcase);
	extents_places(tcase);
	extents_chunks(tcase);
	extents_pieces(tcase);
	extents_grow(tcase);
	tcase_add_loop_test(tcase, random_world, 0, 3);
	tcase_add_loop_test(tcase, every_allocation_fails_once, 0, 3);
	extents_many(shim_tcase(suite, "many extents"));
	return suite;
}
