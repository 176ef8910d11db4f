// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transparent huge pages that several mappings of one process have (shared.c), as wholes, in part,
 * or no longer the same.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"
#include "shared_worlds.h"

/* Opens two containers, and maps huge pages in the first. Return: the memory. */
static char *map_huge(struct __test_metadata *_metadata, struct world *w)
{
	char *mem = mem_thp(SOME);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	return mem;
}

TEST_F(shared, transparent_huge_pages)
{
	char *mem;

	NEED_THP();
	mem = map_huge(_metadata, &self->w);
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_CHARGED(PAGES, 2 * PAGES);
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_TRUE(device_sees(&self->w, 1, PART, mem));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_CHARGED(0, 0);
}

/* The old ones are pinned, so the new ones are others. */
TEST_F(shared, other_transparent_huge_pages_at_the_address)
{
	char *mem;

	NEED_THP();
	mem = map_huge(_metadata, &self->w);
	ASSERT_EQ(0, madvise(mem, SOME, MADV_DONTNEED));
	memset(mem, 1, SOME);
	ASSERT_EQ((long)(SOME / KIB), mem_thp_kib(mem));
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_CHARGED(2 * PAGES, 2 * PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, PART, mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_CHARGED(PAGES, PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, PART, mem));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_CHARGED(0, 0);
}

TEST_F(shared, transparent_huge_page_with_another_page_in_it)
{
	const long at = PART + 7 * PAGE;
	char *mem;

	NEED_THP();
	mem = map_huge(_metadata, &self->w);
	ASSERT_EQ(0, madvise(mem + at, PAGE, MADV_DONTNEED));
	mem[at] = 1;
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_CHARGED(PAGES + 1, 2 * PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, at, mem));
	EXPECT_TRUE(device_sees(&self->w, 1, at + PAGE, mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_CHARGED(PAGES, PAGES);
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_CHARGED(0, 0);
}

/* Parts of them are shared, page by page. */
TEST_F(shared, transparent_huge_pages_in_part)
{
	const long pages = 2 * PART_PAGES;
	char *mem;

	NEED_THP();
	mem = map_huge(_metadata, &self->w);
	ASSERT_EQ(0, map_rw(1, mem + PART / 2, 2 * PART));
	EXPECT_CHARGED(PAGES, PAGES + pages);
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_CHARGED(pages, pages);
	EXPECT_TRUE(device_sees(&self->w, 1, 2 * PART - PAGE, mem + PART / 2));
	ASSERT_EQ(0, unmap(1, 2 * PART));
	EXPECT_CHARGED(0, 0);
}

/* What a device may write is asked of the memory as it is now. */
TEST_F(shared, transparent_huge_pages_that_have_become_read_only)
{
	char *mem;

	NEED_THP();
	mem = map_huge(_metadata, &self->w);
	ASSERT_EQ(0, mprotect(mem, SOME, PROT_READ));
	EXPECT_EQ(-EFAULT, map_rw(1, mem, SOME));
	EXPECT_CHARGED(PAGES, PAGES);
	ASSERT_EQ(0, map(1, mem, SOME, DMA_READ));
	EXPECT_CHARGED(PAGES, 2 * PAGES);
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_CHARGED(PAGES, PAGES);
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_CHARGED(0, 0);
}

TEST_HARNESS_MAIN
