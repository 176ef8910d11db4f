// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of pages of hugetlb: several that one call pins, and one run that is the end of a huge page
 * and the start of the next one. Each page comes back as often as it was pinned.
 */
#include <unistd.h>

#include "hugetlb_fixture.h"
#include "batch_fixture.h"
#include "lib/agree.h"

#define WORLD hugetlb_parts
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

/* Puts the huge page of @fd at @offset there; false if it cannot. */
static bool put_page(char *there, int fd, off_t offset)
{
	return mmap(there, HUGE_2M, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
		    fd, offset) == there;
}

/* Two huge pages of @fd's MANY, of which the second follows the first in physical memory, too. */
static char *pages_in_a_row(int fd)
{
	char *all = mmap(NULL, MANY * HUGE_2M, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			 fd, 0);
	char *two = mem_aligned(2 * HUGE_2M);
	off_t i, j;

	if (all == MAP_FAILED || !two)
		return NULL;
	for (i = 0; i < MANY; i++) {
		for (j = 0; j < MANY; j++) {
			if (mem_frame(all + j * HUGE_2M) != mem_frame(all + i * HUGE_2M) + IN_2M)
				continue;
			return put_page(two, fd, i * HUGE_2M) &&
			       put_page(two + HUGE_2M, fd, j * HUGE_2M) ? two : NULL;
		}
	}
	return NULL;
}

/* Less than a huge page, of two: one run, and both have their pin. */
TEST_F(hugetlb_parts, end_of_one_and_start_of_the_next)
{
	const __u64 start = 400 * PAGE, size = 300 * PAGE;
	int fd = memfd_create("in a row", MFD_HUGETLB);
	char *mem;

	ASSERT_EQ(0, hugepages_set(MANY));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, MANY * HUGE_2M));
	mem = pages_in_a_row(fd);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_at(&self->w, FAR, mem + start, size));
	EXPECT_HELD(300, 2, 0);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + size - PAGE,
				   mem + start + size - PAGE));
	ASSERT_EQ(0, unmap_at(&self->w, FAR, size));
	EXPECT_HELD(0, 0, 0);
	close(fd);
}

#define WORLD hugetlb_batch
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

/* Each holds its own pages, though GUP is asked for all of them at once. */
TEST_F(hugetlb_batch, maps_inside_a_huge_page)
{
	const __u64 size = 8 * PAGE;
	unsigned int i;
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	for (i = 0; i < 32; i++)
		batch_map(&batch, FAR + i * MIB, mem + i * size, size);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_HELD(32 * 8, 0, 32 * 8);
	ASSERT_EQ(0, unmap_at(&self->w, FAR, size));
	EXPECT_HELD(31 * 8, 0, 31 * 8);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_HELD(0, 0, 0);
}

/* The parts of two huge pages that they have are pinned page by page, and go page by page. */
TEST_F(hugetlb_batch, maps_from_one_huge_page_into_the_next)
{
	const __u64 size = 8 * PAGE, before = 100 * PAGE;
	struct edu *edu = world_edu(&self->w, 0);
	unsigned int i;
	char *mem;

	with_pool(_metadata);
	mem = pages_2m(2 * HUGE_2M, MAP_PRIVATE);
	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, mem);
	mem += HUGE_2M - before;
	for (i = 0; i < 32; i++)
		batch_map(&batch, FAR + i * MIB, mem + i * size, size);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_HELD(32 * 8, 0, 32 * 8);
	EXPECT_EQ(0, device_agrees(edu, FAR, mem));
	EXPECT_EQ(0, device_agrees(edu, FAR + 12 * MIB + 7 * PAGE, mem + before + 3 * PAGE));
	ASSERT_EQ(0, unmap_at(&self->w, FAR + 12 * MIB, size));
	EXPECT_HELD(31 * 8, 0, 31 * 8);
	EXPECT_EQ(0, device_agrees(edu, FAR + 31 * MIB, mem + 31 * size));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_HELD(0, 0, 0);
}

TEST_HARNESS_MAIN
