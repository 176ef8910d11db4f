// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that map disjoint memory into one container, beside one thread
 * that maps both. The guest runs its CPUs in parallel and its clock is wall
 * time, on a host that does other things too: each way is tried many times, the
 * two in turn and spread over some seconds. Two threads that only count (the row
 * "none") tell, before and after, whether the host had two CPUs for us: of those
 * tries, if they are some, the one in the middle is taken, by what two threads
 * gained. The best of one way beside the best of the other would tell of luck:
 * two CPUs are left alone more rarely than one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "halves.h"
#include "meter.h"
#include "rows.h"

#define SIZE (64 * MIB)
#define IOVA (4 * GIB)

enum { ROUNDS = 150, CALMS = 20, PAUSE_US = 20000 };

static void map_half(struct half *h)
{
	h->ret = dma_map(h->container, h->iova, h->mem, SIZE, DMA_RW);
}

static void mappers(struct half half[2], struct world *w, const char *mem)
{
	int i;

	for (i = 0; i < 2; i++)
		half[i] = (struct half){
			.work = map_half,
			.container = w->container,
			.mem = mem + i * SIZE,
			.iova = IOVA + i * GIB,
		};
}

/* All ways once; were two CPUs there for us before and after the mapping? */
static bool try_all(struct world *w, const char *mem, struct best *tried)
{
	struct half half[2];

	counts_before(&tried->counts);
	mappers(half, w, mem);
	tried->one = halves_by_one(half);
	must(dma_unmap_all(w->container, NULL), "unmap");
	tried->two = halves_by_two(half);
	must(dma_unmap_all(w->container, NULL), "unmap");
	return counts_after(&tried->counts);
}

/* Orders tries by what two threads gained. */
static int by_gain(const void *a, const void *b)
{
	const struct best *x = a, *y = b;
	__u64 gain_x = x->one * y->two, gain_y = y->one * x->two;

	return (gain_x > gain_y) - (gain_x < gain_y);
}

static void race(const struct contender *who, const char *mem)
{
	static struct best tries[2][ROUNDS];	/* by whether they were calm */
	unsigned int nr[2] = { 0, 0 }, i;
	struct best tried, *middle;
	struct world w;
	bool calm;

	open_world(&w, who, 1);
	for (i = 0; i < ROUNDS; i++) {
		calm = try_all(&w, mem, &tried);
		tries[calm][nr[calm]++] = tried;
		usleep(PAUSE_US);
	}
	printf("# %s: the host had two CPUs for us in %u of %d tries\n",
	       who->name, nr[true], ROUNDS);
	calm = nr[true] >= CALMS;
	qsort(tries[calm], nr[calm], sizeof(tries[calm][0]), by_gain);
	middle = &tries[calm][nr[calm] / 2];
	meter_report(who->name, "parallel/one-thread/none", 1, middle->counts.one);
	meter_report(who->name, "parallel/two-threads/none", 1, middle->counts.two);
	meter_report(who->name, "parallel/one-thread/128M", 2 * SIZE / PAGE,
		     middle->one);
	meter_report(who->name, "parallel/two-threads/128M", 2 * SIZE / PAGE,
		     middle->two);
	close_world(&w);
}

void rows_parallel(const char *unused)
{
	char *mem;
	int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		fail("the guest has one CPU only");
	mem = mem_small(2 * SIZE);
	if (!mem)
		fail("no memory");
	for (i = 0; i < CONTENDERS; i++)
		race(&contenders[i], mem);
	mem_free(mem, 2 * SIZE);
}
