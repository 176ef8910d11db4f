// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that fault untouched memory in ahead of a MAP: when there are some, when there
 * must be none, and that the memory is what it would be without. What they did is seen in
 * the tracepoint vib_populate. Needs two CPUs.
 */
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"
#include "lib/crew.h"
#include "lib/node.h"
#include "lib/trace.h"

#define SIZE (320 * MIB)
#define PAGES ((long)(SIZE / PAGE))
#define SMALL (192 * MIB)
#define LARGE (640 * MIB)

/* Work that takes the caller less has no helper; one that is a thread of the process costs less. */
enum { PAYS_MS = 100, THREAD_PAYS_MS = 8 };
#define TOO_FAST "this machine is so fast that a helper may not pay"

#define WORLD populate
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

static int map(struct world *w, const void *mem, __u64 size)
{
	return dma_map(w->container, IOVA, mem, size, DMA_RW);
}

/*
 * Maps with two threads, which takes @took ms, and unmaps. Return: how many maps had helpers, or
 * -errno.
 */
static int helped_for(struct world *w, const void *mem, __u64 size, int prot, long *took)
{
	long began;
	int ret, nr;

	ret = crew_threads(2);
	if (!ret)
		ret = trace_start();
	began = now_ms();
	if (!ret)
		ret = dma_map(w->container, IOVA, mem, size, prot);
	*took = now_ms() - began;
	nr = trace_count("vib_populate:", "helpers=1 ");
	if (!ret)
		ret = dma_unmap(w->container, IOVA, size, 0, NULL);
	trace_stop();
	crew_threads(1);
	return ret ? ret : nr;
}

static int helped(struct world *w, const void *mem, __u64 size, int prot)
{
	long took;

	return helped_for(w, mem, size, prot, &took);
}

/*
 * A machine may be so fast that a helper would not pay; pinning, and what the host takes away, are
 * in the time, too. Return: false then, with nothing expected.
 */
static bool expect_helped(struct __test_metadata *_metadata, struct world *w, const void *mem,
			  __u64 size)
{
	long took, pays = crew_is_of_threads() ? THREAD_PAYS_MS : PAYS_MS;
	int nr = helped_for(w, mem, size, DMA_RW, &took);

	TH_LOG("%llu MiB: %ld ms, %d maps with a helper", size / MIB, took, nr);
	if (!nr && took < 2 * pays)
		return false;
	EXPECT_EQ(1, nr);
	return true;
}

static void use_two_cpus(struct __test_metadata *_metadata)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one CPU only");
	ASSERT_EQ(0, crew_threads(2));
}

TEST_F(populate, default_is_none_where_they_are_no_threads_of_the_process)
{
	EXPECT_EQ(crew_is_of_threads() ? 0 : 1, backend_param(BACKEND_BATCH, "map_threads"));
}

TEST_F(populate, untouched_memory_is_populated_by_all_and_pinned_exactly)
{
	char *mem = mem_untouched(SIZE);
	struct edu *edu = world_edu(&self->w, 0);

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, map(&self->w, mem, SIZE));
	EXPECT_EQ(1, trace_count("vib_populate:", "helpers=1 "));
	trace_stop();
	EXPECT_TRUE(crew_is_gone());
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + PAGES, pinned_pages());
	mem_fill(mem, EDU_CHUNK, 7);
	edu_start_fetch(edu, IOVA);
	ASSERT_EQ(0, edu_wait(edu));
	edu_start_store(edu, IOVA + SIZE - EDU_CHUNK);
	ASSERT_EQ(0, edu_wait(edu));
	EXPECT_TRUE(mem_is(mem + SIZE - EDU_CHUNK, EDU_CHUNK, 7));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE, 0, NULL));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
	mem_free(mem, SIZE);
}

TEST_F(populate, shared_memory_is_populated_too)
{
	char *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool judged;

	use_two_cpus(_metadata);
	ASSERT_NE(MAP_FAILED, mem);
	judged = expect_helped(_metadata, &self->w, mem, SIZE);
	munmap(mem, SIZE);
	if (!judged)
		SKIP_TEST(TOO_FAST);
}

/* Large, for the kernel is quick with huge pages. */
TEST_F(populate, transparent_huge_pages_are_populated_too)
{
	char *mem = mem_aligned(LARGE);
	bool judged;

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, madvise(mem, LARGE, MADV_HUGEPAGE));
	judged = expect_helped(_metadata, &self->w, mem, LARGE);
	mem_free(mem, LARGE);
	if (!judged)
		SKIP_TEST(TOO_FAST);
}

TEST_F(populate, huge_pages_of_hugetlb_are_populated_too)
{
	long before = hugepages_get();
	char *mem;
	bool judged;

	use_two_cpus(_metadata);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, hugepages_set(before + LARGE / HUGE_2M));
	mem = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		   -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	judged = expect_helped(_metadata, &self->w, mem, LARGE);
	EXPECT_EQ(0, helped(&self->w, mem, LARGE, DMA_RW));
	munmap(mem, LARGE);
	EXPECT_EQ(0, hugepages_set(before));
	if (!judged)
		SKIP_TEST(TOO_FAST);
}

/* Each kind needs no helper, or must not have one. */
TEST_F(populate, memory_that_is_there_gets_no_helper)
{
	char *mem = mem_small(SIZE);

	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	mem_free(mem, SIZE);
}

TEST_F(populate, small_maps_and_maps_to_read_get_no_helper)
{
	char *mem = mem_untouched(SIZE);

	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, helped(&self->w, mem, SMALL, DMA_RW));
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_READ));
	mem_free(mem, SIZE);
}

TEST_F(populate, single_pages_that_are_missing_get_no_helper)
{
	char *mem = mem_small(SIZE);

	ASSERT_NE(NULL, mem);
	madvise(mem, PAGE, MADV_DONTNEED);
	madvise(mem + SIZE / 2, PAGE, MADV_DONTNEED);
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	mem_free(mem, SIZE);
}

/* CPUs that a process of this machine may use, without those that are isolated. */
static long usable_cpus(void)
{
	cpu_set_t all;

	return sched_getaffinity(0, sizeof(all), &all) ? -1 : CPU_COUNT(&all);
}

static long least(long a, long b)
{
	return a < b ? a : b;
}

/* All calls together have half of the machine's CPUs, and one at least. */
TEST_F(populate, none_given_is_as_many_threads_as_cpus)
{
	long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;
	long expected = least(usable_cpus() - 1, half ?: 1);
	char *mem = mem_untouched(LARGE);
	char words[32];

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, crew_threads(0));
	snprintf(words, sizeof(words), "helpers=%ld ", least(expected, 15));
	ASSERT_EQ(0, trace_start());
	EXPECT_EQ(0, map(&self->w, mem, LARGE));
	EXPECT_EQ(expected > 0, trace_count("vib_populate:", words));
	trace_stop();
	EXPECT_EQ(0, crew_threads(1));
	EXPECT_EQ(self->w.pinned + (long)(LARGE / PAGE), pinned_pages());
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, LARGE, 0, NULL));
	EXPECT_TRUE(crew_is_gone());
	mem_free(mem, LARGE);
}

TEST_F(populate, one_thread_is_none_beside_the_caller)
{
	char *mem = mem_untouched(SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, crew_threads(1));
	ASSERT_EQ(0, trace_start());
	EXPECT_EQ(0, map(&self->w, mem, SIZE));
	EXPECT_EQ(0, trace_count("vib_populate:", ""));
	trace_stop();
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE, 0, NULL));
	mem_free(mem, SIZE);
}

/* Maps new memory on CPUs from @first to @last only, itself on @first. Return: as helped(). */
static int helped_on(struct world *w, int first, int last)
{
	char *mem = mem_untouched(SIZE);
	cpu_set_t all, some;
	int ret;

	CPU_ZERO(&some);
	CPU_SET(first, &some);
	if (!mem || sched_getaffinity(0, sizeof(all), &all) ||
	    sched_setaffinity(0, sizeof(some), &some))
		return -EINVAL;
	while (++first <= last)
		CPU_SET(first, &some);
	if (sched_setaffinity(0, sizeof(some), &some))
		return -EINVAL;
	ret = helped(w, mem, SIZE, DMA_RW);
	sched_setaffinity(0, sizeof(all), &all);
	mem_free(mem, SIZE);
	return ret;
}

/* The mode isolated has four CPUs, of which isolcpus= isolates the last two. */
TEST_F(populate, helpers_stay_off_isolated_cpus)
{
	char isolated[64] = "";

	file_read("/sys/devices/system/cpu/isolated", isolated, sizeof(isolated));
	if (strncmp(isolated, "2-3", 3))
		SKIP_TEST("CPUs 2 and 3 are not isolated");
	EXPECT_EQ(1, helped_on(&self->w, 0, 1));
	EXPECT_EQ(0, helped_on(&self->w, 2, 3));
	/* One CPU that is not isolated is the caller's own. */
	EXPECT_EQ(0, helped_on(&self->w, 1, 3));
}

TEST_F(populate, caller_in_real_time_has_no_helper)
{
	struct sched_param param = { .sched_priority = 1 };
	char *mem = mem_untouched(SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	param.sched_priority = 0;
	EXPECT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &param));
	mem_free(mem, SIZE);
}

TEST_F(populate, caller_that_may_use_one_cpu_has_no_helper_elsewhere)
{
	char *mem = mem_untouched(SIZE);
	cpu_set_t all, one;

	ASSERT_NE(NULL, mem);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	mem_free(mem, SIZE);
}

/* By helpers as well, or there are none. */
TEST_F(populate, callers_memory_policy_is_obeyed)
{
	char *mem = mem_untouched(SIZE);
	unsigned long second = 2;

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	if (!node_exists(1))
		SKIP_TEST("this machine has one memory node");
	ASSERT_EQ(0, syscall(SYS_set_mempolicy, MPOL_BIND, &second, 8 * sizeof(second)));
	EXPECT_LE(0, helped(&self->w, mem, SIZE, DMA_RW));
	EXPECT_EQ(PAGES, node_pages(mem, SIZE, 1));
	EXPECT_EQ(0, syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	mem_free(mem, SIZE);
}

TEST_F(populate, policy_of_the_memory_is_obeyed_by_all)
{
	char *mem = mem_untouched(SIZE);
	unsigned long second = 2;
	bool judged;

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	if (!node_exists(1))
		SKIP_TEST("this machine has one memory node");
	ASSERT_EQ(0, syscall(SYS_mbind, mem, SIZE, MPOL_BIND, &second, 8 * sizeof(second), 0));
	judged = expect_helped(_metadata, &self->w, mem, SIZE);
	EXPECT_EQ(PAGES, node_pages(mem, SIZE, 1));
	mem_free(mem, SIZE);
	if (!judged)
		SKIP_TEST(TOO_FAST);
}

/* The last page is missing, and only the caller asks for it: the helpers have ended. */
TEST_F(populate, missing_page_is_waited_for_by_the_caller_alone)
{
	struct call call = { .body = call_map, .w = &self->w, .iova = IOVA, .size = SIZE };
	struct blocking_mem b;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, blocking_mem_open_part(&b, SIZE, SIZE - PAGE, PAGE));
	ASSERT_EQ(0, madvise(b.mem, SIZE - PAGE, MADV_DONTNEED));
	call.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&call, &b));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(self->w.pinned + PAGES, pinned_pages());
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE, 0, NULL));
	blocking_mem_close(&b);
}

TEST_F(populate, limit_is_as_exact_as_with_one_thread)
{
	char *mem = mem_untouched(SIZE);

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(PAGES - 1));
	ASSERT_EQ(0, trace_start());
	EXPECT_EQ(-ENOMEM, map(&self->w, mem, SIZE));
	EXPECT_EQ(0, trace_count("vib_populate:", ""));
	trace_stop();
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
	EXPECT_TRUE(crew_is_gone());
	madvise(mem, SIZE, MADV_DONTNEED);
	EXPECT_EQ(0, map(&self->w, mem, SIZE - PAGE));
	EXPECT_EQ(self->w.pinned + PAGES - 1, pinned_pages());
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE - PAGE, 0, NULL));
	mem_free(mem, SIZE);
}

TEST_HARNESS_MAIN
