/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group that needs a domain of its own, in a container of many mappings. The mock stops the
 * filling where a test says, so that others come in the middle of it. Behind mock_fixture.h, once
 * in each program.
 */
#ifndef VIB_TEST_FILLING_FIXTURE_H
#define VIB_TEST_FILLING_FIXTURE_H

#include <sched.h>

#include "lib/call.h"

/* One page over and over, so that no two follow each other in memory. */
#ifndef RUNS
#define RUNS 20000L
#endif
#define RUNS_SIZE (RUNS * PAGE)

enum {
	MINUTES_S = 300,	/* which a kernel with all checks needs */
	TURN = 4096,		/* runs that are filled while others wait (attach/fill_turns.c) */
	IN_SECOND = TURN + TURN / 2,	/* a call in the middle of the second turn, */
	TO_NEXT = TURN,		/* and from it to one in the third, if no others come between */
};

#define LOW (IOVA - 16 * MIB)
#define HIGH (IOVA + RUNS_SIZE + 16 * MIB)

FIXTURE(filling)
{
	struct world w;
	char *mem;
	char *runs;
	struct call join;
};

/* The second group needs a domain of its own, and the first has many runs. */
FIXTURE_SETUP(filling)
{
	self->mem = mem_small(MEM_SIZE);
	ASSERT_NE(NULL, self->mem);
	self->runs = mem_repeated(RUNS_SIZE);
	ASSERT_NE(NULL, self->runs);
	mock_begin(_metadata, &self->w);
	ASSERT_EQ(0, mock_order("instance 0 aperture 0 0xffffffffffffffff"));
	ASSERT_EQ(0, mock_order("instance 1 aperture 0x1000 0xffffffffffffffff"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->runs, RUNS_SIZE, DMA_RW));
	self->join = (struct call){ .body = call_join, .w = &self->w, .slot = SLOT_B };
}

FIXTURE_TEARDOWN(filling)
{
	mock_order("hold 0");
	mock_end(_metadata, &self->w);
}

#define CALL(what, where, bytes, memory) { \
	.body = call_##what, .w = &self->w, .iova = where, .size = bytes, .data = memory, \
}

/* On one CPU with others that do so. Of these, the @first ones run until they sleep. */
static inline int on_one_cpu(bool first)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    (first && sched_setscheduler(0, SCHED_FIFO, &param)))
		return -errno;
	return 0;
}

static inline bool comes_to_a_hold(void)
{
	int ms;

	/* A kernel with all checks is slow. */
	for (ms = 0; ms < 120000 && mock_count("held") != 1; ms++)
		usleep(1000);
	return mock_count("held") == 1;
}

/* The second group comes, and stops at the @nth run. */
static inline void join_to(struct __test_metadata *_metadata, struct call *join, int nth)
{
	ASSERT_EQ(0, mock_order("hold %d", nth));
	ASSERT_EQ(0, call_begin(join));
	ASSERT_TRUE(comes_to_a_hold());
	EXPECT_FALSE(join->done);
}

static inline void join_ends(struct __test_metadata *_metadata, struct call *join, int result)
{
	ASSERT_EQ(0, mock_order("hold 0"));
	EXPECT_EQ(result, call_result(join));
}

static inline void domains_have(struct __test_metadata *_metadata, int domains, long pages)
{
	int i;

	ASSERT_EQ(domains, mock_domains());
	EXPECT_TRUE(mock_domains_agree());
	for (i = 0; i < domains; i++)
		EXPECT_EQ(pages, mock_domain_count(i, "mapped"));
}

/* The next hold is in the next turn, so the call did not wait for more than one. */
static inline void ends_by_the_next_hold(struct __test_metadata *_metadata, struct call *call,
					 int calls)
{
	ASSERT_EQ(0, mock_order("hold %d", calls));
	ASSERT_TRUE(call_ends(call));
	EXPECT_EQ(0, call_result(call));
	ASSERT_TRUE(comes_to_a_hold());
}

static inline void waits_at_the_hold(struct __test_metadata *_metadata, struct call *call)
{
	ASSERT_EQ(0, call_begin(call));
	EXPECT_TRUE(call_sleeps(call));
}

/* Who else is on that CPU runs only while the filling sleeps. */
static inline int call_join_first(struct call *call)
{
	int ret = on_one_cpu(true);

	return ret ? ret : call_join(call);
}

/* Begins the calls while the filling is in its second turn, so that they are made behind that. */
static inline void between_turns(struct __test_metadata *_metadata, struct call *join,
				 struct call *calls, unsigned int nr)
{
	unsigned int i;

	join_to(_metadata, join, IN_SECOND);
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(0, call_begin(&calls[i]));
		EXPECT_TRUE(call_sleeps(&calls[i]));
	}
	join_ends(_metadata, join, 0);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(0, call_result(&calls[i]));
}

#define BETWEEN_TURNS(calls) \
	between_turns(_metadata, &self->join, calls, sizeof(calls) / sizeof((calls)[0]))

#endif
