/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory nodes: which CPUs are theirs, and where pages are. Errors are -errno.
 */
#ifndef VIB_TEST_NODE_H
#define VIB_TEST_NODE_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

bool node_exists(int node);

/* The CPUs of a node; 0 or -errno. */
int node_cpus(int node, cpu_set_t *cpus);

/* How many pages of @mem are there, and on that node. */
long node_pages(const char *mem, size_t size, int node);

#endif
