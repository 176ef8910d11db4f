// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the dirty bitmap says. A device that cannot report what it writes makes
 * every mapped page dirty, each time; holes are left as the user had them.
 */
#include <sys/mman.h>

#include "fixture.h"

#define BAD_POINTER ((__u64 *)8)
#define ALL_ONES (~0ULL)

/* Type id 1 has no dirty tracking; abi_dirty.c says so. */
#define WORLD dirty
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

static int map_pages(struct world *w, char *mem, __u64 first, __u64 count)
{
	return dma_map(w->container, IOVA + first * PAGE, mem, count * PAGE,
		       DMA_RW);
}

static int get_pages(struct world *w, __u64 first, __u64 count, __u64 *data,
		     unsigned int words)
{
	struct vfio_bitmap bitmap = bitmap_words(data, words);

	return dirty_get(w->container, IOVA + first * PAGE, count * PAGE,
			 &bitmap);
}

TEST_F(dirty, every_mapped_page_is_dirty_each_time)
{
	__u64 words[2];
	int i;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 64));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 64, 16));
	ASSERT_EQ(0, dirty_start(self->w.container));
	for (i = 0; i < 3; i++) {
		memset(words, 0, sizeof(words));
		ASSERT_EQ(0, get_pages(&self->w, 0, 80, words, 2));
		EXPECT_EQ(ALL_ONES, words[0]);
		EXPECT_EQ(0xffff, words[1]);
	}
}

TEST_F(dirty, mapping_made_while_tracking_is_dirty)
{
	__u64 word = 0;

	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 8));
	ASSERT_EQ(0, get_pages(&self->w, 0, 8, &word, 1));
	EXPECT_EQ(0xff, word);
}

TEST_F(dirty, read_only_mapping_is_reported_too)
{
	__u64 word = 0;

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, 4 * PAGE,
			     DMA_READ));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 4, &word, 1));
	EXPECT_EQ(0xf, word);
}

TEST_F(dirty, nothing_mapped_leaves_the_bitmap_alone)
{
	__u64 word = 0x123456789abcdef0ULL;

	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 64, &word, 1));
	EXPECT_EQ(0x123456789abcdef0ULL, word);
}

TEST_F(dirty, words_of_a_hole_are_left_alone)
{
	__u64 words[4] = { 0x11, 0x22, 0x33, 0x44 };

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 64, 64));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 256, words, 4));
	EXPECT_EQ(0x11, words[0]);
	EXPECT_EQ(ALL_ONES, words[1]);
	EXPECT_EQ(0x33, words[2]);
	EXPECT_EQ(0x44, words[3]);
}

TEST_F(dirty, bits_before_a_mapping_in_its_word_are_left_alone)
{
	__u64 word = 0x5;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 8, 8));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 16, &word, 1));
	EXPECT_EQ(0xff05, word);
}

TEST_F(dirty, neighbours_share_a_word)
{
	__u64 words[2] = { 0 };

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 3));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 3, 4));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 10, 60));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 70, words, 2));
	EXPECT_EQ(0x7f | ALL_ONES << 10, words[0]);
	EXPECT_EQ(0x3f, words[1]);
}

TEST_F(dirty, small_range_reports_only_its_mapping)
{
	__u64 words[2] = { 0, 0x77 };

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 4, 4));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 8, 4));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 4, 4, words, 2));
	EXPECT_EQ(0xf, words[0]);
	EXPECT_EQ(0x77, words[1]);
}

TEST_F(dirty, reading_at_another_offset_does_not_spill)
{
	__u64 word = 0;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 3, 10));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 13, &word, 1));
	EXPECT_EQ(0x1ff8, word);
	word = 0;
	ASSERT_EQ(0, get_pages(&self->w, 3, 10, &word, 1));
	EXPECT_EQ(expected(self->w.mode, DIFF_DIRTY_STALE_BITS), word);
}

TEST_F(dirty, faulting_bitmap_is_efault_and_loses_nothing)
{
	__u64 word = 0;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 3, 10));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(-EFAULT, get_pages(&self->w, 0, 13, BAD_POINTER, 1));
	EXPECT_EQ(-EFAULT, get_pages(&self->w, 3, 10, BAD_POINTER, 1));
	ASSERT_EQ(0, get_pages(&self->w, 3, 10, &word, 1));
	EXPECT_EQ(expected(self->w.mode, DIFF_DIRTY_STALE_BITS), word);
}

TEST_F(dirty, unmap_reports_what_it_takes)
{
	__u64 words[2] = { 0, 0x77 };
	struct vfio_bitmap bitmap = bitmap_words(words, 2);
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 8, 8));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, dma_unmap_dirty(self->w.container, IOVA, 16 * PAGE,
				     &bitmap, &done));
	EXPECT_EQ(12 * PAGE, done);
	EXPECT_EQ(0xff0f, words[0]);
	EXPECT_EQ(0x77, words[1]);
}

TEST_F(dirty, unmap_of_nothing_leaves_the_bitmap_alone)
{
	__u64 word = 0x77;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);
	__u64 done;

	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, dma_unmap_dirty(self->w.container, IOVA, 16 * PAGE,
				     &bitmap, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0x77, word);
}

/*
 * The second word of the bitmap cannot be written: what the first word speaks
 * of is unmapped, the rest is not, and the size is not written back.
 */
TEST_F(dirty, unmap_with_faulting_bitmap_is_efault_half_way)
{
	char *pages = mem_small(2 * PAGE);
	struct vfio_bitmap bitmap;
	__u64 *words, done, left;

	ASSERT_NE(NULL, pages);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	words = (void *)(pages + PAGE - sizeof(*words));
	*words = 0;
	bitmap = bitmap_words(words, 2);

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 64));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 64, 16));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(-EFAULT, dma_unmap_dirty(self->w.container, IOVA, 80 * PAGE,
					   &bitmap, &done));
	EXPECT_EQ(80 * PAGE, done);
	EXPECT_EQ(ALL_ONES, *words);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &left));
	EXPECT_EQ(16 * PAGE, left);
}

TEST_F(dirty, stop_forgets_and_start_begins_anew)
{
	__u64 word = 0;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, dirty_stop(self->w.container));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 4, 4));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 8, &word, 1));
	EXPECT_EQ(0xff, word);
}

TEST_F(dirty, plain_unmap_works_while_tracking)
{
	__u64 done;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(4 * PAGE, done);
}

/* 2 MiB and more in one mapping, so that many words are written at once. */
TEST_F(dirty, large_mapping_fills_all_its_words)
{
	__u64 words[17] = { 0 };
	char *mem = mem_small(4 * MIB);
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_pages(&self->w, mem, 0, 1024));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, get_pages(&self->w, 0, 1024, words, 17));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(ALL_ONES, words[i]);
	EXPECT_EQ(0, words[16]);
}

#define WORLD readdressed
#define WORLD_GROUPS 2
#define WORLD_BEGIN world_enter
#define WORLD_V2_ONLY
#define WORLD_VADDR
#include "world_fixture.h"

/* What an unmap gives back because it cannot report it is as before: without its address. */
TEST_F(readdressed, failed_unmap_gives_back_what_has_no_address)
{
	char *hole = mem_small(PAGE);
	struct vfio_bitmap bitmap = bitmap_words((__u64 *)hole, 1);

	ASSERT_EQ(0, munmap(hole, PAGE));
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, UNMAP_VADDR, NULL));
	EXPECT_EQ(-EFAULT, dma_unmap_dirty(self->w.container, IOVA, MEM_SIZE, &bitmap,
					   NULL));
	EXPECT_EQ(-EBUSY, world_join(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_VADDR));
	EXPECT_EQ(0, world_join(&self->w, 1));
}

TEST_HARNESS_MAIN
