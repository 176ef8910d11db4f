// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that fault untouched memory in ahead of a MAP, on a machine of two memory nodes with
 * CPUs of their own: the memory is on the caller's node, as it is without them.
 */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/crew.h"
#include "lib/node.h"
#include "lib/trace.h"

#define SIZE (320 * MIB)
#define PAGES ((long)(SIZE / PAGE))

enum { NODES = 2, TRIES = 10 };

#define WORLD populate_nodes
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

/* The n-th CPU of a set. */
static int cpu_of(const cpu_set_t *cpus, int n)
{
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, cpus) && !n--)
			return cpu;
	return -1;
}

/* The calling thread runs on the first CPU of @node, and may use @allowed from now on. */
static int run_on(int node, const cpu_set_t *allowed)
{
	cpu_set_t cpus, first;
	int ret = node_cpus(node, &cpus);

	CPU_ZERO(&first);
	CPU_SET(cpu_of(&cpus, 0), &first);
	if (!ret)
		ret = neg_errno(sched_setaffinity(0, sizeof(first), &first));
	return ret ? ret : neg_errno(sched_setaffinity(0, sizeof(*allowed), allowed));
}

/* Maps untouched memory, and unmaps it. Return: how many of its pages are on @node, or -errno. */
static long pages_once(struct world *w, int node, int *helpers)
{
	char *mem = mem_untouched(SIZE);
	long pages = -1;
	int ret;

	if (!mem || trace_start())
		return -1;
	ret = dma_map(w->container, IOVA, mem, SIZE, DMA_RW);
	*helpers = trace_count("vib_populate:", "helpers=1 ");
	trace_stop();
	if (!ret)
		pages = node_pages(mem, SIZE, node);
	if (!ret)
		ret = dma_unmap(w->container, IOVA, SIZE, 0, NULL);
	mem_free(mem, SIZE);
	return ret ? ret : pages;
}

static bool runs_on(int node)
{
	cpu_set_t cpus;

	return !node_cpus(node, &cpus) && CPU_ISSET(sched_getcpu(), &cpus);
}

/* The same; again if the scheduler has taken the caller to another node meanwhile. */
static long pages_on(struct world *w, int node, const cpu_set_t *allowed, int *helpers)
{
	long pages;
	int tries = TRIES;

	do {
		if (run_on(node, allowed))
			return -1;
		pages = pages_once(w, node, helpers);
	} while (!runs_on(node) && --tries);
	return pages;
}

static void use_nodes(struct __test_metadata *_metadata, cpu_set_t *all)
{
	if (!node_exists(NODES - 1))
		SKIP_TEST("this machine has one memory node");
	ASSERT_EQ(0, crew_threads(16));
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(*all), all));
}

TEST_F(populate_nodes, memory_is_on_the_callers_node)
{
	int node, helpers;
	cpu_set_t all;

	use_nodes(_metadata, &all);
	for (node = 0; node < NODES; node++) {
		EXPECT_EQ(PAGES, pages_on(&self->w, node, &all, &helpers));
		EXPECT_EQ(1, helpers);
	}
}

TEST_F(populate_nodes, cpus_of_other_nodes_bring_no_helper)
{
	cpu_set_t all, own, allowed;
	int node, helpers;

	use_nodes(_metadata, &all);
	for (node = 0; node < NODES; node++) {
		ASSERT_EQ(0, node_cpus(node, &own));
		ASSERT_EQ(2, CPU_COUNT(&own));
		allowed = all;
		CPU_CLR(cpu_of(&own, 1), &allowed);
		EXPECT_EQ(PAGES, pages_on(&self->w, node, &allowed, &helpers));
		EXPECT_EQ(0, helpers);
	}
}

TEST_HARNESS_MAIN
