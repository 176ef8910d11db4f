/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call of which our module lets helpers do a part (map_threads), with one thread and with two,
 * in wall time: the best of three rounds in which the host had two CPUs for us (halves.h). If half
 * a minute does not bring so many, the row is that of a busy host, the best of the others: one
 * round may have been disturbed between the counting before and after it. What two threads gained
 * that only count is in rows none-ROW. type1 knows one thread only, and has that time in both rows:
 * of one such round, or of five seconds, as no bound hangs on it.
 */
#ifndef VIB_BENCH_HELPED_H
#define VIB_BENCH_HELPED_H

#include "rows.h"

/**
 * struct helped - what is measured
 * @row: the row is parallel/one-thread/@row, and two-threads
 * @units: how many it has
 * @call: makes the call once, whatever has to be done before and after, and returns its
 *	nanoseconds; map_threads is set
 * @data: for @call
 */
struct helped {
	const char *row;
	__u64 units;
	__u64 (*call)(const struct contender *who, void *data);
	void *data;
};

void helped_race(const struct helped *what, const struct contender *who);

#endif
