/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the pause (test_pace.c) and those of turns (test_turns.c) begin from.
 */
#ifndef VIB_UNIT_PACE_SHIM_H
#define VIB_UNIT_PACE_SHIM_H

#include "../../module/pure/pace.h"
#include "shim.h"

enum {
	MOST = 11,
	MINUTE = 60000,
};

/* Times from which each test begins. */
static const u32 begins[] = { 0, 1, 123456, U32_MAX / 2, U32_MAX - 3, U32_MAX };

#define BEGINS (sizeof(begins) / sizeof(*begins))

/* The pace of a container of which nothing was taken for a minute. */
static inline struct vib_pace calm_pace(u32 now)
{
	struct vib_pace pace = { .taken = now - MINUTE };

	pace.counted = pace.taken;
	pace.asked = pace.taken;
	pace.turned = pace.taken;
	return pace;
}

/* Takes its turn if it may. */
static inline bool asks_in_turn(struct vib_pace *pace, u32 now, u8 *mine, u32 late)
{
	if (vib_pace_few(pace, now, *mine, late))
		return false;
	*mine = vib_pace_turn(pace, now, *mine);
	return true;
}

#endif
