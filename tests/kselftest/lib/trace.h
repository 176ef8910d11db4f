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

/* Between the two: has an event of the kernel recorded, too ("cgroup/cgroup_attach_task"). */
int trace_also(const char *event);

/* How many lines of the trace hold both words; -errno. */
int trace_count(const char *event, const char *words);

#endif
