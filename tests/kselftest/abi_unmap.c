// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_UNMAP_DMA: every argument check, its errno and its place in the
 * order, the rules of v1 and v2 about cutting a mapping, and the size written
 * back. The dirty bitmap on unmap is abi_dirty.c, VADDR is vaddr.c.
 */
#include <sys/mman.h>

#include "fixture.h"

#define BAD_POINTER ((void *)8)

#define WORLD abi_unmap
#define WORLD_GROUPS 1
#include "world_fixture.h"

static int map_pages(struct world *w, char *mem, __u64 first, __u64 count)
{
	return dma_map(w->container, IOVA + first * PAGE, mem, count * PAGE,
		       DMA_RW);
}

static int unmap_pages(struct world *w, __u64 first, __u64 count, __u64 *done)
{
	int ret;

	ret = dma_unmap(w->container, IOVA + first * PAGE, count * PAGE, 0,
			done);
	*done /= PAGE;
	return ret;
}

/* How many pages are mapped; unmaps them. */
static long pages_left(struct world *w)
{
	__u64 left;

	if (dma_unmap_all(w->container, &left))
		return -1;
	return left / PAGE;
}

static int unmap_raw(struct world *w, __u32 argsz, __u32 flags)
{
	struct vfio_iommu_type1_dma_unmap unmap[4] = { {
		.argsz = argsz,
		.flags = flags,
		.iova = IOVA,
		.size = PAGE,
	} };

	return vfio_ioctl(w->container, VFIO_IOMMU_UNMAP_DMA, unmap);
}

TEST_F(abi_unmap, fault_on_the_argument_is_efault)
{
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->w.container, VFIO_IOMMU_UNMAP_DMA,
				      BAD_POINTER));
}

TEST_F(abi_unmap, short_argsz_is_einval)
{
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(-EINVAL, unmap_raw(&self->w, 0, 0));
	EXPECT_EQ(-EINVAL, unmap_raw(&self->w, 23, 0));
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, long_argsz_is_accepted)
{
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(0, unmap_raw(&self->w, 64, 0));
	EXPECT_EQ(0, pages_left(&self->w));
}

TEST_F(abi_unmap, unknown_flag_is_einval)
{
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(-EINVAL, unmap_raw(&self->w, 24, 1u << 3));
	EXPECT_EQ(-EINVAL, unmap_raw(&self->w, 24, 1u << 31));
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, dirty_bitmap_with_all_or_vaddr_is_einval)
{
	EXPECT_EQ(-EINVAL, unmap_raw(&self->w, 64, UNMAP_DIRTY | UNMAP_ALL));
	EXPECT_EQ(-EINVAL, unmap_raw(&self->w, 64, UNMAP_DIRTY | UNMAP_VADDR));
}

TEST_F(abi_unmap, misaligned_iova_is_einval)
{
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, IOVA + 1, PAGE, 0,
				     NULL));
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, all_with_iova_or_size_is_einval)
{
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, PAGE, 0, UNMAP_ALL,
				     NULL));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, 0, PAGE, UNMAP_ALL,
				     NULL));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, IOVA, PAGE, UNMAP_ALL, NULL));
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, size_0_or_misaligned_is_einval)
{
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, IOVA, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, IOVA, PAGE - 1, 0,
				     NULL));
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, wrap)
{
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(expected(self->w.mode, DIFF_UNMAP_WRAP),
		  dma_unmap(self->w.container, -PAGE, 2 * PAGE, 0, NULL));
	EXPECT_EQ(expected(self->w.mode, DIFF_UNMAP_WRAP),
		  dma_unmap(self->w.container, IOVA, -PAGE, 0, NULL));
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, misaligned_is_einval_before_wrap)
{
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, -PAGE, 2 * PAGE + 1,
				     0, NULL));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, -PAGE + 1, 2 * PAGE,
				     0, NULL));
}

TEST_F(abi_unmap, dirty_bitmap_without_tracking_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(-EINVAL, dma_unmap_dirty(self->w.container, IOVA, PAGE,
					   &bitmap, NULL));
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, nothing_in_range_is_success_of_size_0)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(0, unmap_pages(&self->w, 8, 4, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(1, pages_left(&self->w));
}

TEST_F(abi_unmap, whole_mapping_says_its_size)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	EXPECT_EQ(0, unmap_pages(&self->w, 0, 4, &done));
	EXPECT_EQ(4, done);
	EXPECT_EQ(0, pages_left(&self->w));
}

TEST_F(abi_unmap, twice_finds_nothing)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	EXPECT_EQ(0, unmap_pages(&self->w, 0, 4, &done));
	EXPECT_EQ(0, unmap_pages(&self->w, 0, 4, &done));
	EXPECT_EQ(0, done);
}

TEST_F(abi_unmap, larger_range_takes_all_inside_and_counts_only_them)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 2, 2));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 6, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 7, 3));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 20, 5));
	EXPECT_EQ(0, unmap_pages(&self->w, 0, 16, &done));
	EXPECT_EQ(6, done);
	EXPECT_EQ(5, pages_left(&self->w));
}

TEST_F(abi_unmap, all_takes_everything)
{
	__u64 done;

	ASSERT_EQ(0, dma_map(self->w.container, 0, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 3));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 1 << 20, 7));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(11 * PAGE, done);
	EXPECT_EQ(0, pages_left(&self->w));
}

TEST_F(abi_unmap, all_of_nothing_is_success_of_size_0)
{
	EXPECT_EQ(0, pages_left(&self->w));
}

/* QEMU unmaps everything this way where UNMAP_ALL is missing. */
TEST_F(abi_unmap, two_halves_of_the_address_space)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 3));
	EXPECT_EQ(0, dma_unmap(self->w.container, 0, 1ULL << 63, 0, &done));
	EXPECT_EQ(3 * PAGE, done);
	EXPECT_EQ(0, dma_unmap(self->w.container, 1ULL << 63, 1ULL << 63, 0,
			       &done));
	EXPECT_EQ(0, done);
}

TEST_F(abi_unmap, start_inside_a_mapping)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	if (self->w.mode->v2) {
		EXPECT_EQ(-EINVAL, unmap_pages(&self->w, 1, 3, &done));
	} else {
		EXPECT_EQ(0, unmap_pages(&self->w, 1, 3, &done));
		EXPECT_EQ(0, done);
	}
	EXPECT_EQ(4, pages_left(&self->w));
}

TEST_F(abi_unmap, end_inside_a_mapping)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	if (self->w.mode->v2) {
		EXPECT_EQ(-EINVAL, unmap_pages(&self->w, 0, 3, &done));
		EXPECT_EQ(4, pages_left(&self->w));
	} else {
		EXPECT_EQ(0, unmap_pages(&self->w, 0, 1, &done));
		EXPECT_EQ(4, done);
		EXPECT_EQ(0, pages_left(&self->w));
	}
}

TEST_F(abi_unmap, middle_of_a_mapping)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	if (self->w.mode->v2) {
		EXPECT_EQ(-EINVAL, unmap_pages(&self->w, 1, 1, &done));
	} else {
		EXPECT_EQ(0, unmap_pages(&self->w, 1, 1, &done));
		EXPECT_EQ(0, done);
	}
	EXPECT_EQ(4, pages_left(&self->w));
}

/* v2 takes nothing if either end cuts; v1 stops at the first cut start. */
TEST_F(abi_unmap, cut_start_then_whole_mappings)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 4, 4));
	if (self->w.mode->v2) {
		EXPECT_EQ(-EINVAL, unmap_pages(&self->w, 2, 6, &done));
	} else {
		EXPECT_EQ(0, unmap_pages(&self->w, 2, 6, &done));
		EXPECT_EQ(0, done);
	}
	EXPECT_EQ(8, pages_left(&self->w));
}

TEST_F(abi_unmap, whole_mappings_then_cut_end)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 4, 4));
	if (self->w.mode->v2) {
		EXPECT_EQ(-EINVAL, unmap_pages(&self->w, 0, 5, &done));
		EXPECT_EQ(8, pages_left(&self->w));
	} else {
		EXPECT_EQ(0, unmap_pages(&self->w, 0, 5, &done));
		EXPECT_EQ(8, done);
		EXPECT_EQ(0, pages_left(&self->w));
	}
}

TEST_F(abi_unmap, range_starting_in_a_hole_takes_what_follows)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 4, 4));
	EXPECT_EQ(0, unmap_pages(&self->w, 1, 7, &done));
	EXPECT_EQ(4, done);
}

TEST_F(abi_unmap, failed_call_writes_nothing_back)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = IOVA,
		.size = PAGE + 1,
	};

	EXPECT_EQ(-EINVAL, vfio_ioctl(self->w.container, VFIO_IOMMU_UNMAP_DMA,
				      &unmap));
	EXPECT_EQ(PAGE + 1, unmap.size);
}

/* The answer cannot be written, but the mapping is gone all the same. */
TEST_F(abi_unmap, fault_on_the_answer_is_efault_after_the_deed)
{
	struct vfio_iommu_type1_dma_unmap *unmap;

	unmap = (void *)mem_small(PAGE);
	ASSERT_NE(NULL, unmap);
	memset(unmap, 0, sizeof(*unmap));
	unmap->argsz = sizeof(*unmap);
	unmap->iova = IOVA;
	unmap->size = PAGE;
	ASSERT_EQ(0, mprotect(unmap, PAGE, PROT_READ));

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->w.container, VFIO_IOMMU_UNMAP_DMA,
				      unmap));
	EXPECT_EQ(0, pages_left(&self->w));
}

TEST_F(abi_unmap, range_can_be_mapped_again_at_once)
{
	__u64 done;
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
		ASSERT_EQ(0, unmap_pages(&self->w, 0, 4, &done));
		ASSERT_EQ(4, done);
	}
}

TEST_HARNESS_MAIN
