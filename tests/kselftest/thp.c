// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transparent huge pages that are mapped as a whole, or in part, or are no longer whole: each page
 * has one pin and one charge, and the device reaches what is there. Other cases of reaching them
 * are in memory_kinds.c, sharing them is shared_thp.c, what the kernel does with them movers.c.
 */
#include <sys/mman.h>

#include "fixture.h"
#include "lib/agree.h"

#define FAR (IOVA + GIB)

enum { IN_HUGE = HUGE_2M / PAGE };

#define WORLD thp
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

static void holds(struct __test_metadata *_metadata, struct world *w, long pages)
{
	EXPECT_EQ(w->locked + pages, locked_pages());
	EXPECT_EQ(w->pinned + pages, pinned_pages());
}

static int map(struct world *w, const char *mem, long pages, __u32 flags)
{
	return dma_map(w->container, FAR, mem, pages * PAGE, flags);
}

/* Unmaps @pages at @at; @left stay. */
static void unmaps(struct __test_metadata *_metadata, struct world *w, long at, long pages,
		   long left)
{
	EXPECT_EQ(0, dma_unmap(w->container, FAR + at * PAGE, pages * PAGE, 0, NULL));
	holds(_metadata, w, left);
}

/*
 * Two huge pages that don't follow one another in memory: else what goes on too far in the first
 * would find the second.
 */
static char *two_apart(void)
{
	const int how = MREMAP_MAYMOVE | MREMAP_FIXED;
	char *mem = mem_thp(3 * HUGE_2M);

	if (!mem || mem_frame(mem) + IN_HUGE != mem_frame(mem + HUGE_2M))
		return mem;
	if (mremap(mem + 2 * HUGE_2M, HUGE_2M, HUGE_2M, how, mem + HUGE_2M) == MAP_FAILED)
		return NULL;
	return mem;
}

TEST_F(thp, each_page_is_pinned)
{
	char *mem = mem_thp(4 * HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, mem, 4 * IN_HUGE, DMA_RW));
	holds(_metadata, &self->w, 4 * IN_HUGE);
	unmaps(_metadata, &self->w, 0, 4 * IN_HUGE, 0);
}

TEST_F(thp, mapping_begins_and_ends_inside)
{
	const long first = IN_HUGE - 33, pages = first + IN_HUGE - 50;
	struct edu *edu = world_edu(&self->w, 0);
	char *mem = two_apart();

	NEED_THP();
	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(mem_frame(mem) + IN_HUGE, mem_frame(mem + HUGE_2M));
	ASSERT_EQ(0, map(&self->w, mem + 33 * PAGE, pages, DMA_RW));
	holds(_metadata, &self->w, pages);
	EXPECT_EQ(0, device_agrees(edu, FAR, mem + 33 * PAGE));
	EXPECT_EQ(0, device_agrees(edu, FAR + first * PAGE, mem + HUGE_2M));
	unmaps(_metadata, &self->w, 0, pages, 0);
}

TEST_F(thp, two_mappings_of_a_half_each)
{
	const long half = IN_HUGE / 2;
	char *mem = mem_thp(HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, mem, half, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, FAR + half * PAGE, mem + half * PAGE, half * PAGE,
			     DMA_RW));
	holds(_metadata, &self->w, IN_HUGE);
	unmaps(_metadata, &self->w, 0, half, half);
	unmaps(_metadata, &self->w, half, half, 0);
}

TEST_F(thp, memory_to_read)
{
	char *mem = mem_thp(2 * HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, mem, 2 * IN_HUGE, DMA_READ));
	holds(_metadata, &self->w, 2 * IN_HUGE);
	unmaps(_metadata, &self->w, 0, 2 * IN_HUGE, 0);
	ASSERT_EQ(0, mprotect(mem, 2 * HUGE_2M, PROT_READ));
	EXPECT_EQ(-EFAULT, map(&self->w, mem, 2 * IN_HUGE, DMA_RW));
	holds(_metadata, &self->w, 0);
	ASSERT_EQ(0, map(&self->w, mem, 2 * IN_HUGE, DMA_READ));
	holds(_metadata, &self->w, 2 * IN_HUGE);
	unmaps(_metadata, &self->w, 0, 2 * IN_HUGE, 0);
}

TEST_F(thp, page_that_goes_while_it_is_mapped)
{
	char *mem = mem_thp(2 * HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, mem, 2 * IN_HUGE, DMA_RW));
	ASSERT_EQ(0, madvise(mem + 7 * PAGE, PAGE, MADV_DONTNEED));
	mem[7 * PAGE] = 1;
	holds(_metadata, &self->w, 2 * IN_HUGE);
	ASSERT_EQ(0, munmap(mem + HUGE_2M + PAGE, HUGE_2M - PAGE));
	unmaps(_metadata, &self->w, 0, 2 * IN_HUGE, 0);
}

/* The folio is the same as before, but for that page. */
TEST_F(thp, page_that_is_another_one_before_it_is_mapped)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem = mem_thp(2 * HUGE_2M);
	unsigned long was;

	NEED_THP();
	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, mem);
	was = mem_frame(mem + 300 * PAGE);
	ASSERT_EQ(0, madvise(mem + 300 * PAGE, PAGE, MADV_DONTNEED));
	mem_fill(mem + 300 * PAGE, PAGE, 3);
	EXPECT_NE(was, mem_frame(mem + 300 * PAGE));
	ASSERT_EQ(0, map(&self->w, mem, 2 * IN_HUGE, DMA_RW));
	holds(_metadata, &self->w, 2 * IN_HUGE);
	EXPECT_EQ(0, device_agrees(edu, FAR + 300 * PAGE, mem + 300 * PAGE));
	unmaps(_metadata, &self->w, 0, 2 * IN_HUGE, 0);
}

TEST_F(thp, limit_is_exact_in_the_second)
{
	char *mem = mem_thp(2 * HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(2 * IN_HUGE - 1));
	EXPECT_EQ(-ENOMEM, map(&self->w, mem, 2 * IN_HUGE, DMA_RW));
	holds(_metadata, &self->w, 0);
	ASSERT_EQ(0, map(&self->w, mem, 2 * IN_HUGE - 1, DMA_RW));
	holds(_metadata, &self->w, 2 * IN_HUGE - 1);
	unmaps(_metadata, &self->w, 0, 2 * IN_HUGE - 1, 0);
	ASSERT_EQ(0, limit_locked_pages(2 * IN_HUGE));
	EXPECT_EQ(0, map(&self->w, mem, 2 * IN_HUGE, DMA_RW));
	unmaps(_metadata, &self->w, 0, 2 * IN_HUGE, 0);
}

TEST_HARNESS_MAIN
