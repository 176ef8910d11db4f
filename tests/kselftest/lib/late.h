/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that comes late: whoever touches it waits until late_arrive(). Made
 * with userfaultfd, needs root.
 */
#ifndef VIB_TEST_LATE_H
#define VIB_TEST_LATE_H

#include <stddef.h>

struct late {
	int uffd;
	char *mem;
	size_t size;
};

/* 0 or -errno. */
int late_open(struct late *late, size_t size);
void late_close(struct late *late);

/* Waits until somebody waits for the memory; 0, -ETIMEDOUT or -errno. */
int late_awaited(struct late *late, int timeout_ms);

/* Fills all of it with zeroes and wakes who waits; 0 or -errno. */
int late_arrive(struct late *late);

#endif
