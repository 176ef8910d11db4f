/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: the IOVA ranges that may be mapped, apertures minus reserved regions of all groups.
 *
 * A sorted vector of disjoint ranges. Cutting n regions out of one range leaves at most n + 1, so a
 * vector reserved for that many can be rebuilt without memory: detach relies on it. An empty vector
 * means that nothing is usable; "no restriction" is the one range [0, U64_MAX].
 */
#ifndef VIB_PURE_WINDOWS_H
#define VIB_PURE_WINDOWS_H

#include "pure.h"

struct vib_range {
	u64 start;
	u64 last;
};

struct vib_windows {
	struct vib_range *range;
	u32 nr;
	u32 cap;
};

/* An empty vector; owns no memory. */
static inline void vib_windows_init(struct vib_windows *win)
{
	win->range = NULL;
	win->nr = 0;
	win->cap = 0;
}

/* Frees the vector and leaves it empty. */
void vib_windows_fini(struct vib_windows *win);

/* Makes room for @cap ranges; 0 or -ENOMEM with nothing changed. May sleep. */
int vib_windows_reserve(struct vib_windows *win, u32 cap);

/* Makes the vector say the one range [start, last]; room for one is reserved. */
void vib_windows_set(struct vib_windows *win, u64 start, u64 last);

/* Keeps what lies in [start, last]; cannot fail. */
void vib_windows_clip(struct vib_windows *win, u64 start, u64 last);

/**
 * vib_windows_cut - take [start, last] out
 * @win: the windows
 * @start: first byte
 * @last: last byte
 *
 * Return: 0; -ENOSPC, with nothing changed, when a range had to be split and no room was reserved.
 */
int vib_windows_cut(struct vib_windows *win, u64 start, u64 last);

/* Is any of [start, last] in a window? */
bool vib_windows_meet(const struct vib_windows *win, u64 start, u64 last);

/* Are all windows, if there are any, in [start, last]? */
bool vib_windows_within(const struct vib_windows *win, u64 start, u64 last);

/* Does one window hold all of [start, last]? */
bool vib_windows_hold(const struct vib_windows *win, u64 start, u64 last);

#endif
