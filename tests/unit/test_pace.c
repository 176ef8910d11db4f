// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is nobody too early while something is taken, does what takes for ever as long as somebody is too
 * early come to an end, and is the pause forgotten afterwards? At any time, that at which it wraps
 * included.
 */
#include "pace_shim.h"

enum {
	LONGEST = VIB_PACE_FIRST << MOST,
	TICK = 1,
	AGAIN = 16,
	MOST_AWAY = LONGEST / VIB_PACE_PART,
};

/* May the only one of the container ask now? */
static bool may_ask(struct vib_pace *pace, u32 now)
{
	return !vib_pace_quiet(pace, now, TICK) || !vib_pace_few(pace, now, 0, 0);
}

START_TEST(nobody_asks_before_the_pause)
{
	struct vib_pace pace;
	unsigned int i;
	u32 at;

	for (i = 0; i < BEGINS; i++) {
		at = begins[i];
		pace = calm_pace(at);
		must(may_ask(&pace, at));
		vib_pace_take(&pace, at, false, 0, MOST);
		must_eq(vib_pace_pause(&pace, at), VIB_PACE_FIRST);
		must_eq(vib_pace_quiet(&pace, at, TICK), VIB_PACE_FIRST + TICK);
		must(!may_ask(&pace, at));
		must(!may_ask(&pace, at + VIB_PACE_FIRST));
		must(may_ask(&pace, at + VIB_PACE_FIRST + TICK));
	}
}

/* As long as it goes on, and however many are taken; only one asks now and then. */
START_TEST(what_goes_on_is_waited_for)
{
	unsigned int i, n, asked;
	struct vib_pace pace;
	u32 at;
	u8 mine;

	for (i = 0; i < BEGINS; i++) {
		at = begins[i];
		pace = calm_pace(at);
		for (n = asked = mine = 0; n < MINUTE; n++) {
			vib_pace_take(&pace, at + n, false, 0, MOST);
			must(vib_pace_quiet(&pace, at + n, TICK));
			asked += asks_in_turn(&pace, at + n, &mine, 0);
		}
		must_eq(vib_pace_pause(&pace, at + n), VIB_PACE_FIRST);
		must(asked <= MINUTE / VIB_PACE_FEW && asked >= MINUTE / VIB_PACE_FEW - 1);
	}
}

/*
 * Of two mappings of a container, the client has the first one on for @on, and off for @off, over
 * and over, and touches it each time itself, so it is taken each time. The second is on, and was
 * taken at the beginning. The clock ticks every @tick. Return: how long the second was away.
 */
static u32 outage_of(u32 begin, u32 on, u32 off, u32 tick)
{
	struct vib_pace pace = calm_pace(begin);
	u32 asked = begin - MINUTE, ms, now, i;
	u8 mine[2] = { 0 };
	bool asks = false;

	for (ms = 0; ms < MINUTE; ms++) {
		now = begin + ms / tick * tick;
		if (ms % (on + off) == on) {
			vib_pace_take(&pace, now, asks, asked, MOST);
			asks = false;
		}
		for (i = asks; i < 2 && ms > on; i++) {
			if (!asks_in_turn(&pace, now, &mine[i], 0) &&
			    vib_pace_quiet(&pace, now, tick))
				continue;
			if (i)
				return ms;
			vib_pace_ask(&pace, now);
			asked = now;
			asks = true;
		}
	}
	return MINUTE;
}

START_TEST(what_goes_over_and_over_keeps_no_other_away_for_long)
{
	static const u32 times[] = { 1, 2, 4, 5, 8, 10, 20, 50, 100, 104, 200, 500, 1000 };
	static const u32 ticks[] = { 1, 4, 10 };
	enum { TIMES = sizeof(times) / sizeof(*times) };
	unsigned int i, on, off, n;
	u32 away;

	for (n = 0; n < BEGINS * 3 * TIMES * TIMES; n++) {
		i = n % BEGINS;
		on = times[n / BEGINS / 3 % TIMES];
		off = times[n / BEGINS / 3 / TIMES];
		away = outage_of(begins[i], on, off, ticks[n / BEGINS % 3]);
		must_msg(away <= on + MOST_AWAY, "on for %u ms, off for %u: away for %u, tick %u",
			 on, off, away, ticks[n / BEGINS % 3]);
	}
}

/* Has it be taken again and again, always after it stayed for @stayed. Return: the pause then. */
static u32 pause_after(u32 at, u32 stayed)
{
	struct vib_pace pace = calm_pace(at);
	unsigned int n;

	for (n = 0; n < VIB_PACE_SPARED - 1; n++) {
		at += stayed;
		vib_pace_take(&pace, at, true, at - stayed, MOST);
		at += vib_pace_pause(&pace, at) + 1;
		must(!vib_pace_quiet(&pace, at, TICK));
	}
	return vib_pace_pause(&pace, at);
}

/* Also when it is taken in the moment in which it is asked for. */
START_TEST(pause_grows_beyond_the_time_it_stayed)
{
	unsigned int i;
	u32 at, stayed, pause, most;

	for (i = 0; i < BEGINS; i++) {
		at = begins[i];
		for (stayed = 0; stayed < LONGEST; stayed++) {
			pause = pause_after(at, stayed);
			most = 2 * VIB_PACE_SHARE * (stayed + VIB_PACE_FIRST);
			must_msg(pause <= most && (pause > stayed || pause == LONGEST),
				 "stayed %u ms, pause %u ms", stayed, pause);
		}
		must_eq(pause_after(at, VIB_PACE_SOON - 1), LONGEST);
		must_eq(pause_after(at, VIB_PACE_SOON), VIB_PACE_FIRST);
	}
}

/* All that is taken in one go. */
START_TEST(many_count_once)
{
	struct vib_pace pace;
	unsigned int i, n;
	u32 at;

	for (i = 0; i < BEGINS; i++) {
		at = begins[i];
		pace = calm_pace(at);
		for (n = 0; n < 1000; n++)
			vib_pace_take(&pace, at + 1, true, at, MOST);
		must_eq(vib_pace_pause(&pace, at + 1), 2 * VIB_PACE_FIRST);
	}
}

/* By others that are taken late, or were never asked for, neither. */
START_TEST(who_did_not_ask_changes_nothing)
{
	struct vib_pace pace;
	unsigned int i;
	u32 at;

	for (i = 0; i < BEGINS; i++) {
		at = begins[i];
		pace = calm_pace(at);
		vib_pace_take(&pace, at, true, at, MOST);
		vib_pace_take(&pace, at + 5, false, at + 5, MOST);
		must_eq(vib_pace_pause(&pace, at + 5), 2 * VIB_PACE_FIRST);
		vib_pace_take(&pace, at + 10, true, at + 10 - VIB_PACE_SOON, MOST);
		must_eq(vib_pace_pause(&pace, at + 10), 2 * VIB_PACE_FIRST);
	}
}

START_TEST(pause_is_forgotten)
{
	struct vib_pace pace;
	unsigned int i, n;
	u32 at;

	for (i = 0; i < BEGINS; i++) {
		at = begins[i];
		pace = calm_pace(at);
		for (n = 0; n < MOST; n++, at += vib_pace_pause(&pace, at) + 1)
			vib_pace_take(&pace, at, true, at - VIB_PACE_SOON + 1, MOST);
		at = pace.counted;
		/* What goes on to be taken, and is not asked for, does not keep it. */
		for (n = 0; n < VIB_PACE_FORGET; n += 1000)
			vib_pace_take(&pace, at + n, false, 0, MOST);
		must_eq(vib_pace_pause(&pace, at + VIB_PACE_FORGET - 1), LONGEST);
		must_eq(vib_pace_pause(&pace, at + VIB_PACE_FORGET), VIB_PACE_FIRST);
	}
}

/*
 * Who takes it takes all of one container, then all of the other, which takes @length each, and
 * goes on until neither has asked for any meanwhile: of one that has, to come to it again takes a
 * part of that. Both ask as soon as one of them may. Return: how often it went on.
 */
static unsigned int rounds_of(u32 at, u32 length)
{
	struct vib_pace pace[2] = { calm_pace(at), calm_pace(at) };
	bool asks[2] = { true, true };
	unsigned int round, i, j;
	u32 asked[2] = { 0 }, end;

	for (round = 0; round < 1000 && (asks[0] || asks[1]); round++) {
		for (i = 0; i < 2; i++) {
			if (!asks[i])
				continue;
			for (end = at + length / (round ? AGAIN : 1) + 1; at != end; at++) {
				vib_pace_take(&pace[i], at, asks[i] && round, asked[i], MOST);
				asks[i] = false;
				j = !i;
				if (asks[j] || !may_ask(&pace[j], at))
					continue;
				vib_pace_ask(&pace[j], at);
				asked[j] = at;
				asks[j] = true;
			}
		}
	}
	return round;
}

START_TEST(two_containers_come_to_an_end)
{
	unsigned int i, rounds;
	u32 length;

	for (i = 0; i < BEGINS; i++) {
		for (length = 1; length < LONGEST; length += length / 16 + 1) {
			rounds = rounds_of(begins[i], length);
			must_msg(rounds <= 2 * VIB_PACE_SPARED, "%u ms from %u on: %u rounds",
				 length, begins[i], rounds);
		}
	}
}

Suite *pace_suite(void)
{
	Suite *suite = suite_create("pace");
	TCase *tc = shim_tcase(suite, "pace");

	tcase_add_test(tc, nobody_asks_before_the_pause);
	tcase_add_test(tc, what_goes_on_is_waited_for);
	tcase_add_test(tc, what_goes_over_and_over_keeps_no_other_away_for_long);
	tcase_add_test(tc, pause_grows_beyond_the_time_it_stayed);
	tcase_add_test(tc, many_count_once);
	tcase_add_test(tc, who_did_not_ask_changes_nothing);
	tcase_add_test(tc, pause_is_forgotten);
	tcase_add_test(tc, two_containers_come_to_an_end);
	return suite;
}
