// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel does to move, merge or write out pages must leave alone what is mapped for
 * DMA, and must be able to do it again after the UNMAP: a reference that is left behind is
 * found here, whatever counter misses it.
 *
 * Each mover is asked twice: while the memory is mapped it has to leave it, and process and
 * device go on to mean the same page; then it has to succeed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/agree.h"
#include "lib/mover.h"

#define WORLD movers
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

/* Tries to move, or the like, what is at @mem; has it happened? */
typedef bool (*mover)(char *mem);

/* @move leaves @mem alone while it is mapped, and takes it afterwards. */
static void only_after_unmap(struct __test_metadata *_metadata, struct world *w,
			     char *mem, __u64 size, mover move)
{
	struct edu *edu = world_edu(w, 0);
	unsigned long frame;
	__u64 done;

	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, size, DMA_RW));
	frame = mem_frame(mem);
	ASSERT_NE(0, frame);

	EXPECT_FALSE(move(mem));
	EXPECT_EQ(frame, mem_frame(mem));
	EXPECT_EQ(0, device_agrees(edu, IOVA, mem));

	ASSERT_EQ(0, dma_unmap(w->container, IOVA, size, 0, &done));
	EXPECT_EQ(size, done);
	EXPECT_TRUE(move(mem));
}

/* Writes it out, and brings it back for who comes next. */
static bool page_out(char *mem)
{
	unsigned long frame = mem_frame(mem);
	bool gone = mover_page_out(mem, PAGE) && mem_frame(mem) != frame;

	*(volatile char *)mem;
	return gone;
}

TEST_F(movers, pageout)
{
	ASSERT_EQ(0, mover_swap_on());
	only_after_unmap(_metadata, &self->w, self->mem, MEM_SIZE, page_out);
	EXPECT_EQ(0, mover_swap_off());
}

TEST_F(movers, what_is_swapped_out_is_brought_back_and_reached)
{
	struct edu *edu = world_edu(&self->w, 0);

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, mover_swap_on());
	mem_fill(self->mem, MEM_SIZE, 77);
	ASSERT_TRUE(mover_page_out(self->mem, MEM_SIZE));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_TRUE(mem_is(self->mem, MEM_SIZE, 77));
	EXPECT_EQ(0, device_agrees(edu, IOVA, self->mem));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(0, mover_swap_off());
}

/* What a process says that it does not need may be dropped, not while a device has it. */
static bool free_lazily(char *mem)
{
	if (madvise(mem, PAGE, MADV_FREE))
		return false;
	return page_out(mem);
}

TEST_F(movers, pages_that_may_be_dropped)
{
	ASSERT_EQ(0, mover_swap_on());
	only_after_unmap(_metadata, &self->w, self->mem, MEM_SIZE, free_lazily);
	EXPECT_EQ(0, mover_swap_off());
}

/* The mapping is of the pages, wherever the process has them. */
TEST_F(movers, mremap)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *to = mem_untouched(MEM_SIZE), *again;
	__u64 done;

	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, to);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(to, mremap(self->mem, MEM_SIZE, MEM_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	again = mmap(self->mem, MEM_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT_EQ(self->mem, again);
	mem_fill(again, PAGE, 90);
	EXPECT_EQ(0, device_agrees(edu, IOVA, to));
	EXPECT_TRUE(mem_is(again, PAGE, 90));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(MEM_SIZE, done);
	EXPECT_EQ(self->w.pinned, pinned_pages());
	EXPECT_EQ(self->w.locked, locked_pages());
}

/* It may have huge pages from now on, and not before: khugepaged comes at once. */
static bool collapse(char *mem)
{
	return !madvise(mem, HUGE_2M, MADV_HUGEPAGE) && mover_collapse(mem);
}

TEST_F(movers, collapse_into_a_huge_page)
{
	char *mem = mem_aligned(HUGE_2M);

	ASSERT_NE(NULL, mem);
	memset(mem, 1, HUGE_2M);
	if (!mover_can_collapse())
		SKIP_TEST("MADV_COLLAPSE came with 6.1");
	only_after_unmap(_metadata, &self->w, mem, HUGE_2M, collapse);
	EXPECT_EQ((long)(HUGE_2M / KIB), mem_thp_kib(mem));
}

/* Two pages of equal content, apart from each other. */
static bool merge(char *mem)
{
	mem_fill(mem, PAGE, 33);
	mem_fill(mem + PAGE, PAGE, 33);
	mover_merge(mem, 2 * PAGE);
	return mem_frame(mem) == mem_frame(mem + PAGE);
}

TEST_F(movers, ksm)
{
	only_after_unmap(_metadata, &self->w, self->mem, 2 * PAGE, merge);
}

/* A device that writes needs pages of its own. */
TEST_F(movers, what_ksm_has_merged_is_mapped_apart)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem = self->mem;

	ASSERT_NE(NULL, edu);
	ASSERT_TRUE(merge(mem));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, 2 * PAGE, DMA_RW));
	EXPECT_NE(mem_frame(mem), mem_frame(mem + PAGE));
	EXPECT_EQ(0, device_agrees(edu, IOVA, mem));
	EXPECT_TRUE(mem_is(mem + PAGE, PAGE, 33));
	EXPECT_EQ(0, device_agrees(edu, IOVA + PAGE, mem + PAGE));
}

static bool move_to_the_other_node(char *mem)
{
	return !mover_to_other_node(mem);
}

TEST_F(movers, move_pages)
{
	if (!mover_other_node())
		SKIP_TEST("there is one memory node");
	only_after_unmap(_metadata, &self->w, self->mem, MEM_SIZE,
			 move_to_the_other_node);
}

TEST_F(movers, move_pages_of_a_transparent_huge_page)
{
	if (!mover_other_node())
		SKIP_TEST("there is one memory node");
	only_after_unmap(_metadata, &self->w, mem_thp(HUGE_2M), HUGE_2M,
			 move_to_the_other_node);
}

TEST_F(movers, move_pages_of_a_hugetlb_page)
{
	long before = hugepages_get();

	if (!mover_other_node())
		SKIP_TEST("there is one memory node");
	ASSERT_EQ(0, hugepages_set(before + 4));
	only_after_unmap(_metadata, &self->w, mem_hugetlb(HUGE_2M), HUGE_2M,
			 move_to_the_other_node);
	EXPECT_EQ(0, hugepages_set(before));
}

/* The kernel would split the page and take back what nobody has mapped. */
TEST_F(movers, half_of_a_huge_page_goes_from_the_address_space)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem = mem_thp(HUGE_2M);
	__u64 done;

	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, mem);
	mem_fill(mem + MIB, EDU_CHUNK, 21);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, HUGE_2M, DMA_RW));
	ASSERT_EQ(0, munmap(mem + MIB, MIB));
	EXPECT_EQ(0, file_write("/proc/sys/vm/compact_memory", "1"));
	EXPECT_FALSE(mover_page_out(mem, MIB));
	EXPECT_EQ(0, device_agrees(edu, IOVA + PAGE, mem + PAGE));
	/* the device goes on to have the half that the process has no more */
	ASSERT_EQ(0, edu_copy(edu, IOVA, IOVA + MIB));
	EXPECT_TRUE(mem_is(mem, EDU_CHUNK, 21));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(HUGE_2M, done);
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

static bool soft_offline(char *mem)
{
	unsigned long frame = mem_frame(mem);

	return !mover_soft_offline(mem) && mem_frame(mem) != frame;
}

TEST_F(movers, soft_offline)
{
	only_after_unmap(_metadata, &self->w, self->mem, MEM_SIZE, soft_offline);
}

/* Nobody promises that it moves this very page afterwards. */
TEST_F(movers, compaction)
{
	struct edu *edu = world_edu(&self->w, 0);
	unsigned long frame = mem_frame(self->mem);

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, file_write("/proc/sys/vm/compact_memory", "1"));
	EXPECT_EQ(frame, mem_frame(self->mem));
	EXPECT_EQ(0, device_agrees(edu, IOVA, self->mem));
}

static bool offline_its_block(char *mem)
{
	const int seconds = 3;	/* it goes in much less, or never */

	return !mover_offline_block(mem, seconds);
}

TEST_F(movers, offline_of_the_memory_block)
{
	char *mem;

	if (!mover_other_node())
		SKIP_TEST("there is one memory node, and the kernel uses its blocks");
	mem = mover_place_in_a_block();
	ASSERT_NE(NULL, mem) TH_LOG("no block of memory goes offline");
	only_after_unmap(_metadata, &self->w, mem, PAGE, offline_its_block);
}

/* A page of memory that may be moved is moved before it is pinned. */
TEST_F(movers, offline_of_a_movable_block_that_was_mapped_from)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem;

	ASSERT_NE(NULL, edu);
	if (!mover_other_node())
		SKIP_TEST("there is one memory node, and the kernel uses its blocks");
	if (kernel_running() < KERNEL(5, 13))
		SKIP_TEST("movable memory is pinned where it is before 5.13");
	mem = mover_place_in_a_movable_block();
	ASSERT_NE(NULL, mem) TH_LOG("no block of memory is movable");
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, PAGE, DMA_RW));
	EXPECT_EQ(0, mover_offline_movable());
	EXPECT_EQ(0, device_agrees(edu, IOVA, mem));
	EXPECT_EQ(0, mover_online_kernel());
}

TEST_HARNESS_MAIN
