// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers that map the same new memory at the same moment: each pins it, for none has been there
 * first; once all are done it is pinned and charged once.
 */
#include <sys/mman.h>

#include "fixture.h"
#include "shared_fixture.h"

enum { HUGE_POOL = 4 };

#define WORLD at_once
#define WORLD_GROUPS 3
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"
#include "shared_mappers.h"

/* The other one does not wait for the fault of the first one. */
TEST_F(at_once, each_has_pinned_all_but_a_page)
{
	struct mapper mapper[MAPPERS] = {};
	struct blocking_mem b;
	int i;

	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	for (i = 0; i < MAPPERS; i++)
		ASSERT_EQ(0, mapper_begin_blocked(&mapper[i], i, &b));
	EXPECT_LE(self->w.pinned + MAPPERS * (PAGES - 2), pinned_pages());
	ASSERT_EQ(0, blocking_mem_provide(&b));
	for (i = 0; i < MAPPERS; i++)
		EXPECT_EQ(0, mapper_end(&mapper[i]));
	EXPECT_HELD(PAGES);
	for (i = 0; i < MAPPERS; i++) {
		EXPECT_TRUE(device_sees(&self->w, i, 0, b.mem));
		EXPECT_TRUE(device_sees(&self->w, i, SOME - PAGE, b.mem));
	}
	for (i = 0; i < MAPPERS; i++) {
		EXPECT_HELD(PAGES);
		EXPECT_TRUE(device_sees(&self->w, i, SOME / 2, b.mem));
		ASSERT_EQ(0, unmap(i, SOME));
	}
	EXPECT_HELD(0);
	blocking_mem_close(&b);
}

/* The same addresses, and a page is another one: each keeps what it has. */
TEST_F(at_once, a_page_was_changed_between)
{
	struct mapper mapper[2] = {};
	struct blocking_mem b;
	long held;
	int i;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, mapper_begin_blocked(&mapper[0], 0, &b));
	ASSERT_EQ(0, madvise(b.mem + SOME / 2, PAGE, MADV_DONTNEED));
	ASSERT_EQ(0, mapper_begin_blocked(&mapper[1], 1, &b));
	ASSERT_EQ(0, blocking_mem_provide(&b));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, mapper_end(&mapper[i]));
	held = locked_pages() - self->w.locked;
	/* the page that was missing is borrowed if the other one has offered it by then */
	EXPECT_TRUE(held == 2 * PAGES || held == 2 * PAGES - 1);
	EXPECT_EQ(self->w.pinned + held, pinned_pages());
	EXPECT_TRUE(device_sees(&self->w, 1, SOME / 2, b.mem));
	EXPECT_TRUE(device_sees(&self->w, 1, 0, b.mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_HELD(PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, SOME / 2, b.mem));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_HELD(0);
	blocking_mem_close(&b);
}

/*
 * One waits for a page, and another one that comes later is done first, with @theirs; then the
 * first one, with @mine, goes on. Containers are 0 and 1.
 */
static void overtake(struct __test_metadata *_metadata, struct blocking_mem *b,
		     struct mapper *mine, struct mapper *theirs)
{
	ASSERT_EQ(0, mapper_begin(mine));
	ASSERT_EQ(0, blocking_mem_awaited(b, SOON_MS));
	ASSERT_EQ(0, blocking_mem_provide_quietly(b));
	ASSERT_EQ(0, map(theirs->container, theirs->mem, theirs->size, theirs->flags));
	EXPECT_FALSE(mine->done);
	ASSERT_EQ(0, blocking_mem_wake(b));
	EXPECT_EQ(0, mapper_end(mine));
}

TEST_F(at_once, a_part_of_what_another_one_has_offered)
{
	struct blocking_mem b;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	overtake(_metadata, &b, &RW_MAPPER(0, b.mem + PART, SOME - PART),
		 &RW_MAPPER(1, b.mem, SOME));
	EXPECT_HELD(PAGES);
	EXPECT_TRUE(device_sees(&self->w, 0, 0, b.mem + PART));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_HELD(PAGES - PART_PAGES);
	EXPECT_TRUE(device_sees(&self->w, 0, SOME - PART - PAGE, b.mem + PART));
	ASSERT_EQ(0, unmap(0, SOME - PART));
	EXPECT_HELD(0);
	blocking_mem_close(&b);
}

/* What was pinned before the other one was done is its own, the rest is borrowed already. */
TEST_F(at_once, half_of_it_is_borrowed_already)
{
	struct blocking_mem b;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, PART, PAGE));
	overtake(_metadata, &b, &RW_MAPPER(0, b.mem, SOME), &RW_MAPPER(1, b.mem, SOME));
	EXPECT_HELD(PAGES);
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_HELD(PAGES);
	EXPECT_TRUE(device_sees(&self->w, 0, PART, b.mem));
	EXPECT_TRUE(device_sees(&self->w, 0, SOME - PAGE, b.mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_HELD(0);
	blocking_mem_close(&b);
}

/* It covers only a part, and is found though nothing had been there before. */
TEST_F(at_once, the_second_half_is_offered_meanwhile)
{
	struct blocking_mem b;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, 0, PAGE));
	overtake(_metadata, &b, &RW_MAPPER(0, b.mem, SOME),
		 &RW_MAPPER(1, b.mem + SOME / 2, SOME / 2));
	EXPECT_HELD(PAGES);
	ASSERT_EQ(0, unmap(1, SOME / 2));
	EXPECT_HELD(PAGES);
	EXPECT_TRUE(device_sees(&self->w, 0, SOME - PAGE, b.mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_HELD(0);
	blocking_mem_close(&b);
}

/* Who only reads uses what was pinned for writing, not the other way round. */
TEST_F(at_once, the_first_one_to_be_done_may_write)
{
	struct blocking_mem b;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	overtake(_metadata, &b, &MAPPER(0, b.mem, SOME, DMA_READ), &RW_MAPPER(1, b.mem, SOME));
	EXPECT_HELD(PAGES);
	blocking_mem_close(&b);
}

TEST_F(at_once, the_first_one_to_be_done_only_reads)
{
	struct blocking_mem b;
	long held;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	overtake(_metadata, &b, &RW_MAPPER(0, b.mem, SOME), &MAPPER(1, b.mem, SOME, DMA_READ));
	held = locked_pages() - self->w.locked;
	/* to who only reads, the page that was missing may be the zero page */
	EXPECT_TRUE(held == 2 * PAGES || held == 2 * PAGES - 1);
	EXPECT_EQ(self->w.pinned + held, pinned_pages());
	EXPECT_TRUE(device_sees(&self->w, 0, SOME / 2, b.mem));
	blocking_mem_close(&b);
}

/* A map that fails while others are under way leaves theirs alone. */
TEST_F(at_once, one_does_not_get_the_last_page)
{
	struct mapper mapper[MAPPERS] = {};
	struct blocking_mem b;
	int i;

	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	for (i = 0; i < MAPPERS; i++)
		ASSERT_EQ(0, mapper_begin_blocked(&mapper[i], i, &b));
	ASSERT_EQ(0, blocking_mem_withdraw(&b));
	for (i = 0; i < MAPPERS; i++)
		EXPECT_EQ(-EFAULT, mapper_end(&mapper[i]));
	EXPECT_HELD(0);
	ASSERT_EQ(0, map_rw(0, b.mem, SOME - PAGE));
	ASSERT_EQ(0, map_rw(1, b.mem, SOME - PAGE));
	EXPECT_HELD(PAGES - 1);
	blocking_mem_close(&b);
}

TEST_F_TIMEOUT(at_once, small_pages, 300)
{
	int i;

	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	for (i = 0; i < ROUNDS; i++) {
		char *mem = i % 2 ? mem_untouched(SOME) : mem_scattered(SOME);

		map_all_at_once(_metadata, &self->w, mem, PAGES);
		mem_free(mem, SOME);
	}
}

TEST_F_TIMEOUT(at_once, a_memfd, 300)
{
	char *mem = mem_memfd(SOME, NULL);
	int i;

	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	for (i = 0; i < ROUNDS; i++)
		map_all_at_once(_metadata, &self->w, mem, PAGES);
}

TEST_F_TIMEOUT(at_once, huge_pages, 300)
{
	char *mem;
	int i;

	ASSERT_EQ(0, hugepages_set(HUGE_POOL));
	mem = mmap(NULL, SOME, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	for (i = 0; i < ROUNDS; i++)
		map_all_at_once(_metadata, &self->w, mem, SOME / HUGE_2M);
	ASSERT_EQ(0, munmap(mem, SOME));
	ASSERT_EQ(0, hugepages_set(0));
}

TEST_HARNESS_MAIN
