// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parts of pages of hugetlb that one call pins, and huge pages that follow one another in physical
 * memory: of two a part each, and of two sizes. Each page comes back as often as it was pinned.
 */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "hugetlb_fixture.h"
#include "batch_fixture.h"
#include "lib/agree.h"
#include "lib/source.h"

#define WORLD hugetlb_parts
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

/* A page of 1 GiB, in pages of the system and in those of 2 MiB. */
enum { GIB_PAGES = GIB / PAGE, GIB_2M = GIB / HUGE_2M };

/* All of a new file of @size bytes of huge pages (@flags), of which @fd is; NULL without. */
static char *new_file(size_t size, unsigned int flags, int *fd)
{
	char *mem;

	*fd = memfd_create("hugetlb", flags);
	if (*fd < 0 || ftruncate(*fd, size))
		return NULL;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, *fd, 0);
	return mem == MAP_FAILED ? NULL : mem;
}

/* Which of @nr huge pages of 2 MiB begins at @frame; -1 if none does. */
static int page_at(const char *mem, int nr, unsigned long frame)
{
	int i;

	for (i = 0; i < nr; i++)
		if (mem_frame(mem + i * HUGE_2M) == frame)
			return i;
	return -1;
}

/* Puts @size bytes of @fd's from @offset on there; false if it cannot. */
static bool put_part(char *there, size_t size, int fd, off_t offset)
{
	return mmap(there, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
		    offset) == there;
}

/* Two huge pages of MANY, of which the second follows the first in physical memory, too. */
static char *pages_in_a_row(void)
{
	char *two = mem_aligned(2 * HUGE_2M), *all;
	int fd, i, next = -1;

	all = new_file(MANY * HUGE_2M, MFD_HUGETLB, &fd);
	if (!all || !two)
		return NULL;
	for (i = 0; i < MANY && next < 0; i++)
		next = page_at(all, MANY, mem_frame(all + i * HUGE_2M) + IN_2M);
	return next >= 0 && put_part(two, HUGE_2M, fd, (i - 1) * HUGE_2M) &&
	       put_part(two + HUGE_2M, HUGE_2M, fd, next * HUGE_2M) ? two : NULL;
}

/* Less than a huge page, or as much, of two: one run, and both have their pin. */
TEST_F(hugetlb_parts, end_of_one_and_start_of_the_next)
{
	const __u64 start = 400 * PAGE, sizes[] = { 300 * PAGE, HUGE_2M };
	unsigned int i;
	char *mem;

	ASSERT_EQ(0, hugepages_set(MANY));
	mem = pages_in_a_row();
	ASSERT_NE(NULL, mem);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, map_at(&self->w, FAR, mem + start, sizes[i]));
		EXPECT_HELD((long)(sizes[i] / PAGE), 2, 0);
		EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + sizes[i] - PAGE,
					   mem + start + sizes[i] - PAGE));
		ASSERT_EQ(0, unmap_at(&self->w, FAR, sizes[i]));
		EXPECT_HELD(0, 0, 0);
	}
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

#define WORLD hugetlb_sizes
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

/* The first of two pages of 1 GiB that follow one another; the second is given back. */
static char *first_of_two(struct __test_metadata *_metadata, int *fd)
{
	unsigned int i;
	int fds[2];
	char *mem[2];

	for (i = 0; i < 2; i++) {
		mem[i] = new_file(GIB, MFD_HUGETLB | MFD_HUGE_1GB, &fds[i]);
		if (!mem[i]) {
			EXPECT_FALSE(promised("hugetlb"));
			SKIP_TEST("no pages of 1 GiB");
		}
	}
	i = mem_frame(mem[0]) > mem_frame(mem[1]);
	ASSERT_EQ(mem_frame(mem[i]) + GIB_PAGES, mem_frame(mem[!i]));
	ASSERT_EQ(0, munmap(mem[!i], GIB));
	ASSERT_EQ(0, close(fds[!i]));
	*fd = fds[i];
	return mem[i];
}

#define POOL_1G "/sys/kernel/mm/hugepages/hugepages-1048576kB/"

/* Makes pages of 2 MiB, the only ones, of a free page of 1 GiB; 0 or -errno. */
static int demote_page(void)
{
	int ret = hugepages_set(0);

	return ret ?: file_write(POOL_1G "demote", "1");
}

/*
 * Makes one of 1 GiB of them again; 0 or -errno. Not where the kernel says "Bad page state" of
 * pages that were demoted and are freed, as 7.2 does with hugetlb_free_vmemmap=on, also without
 * this module: they stay in the pool.
 */
static int restore_page(void)
{
	int ret;

	if (kernel_running() > KERNEL(6, 12) && source_vmemmap_is_freed())
		return 0;
	ret = hugepages_set(0) ?: file_write(POOL_1G "nr_hugepages", "2");
	return ret ?: file_read_long(POOL_1G "nr_hugepages") == 2 ? 0 : -ENOMEM;
}

/* A whole page of 1 GiB is a batch, to whose extents no other is added. */
TEST_F(hugetlb_sizes, end_of_a_page_of_1_gib_and_smaller_ones_behind_it)
{
	const __u64 start = GIB - 100 * PAGE, size = 100 * PAGE + 2 * HUGE_2M;
	char *area, *mem, *large, *small;
	int fd, fd_small, first, second;

	if (kernel_running() < KERNEL(5, 16))
		SKIP_TEST("the kernel splits no huge page of a pool");
	large = first_of_two(_metadata, &fd);
	ASSERT_EQ(0, demote_page());
	small = new_file(GIB, MFD_HUGETLB, &fd_small);
	ASSERT_NE(NULL, small);
	first = page_at(small, GIB_2M, mem_frame(large) + GIB_PAGES);
	second = page_at(small, GIB_2M, mem_frame(large) + GIB_PAGES + IN_2M);
	ASSERT_TRUE(first >= 0 && second >= 0);
	area = mem_untouched(3 * GIB);
	ASSERT_NE(NULL, area);
	mem = area + (-(uintptr_t)area & (GIB - 1));
	ASSERT_TRUE(put_part(mem, GIB, fd, 0) &&
		    put_part(mem + GIB, HUGE_2M, fd_small, first * HUGE_2M) &&
		    put_part(mem + GIB + HUGE_2M, HUGE_2M, fd_small, second * HUGE_2M));
	ASSERT_EQ(0, map_at(&self->w, FAR, mem + start, size));
	EXPECT_HELD(100 + 2 * IN_2M, 3, 0);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 0), FAR + size - PAGE,
				   mem + start + size - PAGE));
	ASSERT_EQ(0, unmap_at(&self->w, FAR, size));
	EXPECT_HELD(0, 0, 0);
	ASSERT_EQ(0, munmap(area, 3 * GIB) ?: munmap(small, GIB) ?: close(fd_small));
	EXPECT_EQ(0, restore_page());
}

TEST_HARNESS_MAIN
