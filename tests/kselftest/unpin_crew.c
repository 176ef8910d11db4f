// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that unpin with the caller of UNMAP_DMA: when there are some, when there must be none,
 * and that all pages are given back as without. What they did is seen in the tracepoint vib_unpin.
 * Most needs two CPUs.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/crew.h"
#include "lib/trace.h"

#define KEPT (128 * MIB)
#define LITTLE (64 * MIB)	/* the least for which helpers may come at all */

enum { PAGE_DIRTY = 4, LITTLE_MS = 8, TRIES = 5 };

#define WORLD unpin_crew
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"
#include "unpin_fixture.h"

/* Return: how many unmaps had helpers since the trace began; -errno. */
static int helped(void)
{
	int all = trace_count("vib_unpin:", ""), none = trace_count("vib_unpin:", "helpers=0 ");

	return all < 0 ? all : none < 0 ? none : all - none;
}

/*
 * Maps memory, gives it up, and unmaps with so many threads. Return: how many unmaps had helpers,
 * or -errno.
 */
static int helped_with(struct world *w, char *mem, long threads)
{
	int ret, nr;

	ret = map_given_up(w, mem);
	if (!ret)
		ret = trace_start();
	if (!ret)
		ret = crew_threads(threads);
	if (!ret)
		ret = unmap(w);
	nr = helped();
	trace_stop();
	crew_threads(1);
	return ret ? ret : nr;
}

static void use_slow_machine(struct __test_metadata *_metadata, struct world *w,
			     char *(*alloc)(size_t size))
{
	int slow = is_slow(w, alloc);

	ASSERT_LE(0, slow);
	if (!slow)
		SKIP_TEST(TOO_FAST);
}

static void expect_all_given_back(struct __test_metadata *_metadata, struct world *w)
{
	EXPECT_TRUE(crew_is_gone());
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
}

/*
 * Maps memory that stays, unmaps it with two threads, which takes @took ms. Return: the unmaps
 * that called helpers.
 */
static int called_for(struct world *w, const char *mem, size_t size, long *took)
{
	long began;
	int ret, nr;

	ret = dma_map(w->container, IOVA, mem, size, DMA_RW);
	if (!ret)
		ret = trace_start();
	if (!ret)
		ret = crew_threads(2);
	began = now_ms();
	if (!ret)
		ret = dma_unmap(w->container, IOVA, size, 0, NULL);
	*took = now_ms() - began;
	nr = trace_count("vib_unpin:", "");
	trace_stop();
	crew_threads(1);
	return ret ? ret : nr;
}

/* They take no time. Comes first: the others leave no free memory in large pieces. */
TEST_F(unpin_crew, huge_pages_have_no_helper)
{
	char *mem = mem_hugetlb(KEPT);
	long took;

	use_two_cpus(_metadata);
	if (!mem)
		SKIP_TEST("no huge pages");
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	EXPECT_EQ(0, called_for(&self->w, mem, KEPT, &took));
	expect_all_given_back(_metadata, &self->w);
	mem_free(mem, KEPT);
}

/* So few, that is, and in so many pieces that helpers could come between two. */
TEST_F(unpin_crew, pages_that_take_little_time_have_no_helper)
{
	char *mem = mem_strided(LITTLE);
	long took, least = LITTLE_MS;
	int i, nr, called = 0;

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	/* The host takes CPUs away, too: what the fastest had is the machine's pace. */
	for (i = 0; i < TRIES; i++) {
		nr = called_for(&self->w, mem, LITTLE, &took);
		ASSERT_LE(0, nr);
		TH_LOG("%ld ms, %d called helpers", took, nr);
		if (took < least) {
			least = took;
			called = nr;
		}
	}
	/* A helper comes only if unpinning the first half took 8 ms or more. */
	if (least == LITTLE_MS)
		SKIP_TEST("this machine unpins so slowly that a helper pays");
	EXPECT_EQ(0, called);
	expect_all_given_back(_metadata, &self->w);
	mem_free(mem, LITTLE);
}

TEST_F(unpin_crew, scattered_pages_are_unpinned_by_all)
{
	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	use_slow_machine(_metadata, &self->w, mem_strided);
	EXPECT_EQ(1, helped_with(&self->w, mem_strided(SIZE), 2));
	expect_all_given_back(_metadata, &self->w);
	EXPECT_EQ(1, helped_with(&self->w, mem_strided(SIZE), 0));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, runs_of_small_pages_are_unpinned_by_all)
{
	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	use_slow_machine(_metadata, &self->w, mem_small);
	EXPECT_EQ(1, helped_with(&self->w, mem_small(SIZE), 2));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, one_thread_has_no_helper)
{
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	EXPECT_EQ(0, helped_with(&self->w, mem_strided(SIZE), 1));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, caller_that_may_use_one_cpu_has_no_helper_elsewhere)
{
	cpu_set_t all, one;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	EXPECT_EQ(0, helped_with(&self->w, mem_strided(SIZE), 2));
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, caller_in_real_time_has_no_helper)
{
	struct sched_param param = { .sched_priority = 1 };

	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	EXPECT_EQ(0, helped_with(&self->w, mem_strided(SIZE), 2));
	param.sched_priority = 0;
	EXPECT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &param));
	expect_all_given_back(_metadata, &self->w);
}

/* How many pages the kernel has marked dirty; -1 if it cannot be told. */
static long dirty_pages(const char *mem, size_t size)
{
	int fd = open("/proc/kpageflags", O_RDONLY);
	__u64 flags;
	long nr = 0;
	size_t at;

	if (fd < 0)
		return -1;
	for (at = 0; at < size; at += PAGE) {
		if (pread(fd, &flags, sizeof(flags), mem_frame(mem + at) * sizeof(flags)) !=
		    sizeof(flags))
			break;
		nr += flags >> PAGE_DIRTY & 1;
	}
	close(fd);
	return at < size ? -1 : nr;
}

/* Anonymous memory is dirty in page tables only, until somebody says that he may have written. */
TEST_F(unpin_crew, what_a_device_may_have_written_is_dirty)
{
	char *mem = mem_strided(KEPT);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, crew_threads(2));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, KEPT, DMA_READ));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, KEPT, 0, NULL));
	EXPECT_EQ(0, dirty_pages(mem, KEPT));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, KEPT, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, KEPT, 0, NULL));
	EXPECT_EQ((long)(KEPT / PAGE), dirty_pages(mem, KEPT));
	crew_threads(1);
	mem_free(mem, KEPT);
}

TEST_HARNESS_MAIN
