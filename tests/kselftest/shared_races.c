// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers that map and unmap the same memory in parallel, while another thread puts other pages
 * there: each pin and each charge is given back exactly once.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

enum { MAPPERS = 3, ROUNDS = 150, HUGE_POOL = 16, PARTS = SOME / PART };

#define WORLD shared
#define WORLD_GROUPS MAPPERS
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

struct racer {
	pthread_t thread;
	unsigned int seed;
	int container;
	char *mem;
	bool huge;
	int ret;
};

static volatile bool over;

/* What a failed map may say: a page was gone for a moment, or could not be had. */
static bool is_excused(int ret)
{
	return ret == -EFAULT || ret == -ENOMEM || ret == -EBUSY;
}

/* Maps a part of the memory, at random, and unmaps it. */
static int race_once(struct racer *me)
{
	unsigned int first = rand_r(&me->seed) % PARTS;
	unsigned int nr = 1 + rand_r(&me->seed) % (PARTS - first);
	__u64 shift = rand_r(&me->seed) % 2 ? 0 : 77 * PAGE, done = 0;
	__u64 size = nr * PART - shift;
	int ret;

	if (size < PART)
		return 0;
	ret = dma_map(containers[me->container], FAR, me->mem + first * PART + shift, size, DMA_RW);
	if (ret)
		return is_excused(ret) ? 0 : ret;
	ret = dma_unmap(containers[me->container], FAR, size, 0, &done);
	return ret || done == size ? ret : -ENODATA;
}

static void *race(void *arg)
{
	struct racer *me = arg;
	int i;

	for (i = 0; i < ROUNDS && !me->ret; i++)
		me->ret = race_once(me);
	return NULL;
}

/* Puts other pages at some of the addresses. */
static void *change(void *arg)
{
	struct racer *me = arg;
	int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
		   (me->huge ? MAP_HUGETLB : MAP_POPULATE);

	while (!over) {
		char *at = me->mem + rand_r(&me->seed) % PARTS * PART;

		if (!me->huge && rand_r(&me->seed) % 2)
			madvise(at + rand_r(&me->seed) % PART / PAGE * PAGE, PAGE, MADV_DONTNEED);
		else if (rand_r(&me->seed) % 2)
			mprotect(at, PART, PROT_READ);
		else
			mprotect(at, PART, PROT_READ | PROT_WRITE);
		if (!(rand_r(&me->seed) % 4) &&
		    mmap(at, PART, PROT_READ | PROT_WRITE, kind, -1, 0) == MAP_FAILED)
			me->ret = -errno;
		usleep(200);
	}
	return NULL;
}

static void race_all(struct __test_metadata *_metadata, struct world *w, char *mem, bool huge)
{
	struct racer racer[MAPPERS + 1] = {};
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(w, MAPPERS));
	for (i = 0; i <= MAPPERS; i++)
		racer[i] = (struct racer){ .seed = i + 1, .container = i, .mem = mem,
					   .huge = huge };
	ASSERT_EQ(0, pthread_create(&racer[MAPPERS].thread, NULL, change, &racer[MAPPERS]));
	for (i = 0; i < MAPPERS; i++)
		ASSERT_EQ(0, pthread_create(&racer[i].thread, NULL, race, &racer[i]));
	for (i = 0; i < MAPPERS; i++)
		pthread_join(racer[i].thread, NULL);
	over = true;
	pthread_join(racer[MAPPERS].thread, NULL);
	for (i = 0; i < MAPPERS; i++)
		EXPECT_EQ(0, racer[i].ret);
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
}

TEST_F(shared, small_pages_that_change)
{
	race_all(_metadata, &self->w, mem_small(SOME), false);
}

TEST_F(shared, huge_pages_that_change)
{
	char *mem;

	ASSERT_EQ(0, hugepages_set(HUGE_POOL));
	mem = mem_hugetlb(SOME);
	race_all(_metadata, &self->w, mem, true);
	ASSERT_EQ(0, munmap(mem, SOME));
	ASSERT_EQ(0, hugepages_set(0));
}

/* Nobody changes anything: all that two have at a time is charged once. */
TEST_F(shared, memory_that_stays)
{
	struct racer racer[MAPPERS] = {};
	char *mem = mem_small(SOME);
	int i;

	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	ASSERT_EQ(0, dma_map(containers[0], 2 * FAR, mem, SOME, DMA_RW));
	for (i = 0; i < MAPPERS; i++) {
		racer[i] = (struct racer){ .seed = i + 1, .container = i, .mem = mem };
		ASSERT_EQ(0, pthread_create(&racer[i].thread, NULL, race, &racer[i]));
	}
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(self->w.locked + PAGES, locked_pages());
		usleep(1000);
	}
	for (i = 0; i < MAPPERS; i++)
		pthread_join(racer[i].thread, NULL);
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	ASSERT_EQ(0, dma_unmap_all(containers[0], NULL));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

TEST_HARNESS_MAIN
