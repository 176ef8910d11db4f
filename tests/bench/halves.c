// SPDX-License-Identifier: GPL-2.0-only
/* See halves.h. */
#include "halves.h"
#include "meter.h"
#include "rows.h"

enum { COUNT_TO = 1000000 };

/* From the first beginning to the last end. */
static __u64 span(const struct half half[2])
{
	must(half[0].ret, "half of the work");
	must(half[1].ret, "half of the work");
	return most(half[0].ended, half[1].ended) -
	       least(half[0].began, half[1].began);
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

__u64 halves_by_one(struct half half[2])
{
	half[0].ready = NULL;
	half[1].ready = NULL;
	thread_main(&half[0]);
	thread_main(&half[1]);
	return span(half);
}

__u64 halves_by_two(struct half half[2])
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

void counts_before(struct counts *counts)
{
	struct half half[2];

	counters(half);
	counts->one = halves_by_one(half);
	counts->two = halves_by_two(half);
}

bool counts_after(struct counts *counts)
{
	struct half half[2];

	counters(half);
	counts->two = most(counts->two, halves_by_two(half));
	return counts->one * 10 >= counts->two * 18;
}

void best_keep(struct best *best, const struct best *tried)
{
	best->counts.one = least(best->counts.one, tried->counts.one);
	best->counts.two = least(best->counts.two, tried->counts.two);
	best->one = least(best->one, tried->one);
	best->two = least(best->two, tried->two);
}
