// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does one call keep another one waiting? While a thread maps much or
 * takes tens of thousands of mappings away, another one asks for GET_INFO all
 * along, and gets its turns. type1 keeps its lock all along. Only for guests whose
 * clock counts instructions (--icount): what a busy host does to time is not judged.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

/* Some of our turns (CLAIM_MAX of unmap.c is 16384), and within type1's limit. */
enum { CROWD = 50000, ROUNDS = 3 };

#define MUCH (256 * MIB)

#define WORLD latency
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

#define NEED_ICOUNT() do { \
	if (!promised("icount")) \
		SKIP_TEST("instructions are not counted"); \
} while (0)

/* Who asks, and how it goes while the other thread's call is under way. */
struct asker {
	int container;
	volatile bool ready, stop;
	volatile long since;	/* when the other call began; 0: not under way */
	unsigned int answers, failed;
	long longest;		/* wait for an answer since then, in ns */
};

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* No allocation, no user memory that could fault: what it takes is the wait. */
static void *ask(void *arg)
{
	struct asker *me = arg;
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	long begin, since;
	int ret;

	while (!me->stop) {
		info.argsz = sizeof(info);
		begin = now_ns();
		ret = vfio_ioctl(me->container, VFIO_IOMMU_GET_INFO, &info);
		me->ready = true;
		me->failed += ret != 0;
		since = me->since;
		if (!since)
			continue;
		me->answers++;
		if (begin < since)
			begin = since;
		if (now_ns() - begin > me->longest)
			me->longest = now_ns() - begin;
	}
	return NULL;
}

static int map_crowd(const struct world *w, char *mem)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < CROWD; i++)
		ret = dma_map(w->container, IOVA + 2 * i * PAGE, mem, PAGE,
			      DMA_RW);
	return ret;
}

static int unmap_crowd(const struct world *w, char *mem)
{
	(void)mem;
	return dma_unmap(w->container, IOVA, 2 * CROWD * PAGE, 0, NULL);
}

static int take_addresses(const struct world *w, char *mem)
{
	(void)mem;
	return dma_unmap(w->container, IOVA, 2 * CROWD * PAGE, UNMAP_VADDR, NULL);
}

static int map_much(const struct world *w, char *mem)
{
	return dma_map(w->container, IOVA, mem, MUCH, DMA_RW);
}

/* Makes the call while the other one asks; how long it took, or -errno. */
static long meet(struct asker *asker, const struct world *w, char *mem,
		 int (*call)(const struct world *w, char *mem))
{
	pthread_t thread;
	long begin, took;
	int ret;

	*asker = (struct asker){ .container = w->container };
	pthread_create(&thread, NULL, ask, asker);
	while (!asker->ready)
		usleep(100);
	begin = now_ns();
	asker->since = begin;
	ret = call(w, mem);
	took = now_ns() - begin;
	asker->stop = true;
	pthread_join(thread, NULL);
	if (!ret && asker->failed)
		return -EPROTO;
	return ret ? ret : took;
}

/* Did the other one wait for less than one of @parts of the call? */
static bool had_turns(struct __test_metadata *_metadata, const struct world *w,
		      const struct asker *asker, long took, unsigned int parts)
{
	TH_LOG("%s: took %ld us, others waited up to %ld us, %u answers",
	       w->mode->name, took / 1000, asker->longest / 1000,
	       asker->answers);
	return took >= 0 && asker->longest < took / parts;
}

/*
 * The kernel's own work, a timer's for example, only adds to what is waited for: the
 * best of some rounds counts. It is a tenth or less; a sixth if nobody else gets to
 * run while CLAIM_MAX mappings of a page are taken out.
 */
TEST_F(latency, others_have_theirs_while_thousands_are_unmapped)
{
	bool ours = self->w.mode->backend == BACKEND_BATCH, had = false;
	struct asker asker;
	unsigned int i;
	long took;

	NEED_ICOUNT();
	for (i = 0; !had && i < (ours ? ROUNDS : 1); i++) {
		ASSERT_EQ(0, map_crowd(&self->w, self->mem));
		took = meet(&asker, &self->w, NULL, unmap_crowd);
		ASSERT_LE(0, took);
		had = had_turns(_metadata, &self->w, &asker, took, 8);
	}
	EXPECT_TRUE(had || !ours);
}

TEST_F(latency, others_have_theirs_while_much_is_mapped)
{
	bool ours = self->w.mode->backend == BACKEND_BATCH, had = false;
	struct asker asker;
	unsigned int i;
	char *much;
	long took;

	NEED_ICOUNT();
	much = mem_small(MUCH);
	ASSERT_NE(NULL, much);
	for (i = 0; !had && i < (ours ? ROUNDS : 1); i++) {
		took = meet(&asker, &self->w, much, map_much);
		ASSERT_LE(0, took);
		had = had_turns(_metadata, &self->w, &asker, took, 2);
		ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, MUCH, 0, NULL));
	}
	EXPECT_TRUE(had || !ours);
	mem_free(much, MUCH);
}

/* All or nothing, so in one turn; but all that is done in it is a look at each. */
TEST_F(latency, addresses_are_taken_back_in_one_short_turn)
{
	struct asker asker;
	long look, took;

	NEED_ICOUNT();
	NEED_VADDR(self->w.mode);
	ASSERT_EQ(0, map_crowd(&self->w, self->mem));
	look = meet(&asker, &self->w, NULL, take_addresses);
	ASSERT_LE(0, look);
	took = meet(&asker, &self->w, NULL, unmap_crowd);
	ASSERT_LE(0, took);
	TH_LOG("%s: addresses of %u taken back in %ld us, unmapped in %ld us",
	       self->w.mode->name, CROWD, look / 1000, took / 1000);
	EXPECT_LT(look, took);
}

TEST_HARNESS_MAIN
