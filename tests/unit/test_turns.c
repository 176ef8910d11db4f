// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where something is taken all the time, and a few may ask: has each a turn, however many there
 * are, and whenever they look?
 */
#include "pace_shim.h"

enum {
	HOUR = 60 * MINUTE,
	LEAST = 5,
	MANY = 33,
};

/* @nr that wait where a few may ask, and look each @step ms, up to @late ms late. */
struct crowd {
	u32 begin, nr, step, late, takes;
	u32 next[MANY];
};

/* The @n-th: each number of them with each of @steps. */
static struct crowd crowd_of(unsigned int n, const u32 *steps)
{
	return (struct crowd){
		.begin = begins[n % BEGINS],
		.nr = n % MANY + 1,
		.step = steps[n / MANY],
		.takes = HOUR,
	};
}

/* Return: who looks next; of those that look at once always the same one. */
static u32 who_looks(const struct crowd *c)
{
	u32 i, who = 0;

	for (i = 1; i < c->nr; i++)
		if (c->next[i] < c->next[who])
			who = i;
	return who;
}

/*
 * Something that was not asked for is taken each @takes ms.
 * Return: how often the one that has asked least has, in @span ms.
 */
static unsigned int fewest_turns(struct crowd *c, u32 span)
{
	struct vib_pace pace = calm_pace(c->begin);
	unsigned int asks[MANY] = { 0 }, least = MINUTE, i;
	u8 mine[MANY] = { 0 };
	u32 ms, taken = 0;

	for (i = who_looks(c); c->next[i] < span; i = who_looks(c)) {
		ms = c->next[i];
		for (; taken <= ms; taken += c->takes)
			vib_pace_take(&pace, c->begin + taken, false, 0, MOST);
		asks[i] += asks_in_turn(&pace, c->begin + ms, &mine[i], c->step + c->late);
		c->next[i] += c->step + rnd_below(c->late + 1);
	}
	for (i = 0; i < c->nr; i++)
		least = asks[i] < least ? asks[i] : least;
	return least;
}

/* Always in the same order, in the same moment. */
START_TEST(each_has_its_turn)
{
	static const u32 steps[] = { 1, 4, 10, 50, 99, 100, 150, 201, 250, 2000 };
	enum { STEPS = sizeof(steps) / sizeof(*steps), ROUNDS = 4 };
	unsigned int n, turns;
	u32 turn, span;

	for (n = 0; n < MANY * STEPS; n++) {
		struct crowd c = crowd_of(n, steps);

		turn = VIB_PACE_FEW + c.step - 1;
		span = ROUNDS * (c.nr * turn + 2 * (turn + c.step));
		turns = fewest_turns(&c, span);
		/* Who comes first in a round may be waited for. */
		must_msg(turns >= ROUNDS - 1, "%u turns of %u that look each %u ms", turns, c.nr,
			 c.step);
		must(c.nr > 1 || turns + 1 >= span / turn);
	}
}

/* Each at moments of its own, and beside what is taken now and then, which puts off all alike. */
START_TEST(each_has_its_turn_whenever_it_looks)
{
	static const u32 steps[] = { 4, 50, 100, 250, 2000 };
	enum { STEPS = sizeof(steps) / sizeof(*steps), ROUNDS = 8, TAKES = 250 };
	unsigned int n, turns;
	u32 turn, i;

	for (n = 0; n < MANY * STEPS; n++) {
		struct crowd c = crowd_of(n, steps);

		if (n % 2)
			c.takes = TAKES;
		c.late = c.step / 8;
		for (i = 0; i < c.nr; i++)
			c.next[i] = rnd_below(c.step);
		turn = 2 * VIB_PACE_FEW + c.step + c.late;
		turns = fewest_turns(&c, ROUNDS * (c.nr + 2) * turn);
		must_msg(turns >= LEAST, "%u turns of %u that look each %u ms", turns, c.nr,
			 c.step);
	}
}

/* Of three that look seldom, the second always just after the first. */
START_TEST(who_looks_after_another_has_its_turn)
{
	struct crowd c = { .nr = 3, .step = 2000, .takes = HOUR, .next = { 2000, 2050, 3000 } };

	must(fewest_turns(&c, MINUTE) >= LEAST);
}

/* One that waits for nothing but itself. */
START_TEST(turn_of_nobody_is_not_waited_for)
{
	struct vib_pace pace;
	unsigned int i;
	u8 mine[2];
	u32 at;

	for (i = 0; i < BEGINS; i++) {
		at = begins[i];
		pace = calm_pace(at);
		mine[0] = vib_pace_turn(&pace, at, 0);
		must_eq(vib_pace_few(&pace, at + VIB_PACE_FEW, mine[0], 0), 0);
		/* Another comes, has a turn, and goes. */
		must_eq(vib_pace_few(&pace, at + 1, 0, 0), VIB_PACE_FEW - 1);
		must_eq(vib_pace_few(&pace, at + VIB_PACE_FEW, mine[0], 0), VIB_PACE_FEW);
		at += VIB_PACE_FEW;
		must_eq(vib_pace_few(&pace, at, 0, 0), 0);
		mine[1] = vib_pace_turn(&pace, at, 0);
		must_eq(mine[0], mine[1]);
		must_eq(vib_pace_few(&pace, at + 1, mine[0], 0), VIB_PACE_FEW - 1);
		must_eq(vib_pace_few(&pace, at + VIB_PACE_FEW, mine[0], 0), 0);
		/* One that waits, and goes without a turn, holds up nobody for longer than that. */
		mine[0] = vib_pace_turn(&pace, at + VIB_PACE_FEW, mine[0]);
		must(mine[0] != mine[1]);
		at += VIB_PACE_FEW;
		must(vib_pace_few(&pace, at + 1, mine[1], 0));
		must_eq(vib_pace_few(&pace, at + 2 * VIB_PACE_FEW, mine[0], 0), 0);
	}
}

Suite *turns_suite(void)
{
	Suite *suite = suite_create("turns");
	TCase *tc = shim_tcase(suite, "turns");

	tcase_add_test(tc, each_has_its_turn);
	tcase_add_test(tc, each_has_its_turn_whenever_it_looks);
	tcase_add_test(tc, who_looks_after_another_has_its_turn);
	tcase_add_test(tc, turn_of_nobody_is_not_waited_for);
	return suite;
}
