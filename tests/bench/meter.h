/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clock of the bench. In a guest whose clock counts instructions (QEMU's
 * -icount shift=0) a nanosecond is an instruction, so a figure repeats. Around
 * each operation a mark goes to the serial port that QEMU writes into the same
 * file as its traces: what lies between two marks was caused in between.
 * Knows nothing of VFIO. One operation at a time.
 */
#ifndef VIB_BENCH_METER_H
#define VIB_BENCH_METER_H

#include <linux/types.h>

/* Learns what reading the clock costs. */
void meter_init(void);

/* Starts measuring @row as served by @who; nothing of ours runs in between. */
void meter_start(const char *who, const char *row);

/* What lies between is not counted; invalidations in between are. */
void meter_pause(void);
void meter_resume(void);

/* Ends it: prints one line, for @units equal pieces of work. */
void meter_stop(__u64 units);

/* Nanoseconds of the monotonic clock. */
__u64 meter_now(void);

/* A figure that was not measured between start and stop. */
void meter_report(const char *who, const char *row, __u64 units, __u64 ns);

#endif
