/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How soon what the kernel takes of a container's device memory is asked for again. Whoever takes
 * it may look afterwards whether somebody has asked for it meanwhile, and take it again if so, as
 * vfio-pci does before v6.10: asked for too soon, it goes on for ever. So nobody asks before a
 * pause has gone by in which nothing at all was taken. That is not enough where it goes on for
 * longer with what other containers have, so the pause doubles when what came back is taken again.
 *
 * But a client may well switch some of its device memory off and on, over and over. So the pause
 * does not grow beyond 16 times what the memory stayed, but slowly: whoever comes to it just after
 * it was asked for each time has to end, too. And a few may ask although something is being taken,
 * which are too few to keep anybody at it: one at a time, in rounds, in which each that waits has
 * one turn.
 *
 * Times are in milliseconds, of one clock that does not go back, and wrap after 49 days: what is
 * as old as that is taken for new for as long as the pause, or VIB_PACE_FORGET.
 */
#ifndef VIB_PURE_PACE_H
#define VIB_PURE_PACE_H

#include "pure.h"

enum {
	VIB_PACE_FIRST = 2,		/* the first pause */
	VIB_PACE_SOON = 10000,		/* what stays for longer than that does not count */
	VIB_PACE_FORGET = 20000,	/* nothing has counted for so long: all is as at first */
	VIB_PACE_SHARE = 8,		/* what stays for this part of the pause doubles it, */
	VIB_PACE_SPARED = 16,		/* and so does the last of so many that do not */
	VIB_PACE_FEW = 100,		/* one may ask after so long, or after */
	VIB_PACE_PART = 4,		/* this part of the pause */
};

/**
 * struct vib_pace - what was taken of one container; all 0 at first
 * @taken: when something was taken last
 * @counted: when something was last taken soon after it was asked for
 * @asked: when somebody asked last, or when something was taken after long in which nothing was
 * @turned: when somebody took a turn last
 * @doubled: how often the pause is doubled; not at all after VIB_PACE_FORGET
 * @spared: how often it was not, since it was
 * @round: the round of turns, from 1 up, wraps; 0 before the first
 * @waiting: somebody waits who has had no turn in this round
 */
struct vib_pace {
	u32 taken;
	u32 counted;
	u32 asked;
	u32 turned;
	u8 doubled;
	u8 spared;
	u8 round;
	bool waiting;
};

/* Return: the pause, from 2 up. */
u32 vib_pace_pause(struct vib_pace *pace, u32 now);

/*
 * Something is taken which, if @was_asked, was asked for at @asked, after it had been taken before.
 * The pause is doubled @most times at most.
 */
void vib_pace_take(struct vib_pace *pace, u32 now, bool was_asked, u32 asked, u8 most);

/* Return: how long the pause still is, with a @tick of the clock more; 0 if it is over. */
u32 vib_pace_quiet(struct vib_pace *pace, u32 now, u32 tick);

/*
 * Return: how long it is until somebody may ask in any case whose last turn was in round @mine, or
 * in none if that is 0; 0 if it may now. If it waits for others, too, who have had no turn in this
 * round, they have as long as a turn to come, and longer if they look each @late ms only. Each of
 * those looks once between any turn and the next one of whoever has had one.
 */
u32 vib_pace_few(struct vib_pace *pace, u32 now, u8 mine, u32 late);

/* Takes a turn, if vib_pace_few() says 0. Return: its round. */
u8 vib_pace_turn(struct vib_pace *pace, u32 now, u8 mine);

/* Somebody asks. */
static inline void vib_pace_ask(struct vib_pace *pace, u32 now)
{
	pace->asked = now;
}

#endif
