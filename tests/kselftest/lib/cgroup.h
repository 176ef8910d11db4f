/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memory cgroup (version 2) for a child process, and what is charged to it.
 */
#ifndef VIB_TEST_CGROUP_H
#define VIB_TEST_CGROUP_H

#include <stdbool.h>

/* Makes the group; 0 or -errno. */
int cgroup_make(void);
void cgroup_remove(void);

/* The calling process goes in. */
int cgroup_enter(void);

/* Bytes, 0 for no limit. */
int cgroup_limit(long bytes);

/* Makes another cgroup, and removes it, as others do meanwhile; 0 or -errno. */
int cgroup_try_other(void);

/* CPU time that all its threads may take of each second, together; 0 or -errno. */
int cgroup_throttle(long us);

/* Bytes charged now, and at most since it was made. */
long cgroup_current(void);
long cgroup_peak(void);

/* Bytes of page tables that are charged. */
long cgroup_page_tables(void);

/* Asks for all its processes to be frozen, or thawed. */
int cgroup_freeze(bool freeze);

/* Are they, after a while at most? */
bool cgroup_is_frozen(void);

/* Microseconds of CPU time of all its threads. */
long cgroup_cpu_time(void);

/* Processes that were killed because of the limit. */
long cgroup_kills(void);

/* How often memory was asked for beyond the limit, so that a process was to be killed. */
long cgroup_ooms(void);

/* The kernel's report of such a kill looks like a fault: it may be kept from the console. */
void cgroup_quiet(bool quiet);

/* How often its processes had to reclaim, or wait, because it is above memory.high. */
long cgroup_highs(void);

/* memory.high is half of what is charged. 0 or -errno. */
int cgroup_exceed_high(void);

/* The calling process is not killed for that. 0 or -errno. */
int cgroup_spare(void);

/* The limit is what is charged, and nothing of that is free. 0 or -errno. Pipes stay open. */
int cgroup_fill(void);

#endif
