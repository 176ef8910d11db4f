/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers that are the same everywhere: a stream is its seed. Knows
 * nothing of what they are for.
 */
#ifndef VIB_DIFF_RNG_H
#define VIB_DIFF_RNG_H

#include <linux/types.h>
#include <stdbool.h>

struct rng {
	__u64 state;
};

/* The next 64 bits (splitmix64's steps). */
static inline __u64 rng_next(struct rng *rng)
{
	__u64 z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* 0 <= result < @n; @n is far below 2^64, so its bias does not matter. */
static inline __u64 rng_below(struct rng *rng, __u64 n)
{
	return rng_next(rng) % n;
}

static inline bool rng_percent(struct rng *rng, unsigned int percent)
{
	return rng_below(rng, 100) < percent;
}

/* One of the elements of an array. */
#define rng_pick(rng, array) \
	((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])

#endif
