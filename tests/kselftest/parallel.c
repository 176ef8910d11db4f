// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several threads on one container: what each may see, and what holds at the
 * end. With one CPU they take turns where the kernel lets them; with
 * `run --smp 2 --parallel` they really meet.
 */
#include <pthread.h>
#include <unistd.h>

#include "fixture.h"

enum { THREADS = 4, ROUNDS = 100 };

#define WORLD parallel
#define WORLD_GROUPS 2
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

struct worker {
	struct world *w;
	char *mem;
	unsigned int nr;
	pthread_t thread;
	unsigned int good;	/* calls that did what they were asked */
	unsigned int odd;	/* calls that gave an answer nobody expects */
	pthread_barrier_t *together;
};

/* Runs @body in THREADS threads and waits for all. */
static void run(struct worker *workers, struct world *w, char *mem,
		void *(*body)(void *))
{
	pthread_barrier_t together;
	unsigned int i;

	pthread_barrier_init(&together, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.w = w,
			.mem = mem,
			.nr = i,
			.together = &together,
		};
		pthread_create(&workers[i].thread, NULL, body, &workers[i]);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&together);
}

static unsigned int total(const struct worker *workers)
{
	unsigned int i, sum = 0;

	for (i = 0; i < THREADS; i++)
		sum += workers[i].good;
	return sum;
}

static unsigned int oddities(const struct worker *workers)
{
	unsigned int i, sum = 0;

	for (i = 0; i < THREADS; i++)
		sum += workers[i].odd;
	return sum;
}

static void *map_own_ranges(void *arg)
{
	struct worker *me = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		me->good += !dma_map(me->w->container,
				     IOVA + me->nr * GIB + i * 2 * PAGE,
				     me->mem, PAGE, DMA_RW);
	return NULL;
}

TEST_F(parallel, ranges_of_their_own_are_all_mapped)
{
	struct worker workers[THREADS];
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	run(workers, &self->w, self->mem, map_own_ranges);
	EXPECT_EQ(THREADS * ROUNDS, total(workers));
	EXPECT_EQ(self->w.locked + THREADS * ROUNDS, locked_pages());
	/* Those who mapped have ended. */
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(THREADS * ROUNDS * PAGE, done);
	EXPECT_EQ(self->w.locked, locked_pages());
}

static void *map_the_same_range(void *arg)
{
	struct worker *me = arg;
	unsigned int i;
	int ret;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(me->together);
		ret = dma_map(me->w->container, IOVA + i * MEM_SIZE, me->mem,
			      MEM_SIZE, DMA_RW);
		me->good += !ret;
		me->odd += ret && ret != -EEXIST;
	}
	return NULL;
}

TEST_F(parallel, of_the_same_range_one_wins_and_the_others_are_eexist)
{
	struct worker workers[THREADS];
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	run(workers, &self->w, self->mem, map_the_same_range);
	EXPECT_EQ(ROUNDS, total(workers));
	EXPECT_EQ(0, oddities(workers));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(ROUNDS * MEM_SIZE, done);
}

static void *map_up_to_the_limit(void *arg)
{
	struct worker *me = arg;
	unsigned int i;
	int ret;

	for (i = 0; i < ROUNDS; i++) {
		ret = dma_map(me->w->container,
			      IOVA + me->nr * GIB + i * 2 * PAGE, me->mem,
			      PAGE, DMA_RW);
		me->good += !ret;
		me->odd += ret && ret != -ENOMEM;
	}
	return NULL;
}

TEST_F(parallel, together_they_reach_the_limit_and_do_not_pass_it)
{
	const unsigned int limit = 2 * ROUNDS + 7;
	struct worker workers[THREADS];

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(limit));
	run(workers, &self->w, self->mem, map_up_to_the_limit);
	EXPECT_EQ(limit, total(workers));
	EXPECT_EQ(0, oddities(workers));
	EXPECT_EQ(self->w.locked + limit, locked_pages());
}

/* Two map, two unmap all; what is unmapped must add up to what was mapped. */
static void *map_or_unmap_all(void *arg)
{
	struct worker *me = arg;
	unsigned int i;
	__u64 done;
	int ret;

	for (i = 0; i < ROUNDS; i++) {
		if (me->nr % 2) {
			ret = dma_unmap_all(me->w->container, &done);
			me->good += done / PAGE;
			me->odd += ret != 0;
		} else {
			ret = dma_map(me->w->container, IOVA + me->nr * GIB +
				      i % 7 * 4 * PAGE, me->mem, 4 * PAGE,
				      DMA_RW);
			me->good += ret ? 0 : 4;
			me->odd += ret && ret != -EEXIST;
		}
		sched_yield();
	}
	return NULL;
}

TEST_F(parallel, what_was_mapped_is_what_was_unmapped)
{
	struct worker workers[THREADS];
	unsigned int mapped, unmapped;
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	run(workers, &self->w, self->mem, map_or_unmap_all);
	EXPECT_EQ(0, oddities(workers));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	mapped = workers[0].good + workers[2].good;
	unmapped = workers[1].good + workers[3].good + done / PAGE;
	EXPECT_EQ(mapped, unmapped);
	EXPECT_LT(0, mapped);
}

/* One moves a group in and out, the others map, unmap and ask. */
static void *map_while_groups_move(void *arg)
{
	struct worker *me = arg;
	struct info info;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ROUNDS; i++) {
		if (!me->nr && i % 2)
			ret = group_leave(me->w->slot[1].group);
		else if (!me->nr)
			ret = world_join(me->w, 1);
		else if (me->nr == 1)
			ret = info_get(me->w->container, &info);
		else if (i % 2)
			ret = dma_unmap(me->w->container, IOVA + me->nr * GIB,
					MEM_SIZE, 0, NULL);
		else
			ret = dma_map(me->w->container, IOVA + me->nr * GIB,
				      me->mem, MEM_SIZE, DMA_RW);
		me->odd += ret != 0;
		sched_yield();
	}
	return NULL;
}

TEST_F(parallel, groups_come_and_go_while_others_map)
{
	struct worker workers[THREADS];

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	run(workers, &self->w, self->mem, map_while_groups_move);
	EXPECT_EQ(0, oddities(workers));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

/*
 * One closes the container under the others: their calls may fail in any way
 * that says so, but nothing is left and nobody dies.
 */
static void *use_until_it_ends(void *arg)
{
	struct worker *me = arg;
	unsigned int i;
	int ret;

	if (!me->nr) {
		usleep(3000);
		ret = group_leave(me->w->slot[0].group);
		me->odd += ret != 0;
		return NULL;
	}
	for (i = 0; i < ROUNDS; i++) {
		ret = dma_map(me->w->container, IOVA + me->nr * GIB +
			      i * MEM_SIZE, me->mem, MEM_SIZE, DMA_RW);
		me->odd += ret && ret != -EINVAL;
		me->good += !ret;
	}
	return NULL;
}

/* Only ours: the VFIO core lets type1's calls run into freed memory. */
/* More than one call of the engine takes out in a turn. */
enum { CROWD = 40000, CUT = 2 * CROWD };

/* While all below CUT is being unmapped: a mapping that reaches beyond it. */
static void *straddle(void *arg)
{
	struct worker *me = arg;
	__u64 at = IOVA + (CUT - 1) * PAGE, done;
	int fd = me->w->container;

	/* under way when its first mapping is gone */
	while (dma_map(fd, IOVA + PAGE, me->mem, PAGE, DMA_RW))
		;
	while (!me->good && !me->odd) {
		dma_unmap(fd, at, PAGE, 0, NULL);
		if (dma_map(fd, at, me->mem, 2 * PAGE, DMA_RW))
			continue;
		usleep(200000);
		done = 0;
		if (!dma_unmap(fd, at, 2 * PAGE, 0, &done) && done == 2 * PAGE)
			me->good++;
		else
			me->odd++;
	}
	return NULL;
}

TEST_F(parallel, unmap_takes_no_mapping_that_reaches_out_of_its_range)
{
	struct worker other = { .w = &self->w, .mem = self->mem };
	__u64 done = 0;
	unsigned int i;

	if (!self->w.mode->v2)
		SKIP(return, "type id 1 unmaps beyond the range");
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(0, dma_map(self->w.container, IOVA + (2 * i + 1) * PAGE,
				     self->mem, PAGE, DMA_RW));
	pthread_create(&other.thread, NULL, straddle, &other);
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, CUT * PAGE, 0, &done));
	pthread_join(other.thread, NULL);
	EXPECT_EQ(0, other.odd);
	EXPECT_GE(CROWD * PAGE, done);
}

#define WORLD ending
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

TEST_F(ending, the_last_group_leaves_under_calls)
{
	struct worker workers[THREADS];
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, world_set_up(&self->w, 1));
		run(workers, &self->w, self->mem, use_until_it_ends);
		EXPECT_EQ(0, oddities(workers));
		world_close_group(&self->w, 0);
		world_close_container(&self->w);
		ASSERT_EQ(NULL, world_leak(&self->w))
			TH_LOG("%s", self->w.why);
	}
}

TEST_HARNESS_MAIN
