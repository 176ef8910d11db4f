/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks in the trace that the machine writes (tests/vm/run --trace): what the machine traced
 * between two of them was caused in between.
 */
#ifndef VIB_TEST_MARK_H
#define VIB_TEST_MARK_H

/*
 * Writes a line of "@mark " and what printf() makes of the rest, and returns when it is out: 0;
 * -ENODEV if nobody traces.
 */
int mark_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
