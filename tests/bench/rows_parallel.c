// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that map disjoint memory into one container, beside one thread
 * that maps both. The guest runs its CPUs in parallel and its clock is wall
 * time, on a host that does other things too: each way is tried many times, the
 * two in turn and spread over some seconds, and the best of each is what the
 * disturbance did not reach. The row "none" is two threads that only count: the
 * most that this host can show.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define SIZE (64 * MIB)
#define IOVA (4 * GIB)

enum { ROUNDS = 150, PAUSE_US = 20000, COUNT_TO = 1000000 };

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

static void race(const struct contender *who, const char *mem)
{
	__u64 one = ~0ULL, two = ~0ULL;
	struct half half[2];
	struct world w;
	int i;

	open_world(&w, who, 1);
	for (i = 0; i < 2; i++)
		half[i] = (struct half){
			.work = map_half,
			.container = w.container,
			.mem = mem + i * SIZE,
			.iova = IOVA + i * GIB,
		};
	for (i = 0; i < ROUNDS; i++) {
		one = least(one, by_one(half));
		must(dma_unmap_all(w.container, NULL), "unmap");
		two = least(two, by_two(half));
		must(dma_unmap_all(w.container, NULL), "unmap");
		usleep(PAUSE_US);
	}
	meter_report(who->name, "parallel/one-thread/128M", 2 * SIZE / PAGE, one);
	meter_report(who->name, "parallel/two-threads/128M", 2 * SIZE / PAGE, two);
	close_world(&w);
}

static void control(void)
{
	struct half half[2] = { { .work = count_half }, { .work = count_half } };
	__u64 one = ~0ULL, two = ~0ULL;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		one = least(one, by_one(half));
		two = least(two, by_two(half));
	}
	/* Nobody serves it: the same figure for both sides of the table. */
	for (i = 0; i < CONTENDERS; i++) {
		meter_report(contenders[i].name, "parallel/one-thread/none", 1, one);
		meter_report(contenders[i].name, "parallel/two-threads/none", 1, two);
	}
}

void rows_parallel(const char *unused)
{
	char *mem;
	int i;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		fail("the guest has one CPU only");
	control();
	mem = mem_small(2 * SIZE);
	if (!mem)
		fail("no memory");
	for (i = 0; i < CONTENDERS; i++)
		race(&contenders[i], mem);
	mem_free(mem, 2 * SIZE);
}
