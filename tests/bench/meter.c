// SPDX-License-Identifier: GPL-2.0-only
/* See meter.h. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../kselftest/lib/mark.h"
#include "magic.h"
#include "meter.h"

/* Long enough for deferred frees and timers of the last operation to be over. */
enum { SETTLE_US = 40000, CALIBRATIONS = 64 };
/* A tick comes at least so often while a program runs. */
enum { TICK_MOST_NS = 20000000 };

static __u64 overhead;
static __u64 began;
static __u64 paused;
static const char *measured_who;
static const char *measured_row;

static __u64 read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

__u64 meter_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/*
 * Returns just after a tick of the timer, which is what sets the coarse clock: the next is a tick
 * away then. One takes thousands of instructions, and would hit a short operation by chance.
 */
static void await_tick(void)
{
	__u64 tick = read_clock(CLOCK_MONOTONIC_COARSE), most = meter_now() + TICK_MOST_NS;

	while (read_clock(CLOCK_MONOTONIC_COARSE) == tick && meter_now() < most)
		;
}

void meter_init(void)
{
	__u64 start, cost;
	int i;

	overhead = ~0ULL;
	for (i = 0; i < CALIBRATIONS; i++) {
		start = meter_now();
		cost = meter_now() - start;
		if (cost < overhead)
			overhead = cost;
	}
	printf("# clock: reading it costs %llu ns, which are subtracted\n",
	       (unsigned long long)overhead);
}

void meter_report(const char *who, const char *row, __u64 units, __u64 ns)
{
	printf("@row %s %s %llu %llu\n", who, row, (unsigned long long)units,
	       (unsigned long long)ns);
	fflush(stdout);
}

void meter_start(const char *who, const char *row)
{
	usleep(SETTLE_US);
	measured_who = who;
	measured_row = row;
	mark_trace("begin %s %s", who, row);
	await_tick();
	magic_begin();
	began = meter_now();
}

void meter_pause(void)
{
	paused = meter_now();
}

void meter_resume(void)
{
	began += meter_now() - paused + overhead;
}

void meter_stop(__u64 units)
{
	__u64 ns = meter_now() - began;

	magic_end();
	mark_trace("end %s %s", measured_who, measured_row);
	meter_report(measured_who, measured_row, units,
		     ns > overhead ? ns - overhead : 0);
}
