/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our tracepoints, as an operator reads them. What is not said otherwise returns 0 or
 * -errno.
 */
#ifndef VIB_TEST_TRACE_H
#define VIB_TEST_TRACE_H

/* Empties the trace and has our events recorded. */
int trace_start(void);
int trace_stop(void);

/* How many lines of the trace hold both words; -errno. */
int trace_count(const char *event, const char *words);

#endif
