// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_DIRTY_PAGES: every argument check, its errno and its place in the
 * order. What the bitmap says is dirty.c.
 */
#include <sys/mman.h>

#include "fixture.h"

#define BAD_POINTER ((void *)8)
#define KERNEL_POINTER ((__u64 *)0xffff888000000000ULL)
#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP
#define BITMAP_MAX (256 * MIB)

/* For a kernel that reads as far as @argsz lets it. */
struct dirty_arg {
	struct vfio_iommu_type1_dirty_bitmap head;
	__u8 rest[DIRTY_GET_SIZE - sizeof(struct vfio_iommu_type1_dirty_bitmap)];
};

static int dirty_raw(struct world *w, __u32 argsz, __u32 flags)
{
	struct dirty_arg arg = { .head = { .argsz = argsz, .flags = flags } };

	return vfio_ioctl(w->container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

#define WORLD any_version
#define WORLD_GROUPS 1
#include "world_fixture.h"

TEST_F(any_version, v1_is_eacces_before_anything_else)
{
	int wanted = self->w.mode->v2 ? -EFAULT : -EACCES;

	EXPECT_EQ(wanted, vfio_ioctl(self->w.container, VFIO_IOMMU_DIRTY_PAGES,
				     BAD_POINTER));
	wanted = self->w.mode->v2 ? -EINVAL : -EACCES;
	EXPECT_EQ(wanted, dirty_raw(&self->w, 0, START));
	EXPECT_EQ(wanted, dirty_raw(&self->w, 8, 1u << 3));
}

/* Type id 1 has no dirty tracking: the rest is about v2. */
#define WORLD abi_dirty
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

TEST_F(abi_dirty, argsz_below_8_is_einval)
{
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 7, START));
	EXPECT_EQ(0, dirty_raw(&self->w, 8, START));
}

TEST_F(abi_dirty, unknown_flag_is_einval)
{
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 8, 1u << 3));
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 8, 1u << 31));
}

TEST_F(abi_dirty, anything_but_one_flag_is_einval)
{
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 8, 0));
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 8, START | STOP));
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 64, START | GET));
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 64, START | STOP | GET));
}

TEST_F(abi_dirty, start_and_stop_may_be_repeated)
{
	EXPECT_EQ(0, dirty_stop(self->w.container));
	EXPECT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, dirty_stop(self->w.container));
	EXPECT_EQ(0, dirty_stop(self->w.container));
	EXPECT_EQ(0, dirty_start(self->w.container));
}

TEST_F(abi_dirty, get_with_short_argsz_is_einval)
{
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 8, GET));
	EXPECT_EQ(-EINVAL, dirty_raw(&self->w, 47, GET));
}

TEST_F(abi_dirty, get_with_fault_behind_the_head_is_efault)
{
	struct vfio_iommu_type1_dirty_bitmap *head;
	char *pages = mem_small(2 * PAGE);

	ASSERT_NE(NULL, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	head = (void *)(pages + PAGE - sizeof(*head));
	head->argsz = sizeof(struct dirty_arg);
	head->flags = GET;
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->w.container,
				      VFIO_IOMMU_DIRTY_PAGES, head));
}

TEST_F(abi_dirty, get_without_tracking_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, PAGE,
			     DMA_RW));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, PAGE, &bitmap));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, dirty_get(self->w.container, IOVA, PAGE, &bitmap));
	ASSERT_EQ(0, dirty_stop(self->w.container));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, PAGE, &bitmap));
}

TEST_F(abi_dirty, get_of_size_0_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, 0, &bitmap));
}

TEST_F(abi_dirty, get_misaligned_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA + 1, PAGE,
				     &bitmap));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, PAGE + 1,
				     &bitmap));
	/* less than a page is a bitmap of no bits */
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, PAGE / 2,
				     &bitmap));
}

TEST_F(abi_dirty, get_of_a_range_that_wraps)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(expected(self->w.mode, DIFF_DIRTY_WRAP),
		  dirty_get(self->w.container, -PAGE, 2 * PAGE, &bitmap));
}

TEST_F(abi_dirty, get_of_the_last_page_of_2_64)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(expected(self->w.mode, DIFF_DIRTY_LAST_PAGE),
		  dirty_get(self->w.container, -PAGE, PAGE, &bitmap));
}

TEST_F(abi_dirty, bitmap_at_a_kernel_address_is_einval)
{
	struct vfio_bitmap bitmap = bitmap_words(KERNEL_POINTER, 1);

	if (sizeof(void *) < sizeof(__u64))
		SKIP_TEST("an address of 32 bits is none of the kernel's");
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, PAGE,
			     DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, PAGE, &bitmap));
	EXPECT_EQ(-EINVAL, dma_unmap_dirty(self->w.container, IOVA, PAGE,
					   &bitmap, NULL));
}

/* Both users of a bitmap argument refuse it, and nothing is unmapped. */
static void refuse_bitmap(struct __test_metadata *_metadata, struct world *w,
			  __u64 pages, const struct vfio_bitmap *bitmap,
			  long error)
{
	__u64 left;

	EXPECT_EQ(error, dirty_get(w->container, IOVA, pages * PAGE, bitmap));
	EXPECT_EQ(error, dma_unmap_dirty(w->container, IOVA, pages * PAGE,
					 bitmap, NULL));
	EXPECT_EQ(0, dma_unmap_all(w->container, &left));
	EXPECT_EQ(MEM_SIZE, left);
}

static void map_and_start(struct __test_metadata *_metadata, struct world *w,
			  char *mem)
{
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dirty_start(w->container));
}

TEST_F(abi_dirty, bitmap_size_0_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 0);

	map_and_start(_metadata, &self->w, self->mem);
	refuse_bitmap(_metadata, &self->w, MEM_PAGES, &bitmap, -EINVAL);
}

TEST_F(abi_dirty, bitmap_too_small_is_einval)
{
	__u64 words[2] = { 0 };
	struct vfio_bitmap bitmap = bitmap_words(words, 1);

	map_and_start(_metadata, &self->w, self->mem);
	refuse_bitmap(_metadata, &self->w, MEM_PAGES + 1, &bitmap, -EINVAL);
}

/* The size is rounded up to whole words: 4 bytes are none. */
TEST_F(abi_dirty, bitmap_of_less_than_a_word_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	map_and_start(_metadata, &self->w, self->mem);
	bitmap.size = 4;
	refuse_bitmap(_metadata, &self->w, 32, &bitmap, -EINVAL);
}

TEST_F(abi_dirty, bitmap_above_256_mib_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	map_and_start(_metadata, &self->w, self->mem);
	bitmap.size = BITMAP_MAX + 8;
	refuse_bitmap(_metadata, &self->w, MEM_PAGES, &bitmap, -EINVAL);
}

TEST_F(abi_dirty, bitmap_larger_than_needed_is_accepted)
{
	__u64 words[4] = { 0 };
	struct vfio_bitmap bitmap = bitmap_words(words, 4);

	map_and_start(_metadata, &self->w, self->mem);
	EXPECT_EQ(0, dirty_get(self->w.container, IOVA, MEM_SIZE, &bitmap));
}

TEST_F(abi_dirty, page_size_other_than_the_smallest_is_einval)
{
	__u64 words[8] = { 0 };
	struct vfio_bitmap bitmap = bitmap_words(words, 8);

	map_and_start(_metadata, &self->w, self->mem);
	bitmap.pgsize = 2 * PAGE;
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, MEM_SIZE,
				     &bitmap));
	bitmap.pgsize = PAGE / 2;
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, MEM_SIZE,
				     &bitmap));
	bitmap.pgsize = 3 * PAGE;
	refuse_bitmap(_metadata, &self->w, MEM_PAGES, &bitmap, -EINVAL);
}

TEST_F(abi_dirty, page_size_0_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);
	long error = expected(self->w.mode, DIFF_DIRTY_PGSIZE_0);

	if (error == DIFF_UNDEFINED)
		SKIP(return, "undefined behaviour in vfio_iommu_type1");
	map_and_start(_metadata, &self->w, self->mem);
	bitmap.pgsize = 0;
	refuse_bitmap(_metadata, &self->w, MEM_PAGES, &bitmap, error);
}

/* So many pages that the number of bytes for them wraps. */
TEST_F(abi_dirty, page_size_1_with_all_addresses_is_einval)
{
	__u64 word = 0, done;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	map_and_start(_metadata, &self->w, self->mem);
	bitmap.pgsize = 1;
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, 0, ~0ULL, &bitmap));
	EXPECT_EQ(-EINVAL, dma_unmap_dirty(self->w.container, 0, ~0ULL, &bitmap, &done));
	EXPECT_EQ(0, word);
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
}

TEST_F(abi_dirty, range_that_cuts_a_mapping_is_einval)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	map_and_start(_metadata, &self->w, self->mem);
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA, PAGE, &bitmap));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA + PAGE,
				     MEM_SIZE - PAGE, &bitmap));
	EXPECT_EQ(-EINVAL, dirty_get(self->w.container, IOVA + PAGE, PAGE,
				     &bitmap));
	refuse_bitmap(_metadata, &self->w, 4, &bitmap, -EINVAL);
}

TEST_F(abi_dirty, unmap_with_short_argsz_is_einval)
{
	struct vfio_iommu_type1_dma_unmap unmap[2] = { {
		.argsz = 47,
		.flags = UNMAP_DIRTY,
		.iova = IOVA,
		.size = MEM_SIZE,
	} };

	EXPECT_EQ(-EINVAL, vfio_ioctl(self->w.container, VFIO_IOMMU_UNMAP_DMA,
				      unmap));
}

TEST_F(abi_dirty, unmap_with_fault_behind_the_head_is_efault)
{
	struct vfio_iommu_type1_dma_unmap *unmap;
	char *pages = mem_small(2 * PAGE);

	ASSERT_NE(NULL, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	unmap = (void *)(pages + PAGE - sizeof(*unmap));
	unmap->argsz = 48;
	unmap->flags = UNMAP_DIRTY;
	unmap->iova = IOVA;
	unmap->size = PAGE;
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->w.container, VFIO_IOMMU_UNMAP_DMA,
				      unmap));
}

TEST_HARNESS_MAIN
