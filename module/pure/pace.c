// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pause before what was taken is asked for again. Knows nothing of who takes it, nor of clocks.
 * Invariant: nothing counts twice within one pause, so all that is taken in one go counts once.
 */
#include "pace.h"

u32 vib_pace_pause(struct vib_pace *pace, u32 now)
{
	if (now - pace->counted >= VIB_PACE_FORGET)
		pace->doubled = 0;
	return (u32)VIB_PACE_FIRST << pace->doubled;
}

/* Is the pause long for what @stayed so long? It is told so only so often. */
static bool spare_pause(struct vib_pace *pace, u32 pause, u32 stayed)
{
	/* Clocks tick: it may have stayed for a little longer than it seems. */
	return (stayed + VIB_PACE_FIRST) * VIB_PACE_SHARE < pause &&
	       ++pace->spared < VIB_PACE_SPARED;
}

void vib_pace_take(struct vib_pace *pace, u32 now, bool was_asked, u32 asked, u8 most)
{
	u32 pause = vib_pace_pause(pace, now), stayed = now - asked;

	/* What goes on for long, with shorter pauses, must not put off the few for ever. */
	if (now - pace->taken > pause + 2 * VIB_PACE_FEW)
		pace->asked = now;
	pace->taken = now;
	if (!was_asked || stayed >= VIB_PACE_SOON || now - pace->counted < pause)
		return;
	pace->counted = now;
	if (pace->doubled >= most || spare_pause(pace, pause, stayed))
		return;
	pace->doubled++;
	pace->spared = 0;
}

/* Return: how much of @wait is left after @gone. */
static u32 rest_of(u32 wait, u32 gone)
{
	return gone < wait ? wait - gone : 0;
}

u32 vib_pace_quiet(struct vib_pace *pace, u32 now, u32 tick)
{
	return rest_of(vib_pace_pause(pace, now) + tick, now - pace->taken);
}

u32 vib_pace_few(struct vib_pace *pace, u32 now, u8 mine, u32 late)
{
	u32 turn = max_t(u32, vib_pace_pause(pace, now) / VIB_PACE_PART, VIB_PACE_FEW);
	u32 rest = rest_of(turn, now - pace->asked);
	bool had_turn = mine && mine == pace->round;

	if (had_turn)
		return max(rest, rest_of(pace->waiting ? 2 * (turn + late) : late,
					 now - pace->turned));
	pace->waiting |= !!rest;
	return rest;
}

/* A round that wraps to one long gone is waited for by who had a turn in that. */
static void next_round(struct vib_pace *pace)
{
	pace->round++;
	pace->round += !pace->round;
}

u8 vib_pace_turn(struct vib_pace *pace, u32 now, u8 mine)
{
	if (mine == pace->round)
		next_round(pace);
	pace->waiting = false;
	pace->turned = now;
	vib_pace_ask(pace, now);
	return pace->round;
}
