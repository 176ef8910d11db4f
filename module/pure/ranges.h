/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOVA ranges that may be mapped, apertures minus reserved regions of all groups.
 *
 * A sorted vector of disjoint ranges. Cutting n regions out of one range leaves at most n + 1, so a
 * vector reserved for that many can be rebuilt without memory: detach relies on it. An empty vector
 * means that nothing is usable; "no restriction" is the one range [0, U64_MAX].
 */
#ifndef VIB_PURE_RANGES_H
#define VIB_PURE_RANGES_H

#include "pure.h"

struct vib_range {
	u64 start;
	u64 last;
};

struct vib_ranges {
	struct vib_range *range;
	u32 nr;
	u32 cap;
};

/* An empty vector; owns no memory. */
static inline void vib_ranges_init(struct vib_ranges *ranges)
{
	ranges->range = NULL;
	ranges->nr = 0;
	ranges->cap = 0;
}

/* Frees the vector and leaves it empty. */
void vib_ranges_fini(struct vib_ranges *ranges);

/* Makes room for @cap ranges; 0 or -ENOMEM with nothing changed. May sleep. */
int vib_ranges_reserve(struct vib_ranges *ranges, u32 cap);

/* Makes the vector say the one range [start, last]; room for one is reserved. */
void vib_ranges_set(struct vib_ranges *ranges, u64 start, u64 last);

/* Keeps what lies in [start, last]; cannot fail. */
void vib_ranges_clip(struct vib_ranges *ranges, u64 start, u64 last);

/**
 * vib_ranges_cut - take [start, last] out
 * @ranges: the vector
 * @start: first byte
 * @last: last byte
 *
 * Return: 0; -ENOSPC, with nothing changed, when a range had to be split and no room was reserved.
 */
int vib_ranges_cut(struct vib_ranges *ranges, u64 start, u64 last);

/* Is any of [start, last] in a range? */
bool vib_ranges_meet(const struct vib_ranges *ranges, u64 start, u64 last);

/* Are all ranges, if there are any, in [start, last]? */
bool vib_ranges_within(const struct vib_ranges *ranges, u64 start, u64 last);

/* Does one range hold all of [start, last]? */
bool vib_ranges_hold(const struct vib_ranges *ranges, u64 start, u64 last);

#endif
