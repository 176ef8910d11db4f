// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents against a naive model: a plain array of runs, for each of two vectors that hand extents
 * to one another, as a batch and a mapping do. Then a sweep: the same work once for each allocation
 * in it, with that one allocation failing.
 */
#include "../../module/pure/extents.h"
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

static void expect_same(struct side *s)
{
	u64 flags = rnd() & VIB_EXT_FLAGS;
	u32 first = rnd_below(s->nr + 2);
	u64 sum = 0;
	u32 i;

	expect_nr(&s->ex, s->nr);
	must_eq(vib_extents_bytes(&s->ex), s->ex.cap > 1 ? s->ex.cap * 8 : 0);
	for (i = 0; i < s->nr; i++) {
		struct run *r = &s->run[i];

		expect_ext(&s->ex, i, r->pfn, r->pages, r->flags);
		if (i >= first && (r->flags & flags) == flags)
			sum += r->pages;
	}
	must_eq(vib_extents_pages(&s->ex, first, flags), sum);
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
	must(s->ex.cap - s->ex.nr >= more);
}

static void move(struct side *dst, struct side *src, u32 nr)
{
	if (dst->nr || nr < src->nr)
		reserve(dst, nr);
	vib_extents_move(&dst->ex, &src->ex, nr);
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

static void random_step(struct side *s, struct side *other)
{
	struct vib_extents before = s->ex;

	switch (rnd_below(16)) {
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
		must(s->ex.cap <= before.cap);
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

START_TEST(random_world)
{
	work(STEPS);
}

START_TEST(every_allocation_fails_once)
{
	unsigned long nth = 0;

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
	tcase_add_test(tcase, random_world);
	tcase_add_test(tcase, every_allocation_fails_once);
	return suite;
}
