// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables that grow while others are filled: AMD-Vi's begin with three levels
 * and get another when the first IOVA beyond 512 GiB comes, beyond 256 TiB, and so
 * on. Drivers (v5.11 to v6.16 and later in some series) let nobody else look
 * meanwhile only where their caller sees to it: else a map fails with ENOMEM, or
 * enters pages at another address. So a map must not fail because of what another
 * thread does. Windows are short: with one CPU this finds nothing, with `run --iommu
 * amd --smp 2 --parallel` the backend that does not take care fails in seconds.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"

enum { ROUNDS = 60, FILL = 2 * MIB };

/* The first IOVA that each further level is needed for. */
static const __u64 heights[] = { 1ULL << 39, 1ULL << 48, 1ULL << 57 };

#define HEIGHTS (sizeof(heights) / sizeof(heights[0]))

#define WORLD deep
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* What is at work in low addresses. */
struct filler {
	struct world *w;
	char *mem;		/* FILL bytes, each page an entry of its own */
	pthread_t thread;
	unsigned int fills;
	unsigned int odd;	/* maps or unmaps that failed */
	int error;		/* of the first of them */
	bool stop;
};

static void note_failure(struct filler *me, int ret)
{
	if (!ret)
		return;
	me->error = me->odd++ ? me->error : ret;
}

static void *fill_and_empty(void *arg)
{
	struct filler *me = arg;
	__u64 size;

	while (!__atomic_load_n(&me->stop, __ATOMIC_ACQUIRE)) {
		note_failure(me, dma_map(me->w->container, 16 * MIB, me->mem, FILL, DMA_RW));
		note_failure(me, dma_unmap(me->w->container, 16 * MIB, FILL, 0, &size));
		__atomic_add_fetch(&me->fills, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Waits until the filler is somewhere in its next turn. */
static void wait_for_turn(struct filler *filler)
{
	unsigned int seen = __atomic_load_n(&filler->fills, __ATOMIC_ACQUIRE);
	unsigned int spins = rand() % 100000;

	while (__atomic_load_n(&filler->fills, __ATOMIC_ACQUIRE) == seen)
		sched_yield();
	while (spins--)
		__asm__ volatile("" ::: "memory");
}

/* One page at each height that is allowed: how many were, or -errno. */
static int grow(struct filler *filler, char *page)
{
	struct info info;
	unsigned int i;
	int ret;

	ret = info_get(filler->w->container, &info);
	for (i = 0; !ret && i < HEIGHTS; i++) {
		if (!info_inside(&info, heights[i], heights[i] + PAGE - 1))
			break;
		wait_for_turn(filler);
		ret = dma_map(filler->w->container, heights[i], page, PAGE, DMA_RW);
	}
	return ret ? ret : (int)i;
}

/* One domain from its first level to its last; how many were added, or -errno. */
static int round_of(struct world *w, char *mem, char *page, struct filler *filler)
{
	int ret = world_set_up(w, 1);

	if (ret)
		return ret;
	*filler = (struct filler){ .w = w, .mem = mem };
	pthread_create(&filler->thread, NULL, fill_and_empty, filler);
	ret = grow(filler, page);
	__atomic_store_n(&filler->stop, true, __ATOMIC_RELEASE);
	pthread_join(filler->thread, NULL);
	return ret;
}

TEST_F(deep, maps_beside_one_that_adds_a_level_do_not_fail)
{
	char *mem = mem_scattered(FILL);
	struct filler filler;
	unsigned int i;
	int ret;

	ASSERT_NE(NULL, mem);
	srand(test_seed());
	for (i = 0; i < ROUNDS; i++) {
		ret = round_of(&self->w, mem, self->mem, &filler);
		ASSERT_LE(0, ret);
		EXPECT_EQ(0, filler.odd)
			TH_LOG("round %u: %u of %u maps failed, the first with %d", i,
			       filler.odd, filler.fills, filler.error);
		EXPECT_EQ(NULL, world_close(&self->w));
		if (!ret)
			SKIP_TEST("no IOVA here needs a further level");
		if (filler.odd)
			break;
	}
	mem_free(mem, FILL);
}

TEST_HARNESS_MAIN
