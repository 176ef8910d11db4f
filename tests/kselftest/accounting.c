// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locked memory: each mapping charges its pages to VmLck, exactly, and
 * RLIMIT_MEMLOCK is hit exactly at the page, unless CAP_IPC_LOCK is held at
 * the time of the mapping. Memory that needs no lock is charged nothing.
 */
#include <sys/mman.h>

#include "fixture.h"
#include "lib/call.h"

#define BIG (256 * MIB)

/* Enough that a timer comes while they are unmapped. */
enum { LONG_PAGES = 4096, ROUNDS = 300 };

#define WORLD accounting
#define WORLD_GROUPS 1
#include "world_fixture.h"

static long charged(const struct world *w)
{
	return locked_pages() - w->locked;
}

static int map(struct world *w, const void *mem, __u64 size, __u32 flags)
{
	return dma_map(w->container, IOVA, mem, size, flags);
}

/* Maps, checks what that charges, unmaps, and checks that it is given back. */
static void charges(struct __test_metadata *_metadata, struct world *w,
		    const void *mem, __u64 size, long pages)
{
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(w, mem, size, DMA_RW));
	EXPECT_EQ(pages, charged(w));
	ASSERT_EQ(0, dma_unmap(w->container, IOVA, size, 0, NULL));
	EXPECT_EQ(0, charged(w));
}

TEST_F(accounting, small_pages_are_charged_each)
{
	charges(_metadata, &self->w, self->mem, PAGE, 1);
	charges(_metadata, &self->w, self->mem, MEM_SIZE, MEM_PAGES);
}

TEST_F(accounting, transparent_huge_page_is_charged_512)
{
	char *mem = mem_thp(2 * HUGE_2M);

	charges(_metadata, &self->w, mem, 2 * HUGE_2M, 1024);
}

TEST_F(accounting, part_of_a_huge_page_is_charged_what_it_is)
{
	char *mem = mem_thp(HUGE_2M);

	ASSERT_NE(NULL, mem);
	charges(_metadata, &self->w, mem + 3 * PAGE, 7 * PAGE, 7);
}

TEST_F(accounting, hugetlb_page_is_charged_512)
{
	char *mem = mem_hugetlb(2 * HUGE_2M);

	charges(_metadata, &self->w, mem, 2 * HUGE_2M, 1024);
}

TEST_F(accounting, memfd_is_charged_each_page)
{
	char *mem = mem_memfd(MEM_SIZE, NULL);

	charges(_metadata, &self->w, mem, MEM_SIZE, MEM_PAGES);
}

TEST_F(accounting, untouched_memory_is_populated_and_charged)
{
	char *mem = mem_untouched(MEM_SIZE);

	charges(_metadata, &self->w, mem, MEM_SIZE, MEM_PAGES);
}

TEST_F(accounting, read_only_mapping_is_charged_too)
{
	ASSERT_EQ(0, map(&self->w, self->mem, MEM_SIZE, DMA_READ));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
}

/*
 * Untouched memory read by a device: up to 6.1 that is the zero page, which
 * nobody pins and nobody is charged for. Since 6.2 the kernel gives the device
 * pages of its own.
 */
TEST_F(accounting, zero_page_is_charged_nothing)
{
	char *mem = mem_untouched(MEM_SIZE);
	long pages = kernel_running() < KERNEL(6, 2) ? 0 : MEM_PAGES;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, mem, MEM_SIZE, DMA_READ));
	EXPECT_EQ(pages, charged(&self->w));
	EXPECT_EQ(pages, pinned_pages() - self->w.pinned);
}

TEST_F(accounting, bar_is_charged_nothing)
{
	struct edu *edu = world_edu(&self->w, 0);

	ASSERT_NE(NULL, edu);
	charges(_metadata, &self->w, edu->bar, edu->bar_size, 0);
}

TEST_F(accounting, page_mapped_twice_is_charged_twice)
{
	int container = self->w.container;

	ASSERT_EQ(0, dma_map(container, IOVA, self->mem, 4 * PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(container, IOVA + MIB, self->mem, 4 * PAGE,
			     DMA_RW));
	EXPECT_EQ(8, charged(&self->w));
	ASSERT_EQ(0, dma_unmap(container, IOVA, 4 * PAGE, 0, NULL));
	EXPECT_EQ(4, charged(&self->w));
}

TEST_F(accounting, failed_map_is_charged_nothing)
{
	ASSERT_EQ(0, munmap(self->mem + 32 * PAGE, PAGE));
	EXPECT_EQ(-EFAULT, map(&self->w, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

TEST_F(accounting, close_gives_everything_back)
{
	ASSERT_EQ(0, map(&self->w, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(NULL, world_close(&self->w));
}

/* From here on: without CAP_IPC_LOCK. */

TEST_F(accounting, limit_is_hit_exactly_at_the_page)
{
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(10));
	EXPECT_EQ(-ENOMEM, map(&self->w, self->mem, 11 * PAGE, DMA_RW));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
	EXPECT_EQ(0, map(&self->w, self->mem, 10 * PAGE, DMA_RW));
	EXPECT_EQ(10, charged(&self->w));
}

TEST_F(accounting, limit_counts_all_mappings)
{
	int container = self->w.container;

	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(10));
	ASSERT_EQ(0, map(&self->w, self->mem, 6 * PAGE, DMA_RW));
	EXPECT_EQ(-ENOMEM, dma_map(container, IOVA + MIB, self->mem, 5 * PAGE,
				   DMA_RW));
	EXPECT_EQ(6, charged(&self->w));
	EXPECT_EQ(0, dma_map(container, IOVA + MIB, self->mem, 4 * PAGE,
			     DMA_RW));
	EXPECT_EQ(-ENOMEM, dma_map(container, IOVA + 2 * MIB, self->mem, PAGE,
				   DMA_RW));
}

TEST_F(accounting, limit_lets_one_page_after_the_other_in)
{
	unsigned int i;

	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(4));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, dma_map(self->w.container, IOVA + i * PAGE, self->mem, PAGE,
				     DMA_RW));
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA + 4 * PAGE, self->mem, PAGE,
				   DMA_RW));
	EXPECT_EQ(4, charged(&self->w));
}

TEST_F(accounting, unmap_makes_room_below_the_limit)
{
	int i;

	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(MEM_PAGES));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, map(&self->w, self->mem, MEM_SIZE, DMA_RW));
		ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	}
}

TEST_F(accounting, limit_is_exact_for_huge_pages)
{
	char *mem = mem_thp(HUGE_2M);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(511));
	EXPECT_EQ(-ENOMEM, map(&self->w, mem, HUGE_2M, DMA_RW));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, map(&self->w, mem, HUGE_2M - PAGE, DMA_RW));
}

TEST_F(accounting, limit_is_exact_for_hugetlb)
{
	char *mem = mem_hugetlb(HUGE_2M);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(511));
	EXPECT_EQ(-ENOMEM, map(&self->w, mem, HUGE_2M, DMA_RW));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, map(&self->w, mem, HUGE_2M - PAGE, DMA_RW));
}

TEST_F(accounting, mlock_and_mappings_share_the_limit)
{
	ASSERT_EQ(0, mlock(self->mem, 8 * PAGE));
	ASSERT_EQ(8, charged(&self->w));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(4));
	EXPECT_EQ(-ENOMEM, map(&self->w, self->mem, 5 * PAGE, DMA_RW));
	EXPECT_EQ(0, map(&self->w, self->mem, 4 * PAGE, DMA_RW));
	EXPECT_EQ(12, charged(&self->w));
	ASSERT_EQ(0, munlock(self->mem, 8 * PAGE));
	EXPECT_EQ(4, charged(&self->w));
}

TEST_F(accounting, capability_lifts_the_limit_but_counts)
{
	ASSERT_EQ(0, limit_locked_pages(0));
	EXPECT_EQ(0, map(&self->w, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
}

TEST_F(accounting, mapping_outlives_the_capability)
{
	ASSERT_EQ(0, limit_locked_pages(0));
	ASSERT_EQ(0, map(&self->w, self->mem, 8 * PAGE, DMA_RW));
	ASSERT_EQ(0, drop_ipc_lock());
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA + MIB, self->mem,
				   PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(0, charged(&self->w));
}

TEST_F(accounting, limit_lowered_later_takes_nothing_away)
{
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(8));
	ASSERT_EQ(0, map(&self->w, self->mem, 8 * PAGE, DMA_RW));
	ASSERT_EQ(0, limit_locked_pages(-4));
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA + MIB, self->mem,
				   PAGE, DMA_RW));
	EXPECT_EQ(8, charged(&self->w));
}

TEST_F(accounting, bar_needs_no_room_below_the_limit)
{
	struct edu *edu = world_edu(&self->w, 0);

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(0));
	EXPECT_EQ(-ENOMEM, map(&self->w, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(0, map(&self->w, edu->bar, edu->bar_size, DMA_RW));
}

/* A mapping of both needs room for the memory alone. */
TEST_F(accounting, memory_and_bar_need_room_for_the_memory)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *bar;

	ASSERT_NE(NULL, edu);
	bar = mmap(self->mem + 8 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, edu->device, 0);
	ASSERT_EQ(self->mem + 8 * PAGE, bar);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(15));
	EXPECT_EQ(-ENOMEM, map(&self->w, self->mem, 32 * PAGE, DMA_RW));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, map(&self->w, self->mem, 31 * PAGE, DMA_RW));
	EXPECT_EQ(15, charged(&self->w));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, limit_locked_pages(16));
	EXPECT_EQ(0, map(&self->w, self->mem, 32 * PAGE, DMA_RW));
	EXPECT_EQ(16, charged(&self->w));
	/* it would keep the device open */
	ASSERT_EQ(0, munmap(bar, 16 * PAGE));
}

/* As above: where the zero page is charged nothing, it needs no room either. */
TEST_F(accounting, zero_page_needs_no_room_where_it_is_charged_nothing)
{
	char *mem = mem_untouched(MEM_SIZE);
	bool costs = kernel_running() >= KERNEL(6, 2);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(0));
	EXPECT_EQ(costs ? -ENOMEM : 0, map(&self->w, mem, MEM_SIZE, DMA_READ));
	ASSERT_EQ(0, limit_locked_pages(10));
	EXPECT_EQ(costs ? -ENOMEM : 0,
		  dma_map(self->w.container, IOVA + MIB, mem, MEM_SIZE, DMA_READ));
}

/*
 * Maps all of the memory again as soon as its place is free; waking up, it comes before who frees
 * it, in the middle of that. Return: 0 or what else stopped it.
 */
static int call_map_again(struct call *call)
{
	int ret;

	do {
		usleep(1);
		ret = call_map(call);
	} while (ret == -EEXIST);
	return ret;
}

/* Whoever finds the place of a mapping free finds what it was charged free, too. */
TEST_F(accounting, room_comes_back_with_the_place)
{
	struct call again = { .body = call_map_again, .w = &self->w, .iova = IOVA,
			      .size = LONG_PAGES * PAGE };
	/* In turn: the same memory would be charged already. */
	char *mem = mem_small(2 * again.size);
	unsigned int i, failed = 0;

	ASSERT_NE(NULL, mem);
	again.data = mem;
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(LONG_PAGES));
	ASSERT_EQ(0, call_map(&again));
	for (i = 0; i < ROUNDS && !failed; i++) {
		again.data = mem + (i + 1) % 2 * again.size;
		ASSERT_EQ(0, call_begin(&again));
		do {
			ASSERT_EQ(0, call_unmap(&again));
		} while (!again.unmapped);
		failed += !!call_result(&again);
	}
	EXPECT_EQ(0, failed)
		TH_LOG("round %u: %d", i, again.ret);
}

/* What type1 asks the kernel for at once. Ours looks at one page beyond the limit. */
enum { TYPE1_BATCH = 512, BATCH_LOOK = 1 };

/* How many pages of @mem, BIG bytes of it, are there; -errno. */
static long present_pages(char *mem)
{
	static unsigned char present[BIG / PAGE];
	long pages = 0;
	size_t i;

	if (mincore(mem, BIG, present))
		return -errno;
	for (i = 0; i < BIG / PAGE; i++)
		pages += present[i] & 1;
	return pages;
}

/* The limit is noticed early: all of the memory must not be touched first. */
TEST_F(accounting, small_limit_does_not_populate_a_large_mapping)
{
	static const long limits[] = { 1024, 1023, 16, 0 };
	long beyond = self->w.mode->backend == BACKEND_BATCH ? BATCH_LOOK : TYPE1_BATCH;
	char *mem = mem_untouched(BIG);
	unsigned int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		ASSERT_EQ(0, madvise(mem, BIG, MADV_DONTNEED));
		ASSERT_EQ(0, present_pages(mem));
		ASSERT_EQ(0, limit_locked_pages(limits[i]));
		EXPECT_EQ(-ENOMEM, map(&self->w, mem, BIG, DMA_RW));
		EXPECT_GE(limits[i] + beyond, present_pages(mem));
		EXPECT_LT(0, present_pages(mem));
		EXPECT_EQ(0, charged(&self->w));
		EXPECT_EQ(self->w.pinned, pinned_pages());
	}
	mem_free(mem, BIG);
}

TEST_HARNESS_MAIN
