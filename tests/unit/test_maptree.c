// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the mapping tree find what is there, and only that? The naive model is a map of bytes: each
 * of the WIDTH addresses of a small world knows which span owns it. Three worlds: at 0, in the
 * middle, and one whose last address is 2^64 - 1.
 */
#include "../../module/pure/maptree.h"
#include "shim.h"

enum {
	WIDTH = 200,
	NR_SPANS = 40,
	NOBODY = -1,
};

struct world {
	u64 base;
	struct vib_maptree tree;
	struct vib_span span[NR_SPANS];
	int owner[WIDTH];
};

static const u64 bases[] = { 0, 0x7ffffff000, U64_MAX - (WIDTH - 1) };

static struct vib_span *insert(struct vib_maptree *tree, struct vib_span *span, u64 start, u64 last)
{
	span->start = start;
	span->last = last;
	return vib_maptree_insert(tree, span);
}

START_TEST(empty)
{
	struct vib_maptree tree;

	vib_maptree_init(&tree);
	must_eq(tree.nr, 0);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), NULL);
	must(!vib_maptree_bisects(&tree, 0, U64_MAX));
	must(!vib_maptree_bisects(&tree, 5, 5));
}

START_TEST(whole_space)
{
	struct vib_span all, one;
	struct vib_maptree tree;

	vib_maptree_init(&tree);
	must_eq(insert(&tree, &all, 0, U64_MAX), NULL);
	must_eq(vib_span_size(&all), 0);
	must_eq(insert(&tree, &one, 0, 0), &all);
	must_eq(insert(&tree, &one, U64_MAX, U64_MAX), &all);
	must_eq(tree.nr, 1);
	must_eq(vib_maptree_first(&tree, U64_MAX, U64_MAX), &all);
	must_eq(vib_maptree_next(&all, U64_MAX), NULL);
	must(!vib_maptree_bisects(&tree, 0, U64_MAX));
	must(vib_maptree_bisects(&tree, 1, U64_MAX));
	must(vib_maptree_bisects(&tree, 0, U64_MAX - 1));
	vib_maptree_erase(&tree, &all);
	must_eq(tree.nr, 0);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), NULL);
}

START_TEST(ends_of_space)
{
	struct vib_span low, high, probe;
	struct vib_maptree tree;

	vib_maptree_init(&tree);
	must_eq(insert(&tree, &high, U64_MAX, U64_MAX), NULL);
	must_eq(insert(&tree, &low, 0, 0), NULL);
	must_eq(vib_span_size(&high), 1);
	must_eq(vib_maptree_first(&tree, 1, U64_MAX - 1), NULL);
	must_eq(vib_maptree_first(&tree, 1, U64_MAX), &high);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), &low);
	must_eq(vib_maptree_next(&low, U64_MAX), &high);
	must_eq(vib_maptree_next(&low, U64_MAX - 1), NULL);
	must_eq(insert(&tree, &probe, 1, U64_MAX - 1), NULL);
	must_eq(tree.nr, 3);
}

START_TEST(neighbours_touch)
{
	struct vib_span a, b, probe;
	struct vib_maptree tree;

	vib_maptree_init(&tree);
	must_eq(insert(&tree, &a, 0x1000, 0x1fff), NULL);
	must_eq(insert(&tree, &b, 0x2000, 0x2fff), NULL);
	must_eq(insert(&tree, &probe, 0x1fff, 0x1fff), &a);
	must_eq(insert(&tree, &probe, 0x2000, 0x2000), &b);
	must_eq(insert(&tree, &probe, 0, 0x1000), &a);
	must_eq(insert(&tree, &probe, 0x2fff, 0x9000), &b);
	must(insert(&tree, &probe, 0, 0x9000));
	must_eq(tree.nr, 2);
	/* Between the two is nothing to cut, within either is. */
	must(!vib_maptree_bisects(&tree, 0x2000, 0x2fff));
	must(!vib_maptree_bisects(&tree, 0x1000, 0x2fff));
	must(!vib_maptree_bisects(&tree, 0, 0xfff));
	must(!vib_maptree_bisects(&tree, 0xfff, 0x3000));
	must(vib_maptree_bisects(&tree, 0x1001, 0x3000));
	must(vib_maptree_bisects(&tree, 0x1fff, 0x2fff));
	must(vib_maptree_bisects(&tree, 0x1000, 0x2ffe));
	must(vib_maptree_bisects(&tree, 0, 0x2000));
}

/*
 * The tree remembers a span near which the next question is likely; ascending inserts go there
 * without a descent. Each of these is one way in which that place may be the wrong one.
 */
START_TEST(insert_behind_the_recent)
{
	struct vib_span span[6], probe;
	struct vib_maptree tree;
	int i;

	vib_maptree_init(&tree);
	for (i = 0; i < 6; i++) {
		must_eq(insert(&tree, &span[i], 0x100 * i, 0x100 * i + 0x7f), NULL);
		must_eq(tree.recent, &span[i]);
	}
	/* Over the end of space, over the recent itself, and over both. */
	must_eq(insert(&tree, &probe, 0x57f, U64_MAX), &span[5]);
	must_eq(vib_maptree_first(&tree, 0x200, 0x200), &span[2]);
	must_eq(insert(&tree, &probe, 0x27f, 0x280), &span[2]);
	/* Behind the recent, but into its neighbour, or behind that. */
	must_eq(insert(&tree, &probe, 0x280, 0x300), &span[3]);
	must_eq(vib_maptree_first(&tree, 0x200, 0x200), &span[2]);
	must_eq(insert(&tree, &probe, 0x3f0, 0x3f1), NULL);
	vib_maptree_erase(&tree, &probe);
	/* Exactly between the two. */
	must_eq(vib_maptree_first(&tree, 0x200, 0x200), &span[2]);
	must_eq(insert(&tree, &probe, 0x280, 0x2ff), NULL);
	must_eq(vib_maptree_next(&span[2], U64_MAX), &probe);
	must_eq(vib_maptree_next(&probe, U64_MAX), &span[3]);
	must_eq(tree.nr, 7);
}

START_TEST(erase_the_recent)
{
	struct vib_span a, b;
	struct vib_maptree tree;

	vib_maptree_init(&tree);
	must_eq(insert(&tree, &a, 10, 19), NULL);
	must_eq(insert(&tree, &b, 30, 39), NULL);
	must_eq(vib_maptree_first(&tree, 0, 10), &a);
	must_eq(tree.recent, &a);
	vib_maptree_erase(&tree, &a);
	must_eq(tree.recent, &b);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), &b);
	vib_maptree_erase(&tree, &b);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), NULL);
	must_eq(insert(&tree, &a, 0, 0), NULL);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), &a);
}

START_TEST(clear)
{
	struct vib_span a, b;
	struct vib_maptree tree;

	vib_maptree_init(&tree);
	must_eq(insert(&tree, &a, 10, 19), NULL);
	must_eq(insert(&tree, &b, 30, 39), NULL);
	vib_maptree_clear(&tree);
	must_eq(tree.nr, 0);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), NULL);
	must_eq(insert(&tree, &b, 15, 15), NULL);
	must_eq(vib_maptree_first(&tree, 0, U64_MAX), &b);
	must_eq(vib_maptree_next(&b, U64_MAX), NULL);
}

static void expect_first(struct world *w, int from, int to)
{
	struct vib_span *expected = NULL;
	struct vib_span *span;
	int i;

	for (i = from; i <= to && !expected; i++)
		if (w->owner[i] != NOBODY)
			expected = &w->span[w->owner[i]];
	span = vib_maptree_first(&w->tree, w->base + from, w->base + to);
	must_eq(span, expected);
}

/* The next span is the owner of the first owned address after the end of @span, up to @to. */
static void expect_next(struct world *w, struct vib_span *span, int to)
{
	struct vib_span *expected = NULL;
	int i;

	for (i = span->last - w->base + 1; i <= to && i < WIDTH && !expected; i++)
		if (w->owner[i] != NOBODY)
			expected = &w->span[w->owner[i]];
	must_eq(vib_maptree_next(span, w->base + to), expected);
}

static void expect_bisects(struct world *w, int from, int to)
{
	bool below = from > 0 && w->owner[from] != NOBODY && w->owner[from] == w->owner[from - 1];
	bool above = to < WIDTH - 1 && w->owner[to] != NOBODY && w->owner[to] == w->owner[to + 1];

	must_eq(vib_maptree_bisects(&w->tree, w->base + from, w->base + to), below || above);
}

static bool owns(struct world *w, int who)
{
	int i;

	for (i = 0; i < WIDTH; i++)
		if (w->owner[i] == who)
			return true;
	return false;
}

static void try_insert(struct world *w, int who, int from, int to)
{
	unsigned long nr = w->tree.nr;
	struct vib_span *hit;
	bool taken = false;
	int i;

	for (i = from; i <= to; i++)
		taken |= w->owner[i] != NOBODY;
	hit = insert(&w->tree, &w->span[who], w->base + from, w->base + to);
	must_eq(!!hit, taken);
	if (hit) {
		must(hit->start <= w->base + to && hit->last >= w->base + from);
		must(owns(w, hit - w->span));
		must_eq(w->tree.nr, nr);
		return;
	}
	must_eq(w->tree.nr, nr + 1);
	must_eq(vib_span_size(&w->span[who]), to - from + 1);
	for (i = from; i <= to; i++)
		w->owner[i] = who;
}

static void erase(struct world *w, int who)
{
	unsigned long nr = w->tree.nr;
	int i;

	vib_maptree_erase(&w->tree, &w->span[who]);
	must_eq(w->tree.nr, nr - 1);
	for (i = 0; i < WIDTH; i++)
		if (w->owner[i] == who)
			w->owner[i] = NOBODY;
}

static void clear_all(struct world *w)
{
	int i;

	vib_maptree_clear(&w->tree);
	for (i = 0; i < WIDTH; i++)
		w->owner[i] = NOBODY;
}

static void random_step(struct world *w)
{
	int who = rnd_below(NR_SPANS);
	int from = rnd_below(WIDTH);
	int to = from + rnd_below(rnd_one_in(4) ? WIDTH - from : min(12, WIDTH - from));

	if (rnd_one_in(2000))
		clear_all(w);
	else if (!owns(w, who))
		try_insert(w, who, from, to);
	else if (rnd_one_in(2))
		erase(w, who);
	else
		expect_next(w, &w->span[who], to);
	from = rnd_below(WIDTH);
	to = from + rnd_below(WIDTH - from);
	expect_first(w, from, to);
	expect_bisects(w, from, to);
	expect_bisects(w, from, from);
}

START_TEST(random_world)
{
	struct world w = { .base = bases[_i] };
	int i;

	vib_maptree_init(&w.tree);
	for (i = 0; i < WIDTH; i++)
		w.owner[i] = NOBODY;
	for (i = 0; i < 100000; i++)
		random_step(&w);
}

struct Suite *maptree_suite(void)
{
	Suite *suite = suite_create("maptree");
	TCase *tcase = shim_tcase(suite, "maptree");

	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, whole_space);
	tcase_add_test(tcase, ends_of_space);
	tcase_add_test(tcase, neighbours_touch);
	tcase_add_test(tcase, insert_behind_the_recent);
	tcase_add_test(tcase, erase_the_recent);
	tcase_add_test(tcase, clear);
	tcase_add_loop_test(tcase, random_world, 0, 3);
	return suite;
}
