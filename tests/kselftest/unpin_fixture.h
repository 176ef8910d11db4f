/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of which helpers may unpin a part with the caller. Behind world_fixture.h, once in each
 * program.
 *
 * Whether helpers pay is a matter of time. What takes longest is memory that its process has
 * given up already, because our pins are what kept it.
 */
#ifndef VIB_TEST_UNPIN_FIXTURE_H
#define VIB_TEST_UNPIN_FIXTURE_H

#include <unistd.h>

#include "lib/crew.h"

/* Kernel threads pay later. */
#define SIZE (crew_is_of_threads() ? 512 * MIB : GIB)

/* An UNMAP of less by one thread may have no helper; of each kind of them. */
enum { WORTH_MS = 40, WORTH_KTHREAD_MS = 300 };

#define TOO_FAST "this machine unpins too fast for a helper to pay"

static void use_two_cpus(struct __test_metadata *_metadata)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one CPU only");
}

/* Maps memory, and gives it up. */
static int map_given_up(struct world *w, char *mem)
{
	int ret;

	if (!mem)
		return -ENOMEM;
	ret = dma_map(w->container, IOVA, mem, SIZE, DMA_RW);
	mem_free(mem, SIZE);
	return ret;
}

static int unmap(struct world *w)
{
	return dma_unmap(w->container, IOVA, SIZE, 0, NULL);
}

/* Does an UNMAP by one thread take so long that a helper pays? -errno. */
static int unmap_is_slow(struct world *w)
{
	int ret = crew_threads(1);
	long took = now_ms();

	if (!ret)
		ret = unmap(w);
	took = now_ms() - took;
	return ret ? ret : took >= (crew_is_of_threads() ? WORTH_MS : WORTH_KTHREAD_MS);
}

/* Of memory from @alloc that is given up. */
static int is_slow(struct world *w, char *(*alloc)(size_t size))
{
	int ret = map_given_up(w, alloc(SIZE));

	return ret ? ret : unmap_is_slow(w);
}

#endif
