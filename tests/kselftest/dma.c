// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a real device can reach: memory while it is mapped, and nothing once it
 * is not. The device is its own witness: QEMU's VT-d model caches translations,
 * so an invalidation left out lets the old page be reached, and is seen here.
 *
 * Pages of self->mem by their use: SOURCE stays mapped and feeds the device,
 * TARGET is what it is aimed at.
 */
#include <unistd.h>

#include "fixture.h"

#define SOURCE 0
#define TARGET 1
#define SOURCE_IOVA IOVA
#define TARGET_IOVA (IOVA + 16 * MIB)

/* A transfer takes 100 ms; this is well behind its end. */
#define TRANSFER_OVER_US 300000

#define WORLD dma
#define WORLD_GROUPS 1
#include "world_fixture.h"

static char *page(char *mem, unsigned int nr)
{
	return mem + nr * PAGE;
}

/* Maps SOURCE, filled with @seed, and opens the device. */
static struct edu *prepare(struct __test_metadata *_metadata, struct world *w,
			   char *mem, unsigned char seed)
{
	struct edu *edu = world_edu(w, 0);

	ASSERT_NE(NULL, edu);
	mem_fill(page(mem, SOURCE), PAGE, seed);
	ASSERT_EQ(0, dma_map(w->container, SOURCE_IOVA, page(mem, SOURCE),
			     PAGE, DMA_RW));
	return edu;
}

static int map_target(struct world *w, char *mem, __u32 flags)
{
	mem_fill(page(mem, TARGET), PAGE, 0xee);
	return dma_map(w->container, TARGET_IOVA, page(mem, TARGET), PAGE,
		       flags);
}

TEST_F(dma, device_reads_and_writes_what_is_mapped)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);

	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_RW));
	ASSERT_EQ(0, edu_copy(edu, TARGET_IOVA, SOURCE_IOVA));
	EXPECT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 1));
}

TEST_F(dma, write_does_not_land_after_unmap)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);

	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_RW));
	ASSERT_EQ(0, edu_copy(edu, TARGET_IOVA, SOURCE_IOVA));
	ASSERT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 1));

	mem_fill(page(self->mem, TARGET), PAGE, 2);
	ASSERT_EQ(0, dma_unmap(self->w.container, TARGET_IOVA, PAGE, 0, NULL));
	ASSERT_EQ(0, edu_store(edu, TARGET_IOVA));
	EXPECT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 2));
}

/* The sharpest question to the IOTLB: the old page must not be hit. */
TEST_F(dma, iova_mapped_anew_reaches_the_new_page_only)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);
	char *other = page(self->mem, 5);

	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_RW));
	ASSERT_EQ(0, edu_copy(edu, TARGET_IOVA, SOURCE_IOVA));
	ASSERT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 1));

	mem_fill(page(self->mem, TARGET), PAGE, 2);
	mem_fill(other, PAGE, 3);
	ASSERT_EQ(0, dma_unmap(self->w.container, TARGET_IOVA, PAGE, 0, NULL));
	ASSERT_EQ(0, dma_map(self->w.container, TARGET_IOVA, other, PAGE,
			     DMA_RW));
	ASSERT_EQ(0, edu_store(edu, TARGET_IOVA));
	EXPECT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 2));
	EXPECT_TRUE(mem_is(other, EDU_CHUNK, 1));
}

/* What follows does not depend on v1 or v2, which saves transfers. */
#define WORLD dma_v2
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

TEST_F(dma_v2, read_reaches_nothing_after_unmap)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);

	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_RW));
	mem_fill(page(self->mem, TARGET), PAGE, 2);
	ASSERT_EQ(0, edu_copy(edu, SOURCE_IOVA, TARGET_IOVA));
	ASSERT_TRUE(mem_is(page(self->mem, SOURCE), EDU_CHUNK, 2));

	mem_fill(page(self->mem, TARGET), PAGE, 3);
	ASSERT_EQ(0, dma_unmap(self->w.container, TARGET_IOVA, PAGE, 0, NULL));
	ASSERT_EQ(0, edu_copy(edu, SOURCE_IOVA, TARGET_IOVA));
	EXPECT_FALSE(mem_is(page(self->mem, SOURCE), EDU_CHUNK, 3));
}

TEST_F(dma_v2, read_only_mapping_cannot_be_written)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);

	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_READ));
	ASSERT_EQ(0, edu_copy(edu, SOURCE_IOVA, TARGET_IOVA));
	EXPECT_TRUE(mem_is(page(self->mem, SOURCE), EDU_CHUNK, 0xee));
	mem_fill(page(self->mem, TARGET), PAGE, 2);
	ASSERT_EQ(0, edu_store(edu, TARGET_IOVA));
	EXPECT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 2));
}

/* Whether it can be read too is up to the IOMMU driver: VT-d lets it up to 6.1. */
TEST_F(dma_v2, write_only_mapping_can_be_written)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);

	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_WRITE));
	ASSERT_EQ(0, edu_copy(edu, TARGET_IOVA, SOURCE_IOVA));
	EXPECT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 1));
}

TEST_F(dma_v2, one_transfer_spans_two_mappings)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);
	char *low = page(self->mem, 9), *high = page(self->mem, 4);
	const size_t half = EDU_CHUNK / 2;
	int container = self->w.container;

	mem_fill(low, PAGE, 0xee);
	mem_fill(high, PAGE, 0xee);
	ASSERT_EQ(0, dma_map(container, TARGET_IOVA, low, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(container, TARGET_IOVA + PAGE, high, PAGE,
			     DMA_RW));
	ASSERT_EQ(0, edu_copy(edu, TARGET_IOVA + PAGE - half, SOURCE_IOVA));
	EXPECT_EQ(0, memcmp(low + PAGE - half, page(self->mem, SOURCE), half));
	EXPECT_EQ(0, memcmp(high, page(self->mem, SOURCE) + half, half));
}

/* Aims the device at one of the mappings made by map_many(). */
static int store_at(struct edu *edu, unsigned int nr)
{
	return edu_store(edu, TARGET_IOVA + nr * 2 * PAGE);
}

/* One page mapped @count times, with holes between. */
static int map_many(struct world *w, char *mem, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = dma_map(w->container, TARGET_IOVA + i * 2 * PAGE,
			      page(mem, TARGET), PAGE, DMA_RW);
	return ret;
}

TEST_F(dma_v2, unmap_all_of_many_leaves_none_reachable)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);
	const unsigned int count = 2000;
	char *target = page(self->mem, TARGET);
	__u64 done;

	ASSERT_EQ(0, map_many(&self->w, self->mem, count));
	ASSERT_EQ(0, edu_fetch(edu, SOURCE_IOVA));
	ASSERT_EQ(0, store_at(edu, count - 1));
	ASSERT_TRUE(mem_is(target, EDU_CHUNK, 1));
	ASSERT_EQ(0, store_at(edu, count / 2));

	mem_fill(target, PAGE, 2);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	ASSERT_EQ((count + 1) * PAGE, done);
	ASSERT_EQ(0, store_at(edu, count - 1));
	ASSERT_EQ(0, store_at(edu, count / 2));
	EXPECT_TRUE(mem_is(target, EDU_CHUNK, 2));
}

/* IOMMU pages of two sizes in one flush: the device has used both. */
TEST_F(dma_v2, huge_and_small_page_unmapped_together_are_not_reachable)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);
	char *huge = mem_thp(HUGE_2M);
	__u64 done;

	NEED_THP();
	ASSERT_NE(NULL, huge);
	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, TARGET_IOVA + HUGE_2M, huge,
			     HUGE_2M, DMA_RW));
	ASSERT_EQ(0, edu_fetch(edu, SOURCE_IOVA));
	ASSERT_EQ(0, edu_store(edu, TARGET_IOVA));
	ASSERT_EQ(0, edu_store(edu, TARGET_IOVA + HUGE_2M + PAGE));
	ASSERT_TRUE(mem_is(page(self->mem, TARGET), EDU_CHUNK, 1));
	ASSERT_TRUE(mem_is(huge + PAGE, EDU_CHUNK, 1));

	mem_fill(page(self->mem, TARGET), PAGE, 2);
	mem_fill(huge, HUGE_2M, 2);
	ASSERT_EQ(0, dma_unmap(self->w.container, TARGET_IOVA, 2 * HUGE_2M, 0,
			       &done));
	ASSERT_EQ(HUGE_2M + PAGE, done);
	ASSERT_EQ(0, edu_store(edu, TARGET_IOVA));
	ASSERT_EQ(0, edu_store(edu, TARGET_IOVA + HUGE_2M + PAGE));
	EXPECT_TRUE(mem_is(page(self->mem, TARGET), PAGE, 2));
	EXPECT_TRUE(mem_is(huge, HUGE_2M, 2));
	mem_free(huge, HUGE_2M);
}

TEST_F(dma_v2, range_unmap_spares_the_neighbours)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);
	char *target = page(self->mem, TARGET);
	__u64 done;

	ASSERT_EQ(0, map_many(&self->w, self->mem, 600));
	ASSERT_EQ(0, edu_fetch(edu, SOURCE_IOVA));
	ASSERT_EQ(0, dma_unmap(self->w.container, TARGET_IOVA + 4 * PAGE,
			       590 * 2 * PAGE, 0, &done));
	ASSERT_EQ(590 * PAGE, done);

	mem_fill(target, PAGE, 2);
	ASSERT_EQ(0, store_at(edu, 2));
	EXPECT_TRUE(mem_is(target, EDU_CHUNK, 2));
	ASSERT_EQ(0, store_at(edu, 1));
	EXPECT_TRUE(mem_is(target, EDU_CHUNK, 1));
	mem_fill(target, PAGE, 2);
	ASSERT_EQ(0, store_at(edu, 592));
	EXPECT_TRUE(mem_is(target, EDU_CHUNK, 1));
}

TEST_F(dma_v2, transfer_under_way_at_close_does_not_land)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);
	char *target = page(self->mem, TARGET);

	ASSERT_EQ(0, map_target(&self->w, self->mem, DMA_RW));
	ASSERT_EQ(0, edu_fetch(edu, SOURCE_IOVA));
	edu_start_store(edu, TARGET_IOVA);
	EXPECT_EQ(NULL, world_close(&self->w));
	usleep(TRANSFER_OVER_US);
	EXPECT_TRUE(mem_is(target, EDU_CHUNK, 0xee));
}

/* The memory is given back to the system while the device still aims at it. */
TEST_F(dma_v2, memory_freed_while_mapped_stays_pinned_for_the_device)
{
	struct edu *edu = prepare(_metadata, &self->w, self->mem, 1);
	char *lost = mem_small(PAGE);

	ASSERT_NE(NULL, lost);
	mem_fill(lost, PAGE, 7);
	ASSERT_EQ(0, dma_map(self->w.container, TARGET_IOVA, lost, PAGE,
			     DMA_RW));
	mem_free(lost, PAGE);
	ASSERT_EQ(0, edu_copy(edu, SOURCE_IOVA, TARGET_IOVA));
	EXPECT_TRUE(mem_is(page(self->mem, SOURCE), EDU_CHUNK, 7));
}

TEST_HARNESS_MAIN
