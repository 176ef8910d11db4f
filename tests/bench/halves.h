/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two halves of some work, done by one thread or by two, in wall time; and whether the host has two
 * CPUs for us at that moment, which two threads tell that only count.
 */
#ifndef VIB_BENCH_HALVES_H
#define VIB_BENCH_HALVES_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>

struct half {
	pthread_t thread;
	void (*work)(struct half *h);
	pthread_barrier_t *ready;
	int container;
	const char *mem;
	__u64 iova;
	__u64 began;
	__u64 ended;
	int ret;
};

/* Both halves, one after the other or at the same time. Return: nanoseconds that took. */
__u64 halves_by_one(struct half half[2]);
__u64 halves_by_two(struct half half[2]);

/* What counting took one thread and two, the slower time of before and after what is measured. */
struct counts {
	__u64 one;
	__u64 two;
};

void counts_before(struct counts *counts);

/* Return: did the host have two CPUs for us, before and after? */
bool counts_after(struct counts *counts);

/* The same, and the work that was measured: of one try, or the best of several. */
struct best {
	struct counts counts;
	__u64 one;
	__u64 two;
};

void best_keep(struct best *best, const struct best *tried);

static inline __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static inline __u64 most(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

#endif
