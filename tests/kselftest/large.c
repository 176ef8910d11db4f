// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings that are too large for one step of the kernel: what holds for a few
 * pages holds for them, also at the seams and when they fail half-way.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

/* Our own steps are 128 MiB when pinning and 512 MiB when unpinning. */
#define HUGE_SIZE (640 * MIB)
#define HUGE_PAGES ((long)(HUGE_SIZE / PAGE))
#define LARGE_SIZE (160 * MIB)
#define LARGE_PAGES ((long)(LARGE_SIZE / PAGE))
#define FAR (16 * GIB)

#define THERE_SIZE (128 * MIB)

enum { KILLS = 4, KILL_WITHIN_US = 100000, STOPS = 8 };

#define WORLD large
#define WORLD_GROUPS 2
#define WORLD_V2_ONLY
#include "world_fixture.h"

static int map(struct world *w, const void *mem, __u64 size)
{
	return dma_map(w->container, FAR, mem, size, DMA_RW);
}

/* Huge pages that nobody has touched: the mapping populates them. */
static char *huge_pages(size_t size)
{
	char *mem = mem_untouched(size);

	if (mem && madvise(mem, size, MADV_HUGEPAGE))
		return NULL;
	return mem;
}

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void holds(struct __test_metadata *_metadata, struct world *w,
		  long pages)
{
	EXPECT_EQ(w->locked + pages, locked_pages());
	EXPECT_EQ(w->pinned + pages, pinned_pages());
}

TEST_F(large, huge_mapping_comes_and_goes_exactly)
{
	char *mem = huge_pages(HUGE_SIZE);
	__u64 done;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, mem, HUGE_SIZE));
	holds(_metadata, &self->w, HUGE_PAGES);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(HUGE_SIZE, done);
	holds(_metadata, &self->w, 0);
}

/* The device writes over the seam at @at; a second one over the seam at @at2. */
static void seams(struct __test_metadata *_metadata, struct world *w,
		  char *buffer, char *mem, __u64 at, __u64 at2)
{
	struct edu *one = world_edu(w, 0), *two = world_edu(w, 1);

	ASSERT_NE(NULL, one);
	ASSERT_NE(NULL, two);
	at -= EDU_CHUNK / 2;
	at2 -= EDU_CHUNK / 2;
	mem_fill(buffer, EDU_CHUNK, 5);
	edu_start_fetch(one, IOVA);
	edu_start_fetch(two, IOVA);
	ASSERT_EQ(0, edu_wait(one));
	ASSERT_EQ(0, edu_wait(two));
	edu_start_store(one, FAR + at);
	edu_start_store(two, FAR + at2);
	ASSERT_EQ(0, edu_wait(one));
	ASSERT_EQ(0, edu_wait(two));
	EXPECT_TRUE(mem_is(mem + at, EDU_CHUNK, 5));
	EXPECT_TRUE(mem_is(mem + at2, EDU_CHUNK, 5));
}

TEST_F(large, seams_between_huge_pages_are_reached)
{
	char *mem = huge_pages(LARGE_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	/* at an odd place, so that runs and IOMMU pages do not coincide */
	ASSERT_EQ(0, map(&self->w, mem + 3 * PAGE, LARGE_SIZE - 3 * PAGE));
	seams(_metadata, &self->w, self->mem, mem + 3 * PAGE, 128 * MIB,
	      130 * MIB);
}

TEST_F(large, small_pages_come_and_go_exactly_and_their_seams_are_reached)
{
	char *mem = mem_untouched(LARGE_SIZE);
	__u64 done;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, mem, LARGE_SIZE));
	holds(_metadata, &self->w, LARGE_PAGES);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	seams(_metadata, &self->w, self->mem, mem, 2 * MIB, 128 * MIB);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(LARGE_SIZE + MEM_SIZE, done);
	holds(_metadata, &self->w, 0);
}

TEST_F(large, hole_near_the_end_is_efault_leaves_nothing_and_can_be_filled)
{
	char *mem = huge_pages(LARGE_SIZE);
	char *hole = mem + LARGE_SIZE - 2 * MIB;
	__u64 done;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mprotect(hole, PAGE, PROT_NONE));
	/* not from its start, so that the first batch of pins ends within a huge page */
	EXPECT_EQ(-EFAULT, map(&self->w, mem + PAGE, LARGE_SIZE - PAGE));
	holds(_metadata, &self->w, 0);
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(0, done);
	ASSERT_EQ(0, mprotect(hole, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, map(&self->w, mem, LARGE_SIZE));
	holds(_metadata, &self->w, LARGE_PAGES);
}

TEST_F(large, limit_near_the_end_is_enomem_and_leaves_nothing)
{
	char *mem = huge_pages(LARGE_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(LARGE_PAGES - 1));
	EXPECT_EQ(-ENOMEM, map(&self->w, mem, LARGE_SIZE));
	holds(_metadata, &self->w, 0);
	ASSERT_EQ(0, map(&self->w, mem, LARGE_SIZE - PAGE));
	holds(_metadata, &self->w, LARGE_PAGES - 1);
}

/* More mappings than any step of ours takes at once. */
TEST_F(large, unmap_of_twenty_thousand_mappings_is_exact)
{
	const unsigned int count = 20000;
	unsigned int i;
	__u64 done;

	for (i = 0; i < count; i++)
		ASSERT_EQ(0, dma_map(self->w.container, FAR + i * 2 * PAGE,
				     self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, 19000 * 2 * PAGE, 0,
			       &done));
	EXPECT_EQ(19000 * PAGE, done);
	holds(_metadata, &self->w, 1000);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(1000 * PAGE, done);
}

/* In the child: maps and unmaps for ever. */
static void churn(struct world *w)
{
	char *mem = huge_pages(LARGE_SIZE);

	while (mem) {
		map(w, mem, LARGE_SIZE);
		dma_unmap_all(w->container, NULL);
		madvise(mem, LARGE_SIZE, MADV_DONTNEED);
	}
	_exit(1);
}

TEST_F(large, killed_while_it_maps_leaves_nothing)
{
	unsigned int state = test_seed(), i;
	int status;
	pid_t pid;

	TH_LOG("VIB_SEED=%u", state);
	for (i = 0; i < KILLS; i++) {
		pid = fork();
		if (!pid)
			churn(&self->w);
		ASSERT_LT(0, pid);
		usleep(rand_r(&state) % KILL_WITHIN_US);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		/* the container is ours; what the child had mapped stays */
		ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
		holds(_metadata, &self->w, 0);
	}
}

/*
 * Maps what is there already, again with a signal that ends it on the way: it comes after
 * a quarter of the time that the first one took. (Timers of CPU time are looked at when
 * a call ends.)
 */
static void map_until_it_ends(struct world *w)
{
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec after = { { 0, 0 }, { 0, 0 } };
	char *mem = mem_small(THERE_SIZE);
	long begin, took;
	timer_t timer;

	begin = now_us();
	if (!mem || map(w, mem, THERE_SIZE))
		_exit(2);
	took = now_us() - begin;
	if (dma_unmap_all(w->container, NULL))
		_exit(2);
	after.it_value.tv_sec = took / 4 / 1000000;
	after.it_value.tv_nsec = took / 4 % 1000000 * 1000;
	if (timer_create(CLOCK_MONOTONIC, &kill, &timer) ||
	    timer_settime(timer, 0, &after, NULL))
		_exit(2);
	_exit(map(w, mem, THERE_SIZE) ? 1 : 0);
}

/* Pinning pages that are there never sleeps, so it has to look for signals. */
TEST_F(large, killed_while_it_maps_what_is_there_it_stops)
{
	unsigned int i, stopped = 0;
	__u64 left;
	int status;
	pid_t pid;

	for (i = 0; i < STOPS && !stopped; i++) {
		pid = fork();
		if (!pid)
			map_until_it_ends(&self->w);
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status) || !WEXITSTATUS(status));
		ASSERT_EQ(0, dma_unmap_all(self->w.container, &left));
		TH_LOG("status %#x, %llu KiB mapped", status, left / 1024);
		stopped += WIFSIGNALED(status) && !left;
	}
	EXPECT_EQ(1, stopped);
	holds(_metadata, &self->w, 0);
}

/* Of 2,000 pieces of one huge page, each with pins of its own: a few words, however many pages. */
TEST_F(large, a_mapping_of_huge_pages_takes_little_memory)
{
	enum { PIECES = 2000, SIZE = 2 * MIB - PAGE };
	char *mem = mem_thp(2 * MIB);
	long before, grown;
	unsigned int i;

	ASSERT_NE(NULL, mem);
	before = file_keyed_long("/proc/meminfo", "SUnreclaim:");
	for (i = 0; i < PIECES; i++)
		ASSERT_EQ(0, dma_map(self->w.container, FAR + i * 2 * MIB, mem, SIZE, DMA_RW));
	grown = file_keyed_long("/proc/meminfo", "SUnreclaim:") - before;
	TH_LOG("%ld KiB", grown);
	EXPECT_GT(PIECES, grown);
}

TEST_HARNESS_MAIN
