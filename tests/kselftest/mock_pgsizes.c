// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page sizes: those that all domains have are what GET_INFO tells and mappings are made of, from
 * the largest that fits. What the smallest one is does not change under mappings or bitmaps.
 */
#include "mock_fixture.h"

#define MOCK pgsizes
#include "mock_world.h"

TEST_F(pgsizes, page_sizes_are_the_intersection)
{
	struct info info;

	ASSERT_EQ(0, mock_order("instance 0 pgsizes 0x201000"));
	ASSERT_EQ(0, mock_order("instance 1 pgsizes 0x40001000"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(0x201000, info.pgsizes);
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	ASSERT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(0x1000, info.pgsizes);
	ASSERT_EQ(0, leave(&self->w, SLOT_B));
	ASSERT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(0x201000, info.pgsizes);
}

/* 2 MiB is the least that instance 1 can map. */
TEST_F(pgsizes, a_larger_least_page_size_is_einval_with_smaller_mappings)
{
	struct info info;

	ASSERT_EQ(0, mock_order("instance 1 pgsizes 0x40200000"));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	EXPECT_EQ(-EINVAL, world_join(&self->w, SLOT_B));
	EXPECT_UNCHANGED();

	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	ASSERT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(0x40200000, info.pgsizes);
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, IOVA, self->mem, PAGE, DMA_RW));
}

/* Bitmaps are made for the smallest page size, mapping or none. */
TEST_F(pgsizes, a_larger_least_page_size_is_einval_while_dirty_pages_are_tracked)
{
	ASSERT_EQ(0, mock_order("instance 1 pgsizes 0x40200000"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, dirty_start(self->w.container));
	REMEMBER();
	EXPECT_EQ(-EINVAL, world_join(&self->w, SLOT_B));
	EXPECT_UNCHANGED();
	ASSERT_EQ(0, dirty_stop(self->w.container));
	EXPECT_EQ(0, world_join(&self->w, SLOT_B));
}

/* The driver is called for each page, so it has no reason to use a larger one. */
TEST_F(pgsizes, no_page_is_larger_than_the_cpus_with_disable_hugepages)
{
	const __u64 size = 4 * MIB;
	char *mem = mem_thp(size);
	int ret;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "disable_hugepages", 1));
	ret = dma_map(self->w.container, IOVA, mem, size, DMA_RW);
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "disable_hugepages", 0));
	EXPECT_EQ(0, ret);
	EXPECT_EQ(size / PAGE, mock_domain_count(0, "entries"));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, size, DMA_RW));
	EXPECT_EQ(size / (2 * MIB), mock_domain_count(0, "entries"));
	mem_free(mem, size);
}

/*
 * We pin 128 MiB at a time. Here that ends within a huge page of memory, which is one page of the
 * IOMMU all the same; only the first and the last are cut.
 */
TEST_F(pgsizes, a_huge_page_that_is_pinned_in_two_batches_is_one_page)
{
	const __u64 size = 132 * MIB, huge = 2 * MIB;
	char *mem = mem_thp(size);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA + PAGE, mem + PAGE, size - 2 * PAGE, DMA_RW));
	EXPECT_EQ(size / huge - 2 + 2 * (huge / PAGE - 1), mock_domain_count(0, "entries"));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	mem_free(mem, size);
}

TEST_HARNESS_MAIN
