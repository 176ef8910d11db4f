/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much our module says in the kernel log. Only what is said from
 * klog_begin() on counts.
 */
#ifndef VIB_SOAK_KLOG_H
#define VIB_SOAK_KLOG_H

/* 0 or -errno. */
int klog_begin(void);

/*
 * Lines of ours since the last call; to be called often enough that the log
 * does not overflow: -EPIPE then.
 */
long klog_lines(void);

/* Most that a rate limit of 10 lines in 5 s lets @sites say in @seconds. */
long klog_bound(long seconds, unsigned int sites);

#endif
