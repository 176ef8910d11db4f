// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that map disjoint memory into one container, beside one thread
 * that maps both. The guest runs its CPUs in parallel and its clock is wall
 * time, on a host that does other things too: each way is tried many times, the
 * two in turn and spread over some seconds. Two threads that only count (the row
 * "none") tell, before and after, whether the host had two CPUs for us: the best
 * of those tries is taken, if they are some.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define SIZE (64 * MIB)
#define IOVA (4 * GIB)

enum { ROUNDS = 150, CALMS = 20, PAUSE_US = 20000, COUNT_TO = 1000000 };

struct half {
	pthread_t thread;
	void (*work)(struct half *h);
	pthread_barrier_t *ready;
	int container;
	const char *mem;
	__u64 iova;
	__u64 began;
	__u64 ended;
	int ret;
};

static __u64 least(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static __u64 most(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* From the first beginning to the last end. */
static __u64 span(const struct half half[2])
{
	must(half[0].ret, "map");
	must(half[1].ret, "map");
	return most(half[0].ended, half[1].ended) -
	       least(half[0].began, half[1].began);
}

static void map_half(struct half *h)
{
	h->ret = dma_map(h->container, h->iova, h->mem, SIZE, DMA_RW);
}

static void count_half(struct half *h)
{
	volatile int i;

	for (i = 0; i < COUNT_TO; i++)
		;
	h->ret = 0;
}

static void *thread_main(void *arg)
{
	struct half *h = arg;

	if (h->ready)
		pthread_barrier_wait(h->ready);
	h->began = meter_now();
	h->work(h);
	h->ended = meter_now();
	return NULL;
}

static __u64 by_one(struct half half[2])
{
	half[0].ready = NULL;
	half[1].ready = NULL;
	thread_main(&half[0]);
	thread_main(&half[1]);
	return span(half);
}

static __u64 by_two(struct half half[2])
{
	pthread_barrier_t ready;
	int i;

	pthread_barrier_init(&ready, NULL, 2);
	for (i = 0; i < 2; i++) {
		half[i].ready = &ready;
		must(pthread_create(&half[i].thread, NULL, thread_main, &half[i]),
		     "thread");
	}
	for (i = 0; i < 2; i++)
		pthread_join(half[i].thread, NULL);
	pthread_barrier_destroy(&ready);
	return span(half);
}

static void counters(struct half half[2])
{
	half[0] = (struct half){ .work = count_half };
	half[1] = half[0];
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

/* One thread and two, counting and mapping: the best of what was tried so far. */
struct best {
	__u64 count_one;
	__u64 count_two;
	__u64 map_one;
	__u64 map_two;
};

static void keep(struct best *best, const struct best *tried)
{
	best->count_one = least(best->count_one, tried->count_one);
	best->count_two = least(best->count_two, tried->count_two);
	best->map_one = least(best->map_one, tried->map_one);
	best->map_two = least(best->map_two, tried->map_two);
}

/* All ways once; were two CPUs there for us before and after the mapping? */
static bool try_all(struct world *w, const char *mem, struct best *tried)
{
	struct half half[2];

	counters(half);
	tried->count_one = by_one(half);
	tried->count_two = by_two(half);
	mappers(half, w, mem);
	tried->map_one = by_one(half);
	must(dma_unmap_all(w->container, NULL), "unmap");
	tried->map_two = by_two(half);
	must(dma_unmap_all(w->container, NULL), "unmap");
	counters(half);
	tried->count_two = most(tried->count_two, by_two(half));
	return tried->count_one * 10 >= tried->count_two * 18;
}

static void race(const struct contender *who, const char *mem)
{
	struct best calm, any, tried;
	unsigned int i, calms = 0;
	struct world w;

	memset(&calm, 0xff, sizeof(calm));
	any = calm;
	open_world(&w, who, 1);
	for (i = 0; i < ROUNDS; i++) {
		if (try_all(&w, mem, &tried)) {
			keep(&calm, &tried);
			calms++;
		} else {
			keep(&any, &tried);
		}
		usleep(PAUSE_US);
	}
	printf("# %s: the host had two CPUs for us in %u of %d tries\n",
	       who->name, calms, ROUNDS);
	if (calms < CALMS)
		calm = any;
	meter_report(who->name, "parallel/one-thread/none", 1, calm.count_one);
	meter_report(who->name, "parallel/two-threads/none", 1, calm.count_two);
	meter_report(who->name, "parallel/one-thread/128M", 2 * SIZE / PAGE,
		     calm.map_one);
	meter_report(who->name, "parallel/two-threads/128M", 2 * SIZE / PAGE,
		     calm.map_two);
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
