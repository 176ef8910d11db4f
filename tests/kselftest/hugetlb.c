// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of hugetlb: type1 pins each 4 KiB page of it, we each huge page once. What that is
 * charged, what a device reaches, and what is left is the same.
 */
#include <stdint.h>
#include <unistd.h>

#include "hugetlb_fixture.h"
#include "lib/agree.h"
#include "lib/source.h"

#define WORLD hugetlb
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

TEST_F(hugetlb, each_huge_page_is_pinned_once)
{
	const __u64 size = MANY * HUGE_2M;
	char *mem;

	ASSERT_EQ(0, hugepages_set(MANY));
	mem = pages_2m(size, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, size));
	EXPECT_HELD(MANY * IN_2M, MANY, 0);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + size - PAGE, mem + size - PAGE));
	ASSERT_EQ(0, unmap_at(&self->w, FAR, size));
	EXPECT_HELD(0, 0, 0);
}

TEST_F(hugetlb, shared_memory_is_pinned_alike)
{
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(2 * HUGE_2M, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, 2 * HUGE_2M));
	EXPECT_HELD(2 * IN_2M, 2, 0);
}

/* The device gets the process's own copy, not the file's pages. */
TEST_F(hugetlb, private_memory_of_a_file_is_copied_whole)
{
	char *mem;

	with_pool(_metadata);
	mem = source_private_memfd(2 * HUGE_2M, MFD_HUGETLB);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, 2 * HUGE_2M));
	EXPECT_HELD(2 * IN_2M, 2, 0);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + HUGE_2M + 5 * PAGE,
				   mem + HUGE_2M + 5 * PAGE));
}

/* What a device may only read: the kernel gives the process pages of its own from 6.2 on. */
TEST_F(hugetlb, read_only_memory_is_pinned_alike)
{
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(2 * HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->w.container, FAR, mem, 2 * HUGE_2M, DMA_READ));
	EXPECT_HELD(2 * IN_2M, 2, 0);
}

TEST_F(hugetlb, mapping_begins_and_ends_inside)
{
	const __u64 start = 100 * PAGE, size = 3 * HUGE_2M + 33 * PAGE;
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(4 * HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem + start, size));
	EXPECT_HELD(3 * IN_2M + 33, 4, 0);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + size - PAGE,
				   mem + start + size - PAGE));
	ASSERT_EQ(0, unmap_at(&self->w, FAR, size));
	EXPECT_HELD(0, 0, 0);
}

/*
 * Halves have a pin of the page each; neighbours in memory that go in one call, as one run, give
 * back both. The whole page in both is pinned and charged once (shared.c).
 */
TEST_F(hugetlb, two_mappings_share_a_huge_page)
{
	char *mem;
	__u64 done;

	with_pool(_metadata);
	mem = pages_2m(HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, HUGE_2M / 2));
	ASSERT_EQ(0, map_at(&self->w, FAR + HUGE_2M / 2, mem + HUGE_2M / 2, HUGE_2M / 2));
	EXPECT_HELD(IN_2M, 2, 0);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(HUGE_2M, done);
	EXPECT_HELD(0, 0, 0);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, HUGE_2M));
	ASSERT_EQ(0, map_at(&self->w, FAR + HUGE_2M, mem, HUGE_2M));
	EXPECT_HELD(expected(self->w.mode, DIFF_CHARGED_AGAIN) * IN_2M, 1, 0);
	ASSERT_EQ(0, unmap_at(&self->w, FAR, HUGE_2M));
	EXPECT_HELD(IN_2M, 1, 0);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + HUGE_2M, mem));
}

/* Too small to look for huge pages: each page is pinned. */
TEST_F(hugetlb, few_pages_inside_a_huge_page)
{
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem + 7 * PAGE, 5 * PAGE));
	EXPECT_HELD(5, 0, 5);
	ASSERT_EQ(0, map_at(&self->w, FAR + HUGE_2M, mem, HUGE_2M));
	EXPECT_HELD(IN_2M + 5, 1, 5);
	ASSERT_EQ(0, unmap_at(&self->w, FAR, 5 * PAGE));
	EXPECT_HELD(IN_2M, 1, 0);
}

/* As many bytes of ordinary pages in front of @size of huge ones, and behind them. */
static char *pages_between(size_t size)
{
	char *mem = mem_aligned(3 * size);

	if (!mem || mmap(mem + size, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_HUGETLB | MAP_HUGE_2MB | MAP_FIXED, -1, 0) == MAP_FAILED)
		return NULL;
	return mem;
}

TEST_F(hugetlb, between_ordinary_pages)
{
	const __u64 side = 2 * HUGE_2M, size = 3 * side;
	char *mem;

	with_pool(_metadata);
	mem = pages_between(side);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, size));
	EXPECT_EQ(self->w.locked + (long)(size / PAGE), locked_pages());
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + side, mem + side));
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + 2 * side, mem + 2 * side));
	ASSERT_EQ(0, unmap_at(&self->w, FAR, size));
	EXPECT_HELD(0, 0, 0);
}

/* The failure comes when huge pages are pinned, the first of them in part. */
TEST_F(hugetlb, hole_behind_it_is_efault_and_leaves_nothing)
{
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(4 * HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, munmap(mem + 3 * HUGE_2M, HUGE_2M));
	EXPECT_EQ(-EFAULT, map_at(&self->w, FAR, mem + 9 * PAGE, 3 * HUGE_2M));
	EXPECT_HELD(0, 0, 0);
	EXPECT_EQ(0, map_at(&self->w, FAR, mem + 9 * PAGE, 3 * HUGE_2M - 9 * PAGE));
	EXPECT_HELD(3 * IN_2M - 9, 3, 0);
}

/* Device memory makes us begin anew. */
TEST_F(hugetlb, bar_behind_it)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem;

	with_pool(_metadata);
	mem = pages_between(2 * HUGE_2M);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, edu);
	mem += 2 * HUGE_2M;
	ASSERT_EQ(mem + 2 * HUGE_2M, mmap(mem + 2 * HUGE_2M, edu->bar_size, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_FIXED, edu->device, 0));
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, 2 * HUGE_2M + edu->bar_size));
	EXPECT_HELD(2 * IN_2M, 2, 0);
	ASSERT_EQ(0, unmap_at(&self->w, FAR, 2 * HUGE_2M + edu->bar_size));
	EXPECT_HELD(0, 0, 0);
	/* it would keep the device open */
	ASSERT_EQ(0, munmap(mem + 2 * HUGE_2M, edu->bar_size));
}

TEST_F(hugetlb, memory_that_cannot_be_written_is_efault)
{
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(2 * HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mprotect(mem + HUGE_2M, HUGE_2M, PROT_READ));
	EXPECT_EQ(-EFAULT, map_at(&self->w, FAR, mem, 2 * HUGE_2M));
	EXPECT_HELD(0, 0, 0);
	EXPECT_EQ(0, map_at(&self->w, FAR, mem, HUGE_2M));
}

/* The pool has less than is asked for. */
TEST_F(hugetlb, empty_pool_is_efault_and_leaves_nothing)
{
	char *mem;

	with_pool(_metadata);
	mem = mmap(NULL, (POOL + 1) * HUGE_2M, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB | MAP_NORESERVE,
		   -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(-EFAULT, map_at(&self->w, FAR, mem, (POOL + 1) * HUGE_2M));
	EXPECT_HELD(0, 0, 0);
	EXPECT_EQ(0, map_at(&self->w, FAR, mem, POOL * HUGE_2M));
	EXPECT_HELD(POOL * IN_2M, POOL, 0);
}

TEST_F(hugetlb, limit_is_exact_inside_a_huge_page)
{
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(2 * HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(IN_2M + 200));
	EXPECT_EQ(-ENOMEM, map_at(&self->w, FAR, mem, HUGE_2M + 201 * PAGE));
	EXPECT_HELD(0, 0, 0);
	EXPECT_EQ(0, map_at(&self->w, FAR, mem, HUGE_2M + 200 * PAGE));
	EXPECT_HELD(IN_2M + 200, 2, 0);
}

static char *pages_1g(struct __test_metadata *_metadata, size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);

	if (mem == MAP_FAILED) {
		EXPECT_FALSE(promised("hugetlb"));
		SKIP_TEST("no pages of 1 GiB");
	}
	return mem;
}

/*
 * A machine made for this has two pages of 1 GiB. The IOVA is not aligned to them, so that no
 * cut of a long run at a multiple of 1 GiB is between them.
 */
TEST_F(hugetlb, pages_of_1_gib)
{
	const __u64 iova = FAR + 513 * HUGE_2M, size = 2 * GIB - 3 * PAGE;
	char *mem;

	mem = pages_1g(_metadata, 2 * GIB);
	ASSERT_EQ(0, map_at(&self->w, iova, mem + PAGE, size));
	EXPECT_HELD((long)(size / PAGE), 2, 0);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), iova + GIB - PAGE, mem + GIB));
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), iova + size - PAGE,
				   mem + size));
	ASSERT_EQ(0, unmap_at(&self->w, iova, size));
	EXPECT_HELD(0, 0, 0);
}

/* One page is left when the batches of a page of 1 GiB are done. */
TEST_F(hugetlb, page_behind_a_page_of_1_gib)
{
	const __u64 size = GIB + PAGE;
	char *mem;

	mem = pages_1g(_metadata, 2 * GIB);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem, size));
	EXPECT_HELD((long)(size / PAGE), 1, 1);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + GIB, mem + GIB));
	ASSERT_EQ(0, unmap_at(&self->w, FAR, size));
	EXPECT_HELD(0, 0, 0);
	ASSERT_EQ(0, map_at(&self->w, FAR + PAGE, mem, size));
	EXPECT_HELD((long)(size / PAGE), 1, 1);
	ASSERT_EQ(0, unmap_at(&self->w, FAR + PAGE, size));
	EXPECT_HELD(0, 0, 0);
}

TEST_F(hugetlb, limit_is_exact_for_a_page_of_1_gib)
{
	char *mem;

	mem = pages_1g(_metadata, GIB);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(GIB / PAGE - 1));
	EXPECT_EQ(-ENOMEM, map_at(&self->w, FAR, mem, GIB));
	EXPECT_HELD(0, 0, 0);
	EXPECT_EQ(0, map_at(&self->w, FAR, mem, GIB - PAGE));
	EXPECT_HELD((long)(GIB / PAGE) - 1, 1, 0);
}

TEST_HARNESS_MAIN
