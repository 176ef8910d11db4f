// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run that crosses the place to which the filling of a new domain has come, and whatever else a
 * thread does at random meanwhile.
 */
#include <stdlib.h>

#include "mock_fixture.h"
#include "filling_fixture.h"

static int call_join_last(struct call *call)
{
	int ret = on_one_cpu(false);

	return ret ? ret : call_join(call);
}

/*
 * Two calls with nothing in between: all goes, and what is new crosses the place. No flag is asked
 * for first: the VFIO core answers that when the group has come.
 */
static int call_replace(struct call *call)
{
	int ret = on_one_cpu(true);

	ret = ret ? ret : dma_unmap(call->w->container, 0, 0, UNMAP_ALL, NULL);
	return ret ? ret : call_map(call);
}

/* The filling comes to the end of its second turn, and then has to do with what @replace mapped. */
static void is_replaced(struct __test_metadata *_metadata, struct call *join, struct call *replace)
{
	join->body = call_join_last;
	join_to(_metadata, join, IN_SECOND);
	ASSERT_EQ(0, call_begin(replace));
	EXPECT_TRUE(call_sleeps(replace));
	join_ends(_metadata, join, 0);
	EXPECT_EQ(0, call_result(replace));
	domains_have(_metadata, 2, replace->size / PAGE);
	ASSERT_EQ(0, dma_unmap_all(replace->w->container, NULL));
	domains_have(_metadata, 2, 0);
}

/* How often runs are entered in all: what crosses is, into both, and nothing of it once more. */
TEST_F_TIMEOUT(filling, run_may_cross_where_it_has_come_to, MINUTES_S)
{
	char *mem = mem_thp(HUGE_2M);
	struct call replace = CALL(replace, IOVA + 2 * TURN * PAGE - MIB - PAGE, HUGE_2M, mem);
	long before = mock_count("maps");

	NEED_THP();
	ASSERT_NE(NULL, mem);
	is_replaced(_metadata, &self->join, &replace);
	EXPECT_GT(2 * TURN + TURN / 2, mock_count("maps") - before);
	mem_free(mem, HUGE_2M);
}

TEST_F_TIMEOUT(filling, runs_may_cross_where_it_has_come_to, MINUTES_S)
{
	const long pages = 1000;
	struct call replace = CALL(replace, IOVA + (2 * TURN - pages / 2) * PAGE, pages * PAGE,
				   self->runs);
	long before = mock_count("maps");

	is_replaced(_metadata, &self->join, &replace);
	EXPECT_EQ(2 * TURN + 2 * pages, mock_count("maps") - before);
}

/* From the place to the end: nothing is left to be filled. */
TEST_F_TIMEOUT(filling, run_that_crosses_it_may_reach_the_end_of_all_addresses, MINUTES_S)
{
	const __u64 rest = 100, size = (2 * TURN + rest) * PAGE;
	char *mem = mem_thp(HUGE_2M);
	struct call replace = CALL(replace, -HUGE_2M, HUGE_2M, mem);
	long before;

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, dma_map(self->w.container, -size, self->runs, size, DMA_RW));
	before = mock_count("maps");
	is_replaced(_metadata, &self->join, &replace);
	EXPECT_GT(2 * TURN + (long)rest, mock_count("maps") - before);
	mem_free(mem, HUGE_2M);
}

enum { PLACES = 24, ROUNDS = 6 };

/* What a thread maps and unmaps at random, below, beside and above what is being filled. */
struct mess {
	struct world *w;
	const char *runs;
	unsigned int seed;
	long pages[PLACES];
	volatile bool stop;
	int ret;
};

static __u64 place(unsigned int nth)
{
	return IOVA + (nth + 1) * 256 * MIB;
}

static int change_place(struct mess *mess, unsigned int nth)
{
	static const long sizes[] = { 1, 2, 100, 3000, 9000 };
	long pages = sizes[rand_r(&mess->seed) % 5];
	int ret;

	if (mess->pages[nth]) {
		ret = dma_unmap(mess->w->container, place(nth), mess->pages[nth] * PAGE, 0, NULL);
		pages = 0;
	} else {
		ret = dma_map(mess->w->container, place(nth), mess->runs, pages * PAGE, DMA_RW);
	}
	if (!ret)
		mess->pages[nth] = pages;
	return ret;
}

static void *make_mess(void *arg)
{
	struct mess *mess = arg;

	while (!mess->stop && !mess->ret)
		mess->ret = change_place(mess, rand_r(&mess->seed) % PLACES);
	return NULL;
}

/* One round: the second group leaves, and comes while a thread maps and unmaps. */
static void fill_in_a_mess(struct __test_metadata *_metadata, struct mess *mess)
{
	long pages = RUNS;
	pthread_t thread;
	unsigned int i;

	mess->stop = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, make_mess, mess));
	EXPECT_EQ(0, world_join(mess->w, SLOT_B));
	mess->stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, mess->ret);
	for (i = 0; i < PLACES; i++)
		pages += mess->pages[i];
	domains_have(_metadata, 2, pages);
	ASSERT_EQ(0, leave(mess->w, SLOT_B));
	domains_have(_metadata, 1, pages);
}

TEST_F_TIMEOUT(filling, random_changes_are_in_both, MINUTES_S)
{
	struct mess mess = { .w = &self->w, .runs = self->runs, .seed = test_seed() };
	unsigned int i;

	TH_LOG("VIB_SEED=%u", mess.seed);
	for (i = 0; i < PLACES / 2; i++)
		ASSERT_EQ(0, change_place(&mess, i));
	for (i = 0; i < ROUNDS && _metadata->passed; i++)
		fill_in_a_mess(_metadata, &mess);
}

TEST_HARNESS_MAIN
