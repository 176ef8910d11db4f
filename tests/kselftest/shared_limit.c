// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers that map the same memory at the same moment at the limit on locked memory, which
 * allows it once: calls wait for each other, hold nothing meanwhile, and share in the end.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

/* More than a batch of it can be filled before the limit is reached. */
#define LARGE (156 * MIB)

enum { STILL_WAITING_US = 200000, POLL_US = 100, LARGE_PAGES = LARGE / PAGE };

#define WORLD shared_limit
#define WORLD_GROUPS 3
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"
#include "shared_mappers.h"

/* Room for one of them at a time: whoever comes to the limit gives way, and shares in the end. */
TEST_F_TIMEOUT(shared_limit, limit_of_the_memory_is_enough, 300)
{
	int i;

	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(self->w.locked + PAGES + 16));
	for (i = 0; i < ROUNDS; i++) {
		char *mem = i % 2 ? mem_untouched(SOME) : mem_small(SOME);

		map_all_at_once(_metadata, &self->w, mem, PAGES);
		mem_free(mem, SOME);
	}
}

/* Container 0 waits for a page, and has charged all there is to charge. */
static void charge_all(struct __test_metadata *_metadata, struct world *w, struct mapper *mapper,
		       struct blocking_mem *b)
{
	ASSERT_EQ(0, open_containers(w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(w->locked + PAGES + 16));
	ASSERT_EQ(0, mapper_begin_blocked(mapper, 0, b));
}

/* The other one fails: by the time that it is no longer waited for, its room is free. */
TEST_F_TIMEOUT(shared_limit, one_waits_for_the_other_to_fail, 300)
{
	struct mapper first, second;
	struct blocking_mem b;
	int i;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(self->w.locked + PAGES));
	for (i = 0; i < ROUNDS / 2; i++) {
		ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
		ASSERT_EQ(0, mapper_begin_blocked(&first, 0, &b));
		second = RW_MAPPER(1, b.mem, SOME - PAGE);
		ASSERT_EQ(0, mapper_begin(&second));
		usleep(STILL_WAITING_US);
		EXPECT_FALSE(second.done);
		ASSERT_EQ(0, blocking_mem_withdraw(&b));
		EXPECT_EQ(-EFAULT, mapper_end(&first));
		EXPECT_EQ(0, mapper_end(&second));
		EXPECT_HELD(PAGES - 1);
		ASSERT_EQ(0, unmap(1, SOME - PAGE));
		blocking_mem_close(&b);
	}
}

TEST_F(shared_limit, one_waits_for_the_other)
{
	struct mapper first, second;
	struct blocking_mem b;

	charge_all(_metadata, &self->w, &first, &b);
	second = RW_MAPPER(1, b.mem, SOME);
	ASSERT_EQ(0, mapper_begin(&second));
	usleep(STILL_WAITING_US);
	EXPECT_FALSE(second.done);
	/* it holds nothing meanwhile */
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, mapper_end(&first));
	EXPECT_EQ(0, mapper_end(&second));
	EXPECT_HELD(PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, SOME - PAGE, b.mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_TRUE(device_sees(&self->w, 1, SOME / 2, b.mem));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_HELD(0);
	blocking_mem_close(&b);
}

/* Waits until more than @kept pages have been locked, and no longer are. */
static bool gives_back(long kept)
{
	bool more = false;
	int i;

	for (i = 0; i < SOON_MS * 1000 / POLL_US; i++) {
		if (locked_pages() > kept)
			more = true;
		else if (more)
			return true;
		usleep(POLL_US);
	}
	return false;
}

TEST_F_TIMEOUT(shared_limit, who_waits_has_nothing_filled_either, 300)
{
	struct mapper first, second;
	struct blocking_mem b;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, LARGE, 0, PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(self->w.locked + LARGE_PAGES));
	first = RW_MAPPER(0, b.mem, SOME);
	ASSERT_EQ(0, mapper_begin(&first));
	ASSERT_EQ(0, blocking_mem_awaited(&b, SOON_MS));
	second = RW_MAPPER(1, b.mem + PAGE, LARGE - PAGE);
	ASSERT_EQ(0, mapper_begin(&second));
	/* the other one has charged for what it is about to pin */
	EXPECT_TRUE(gives_back(self->w.locked + PAGES));
	EXPECT_FALSE(second.done);
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, mapper_end(&first));
	EXPECT_EQ(0, mapper_end(&second));
	EXPECT_HELD(LARGE_PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, 0, b.mem + PAGE));
	EXPECT_TRUE(device_sees(&self->w, 1, LARGE - 2 * PAGE, b.mem + PAGE));
	blocking_mem_close(&b);
}

TEST_F(shared_limit, nobody_waits_for_long)
{
	struct mapper first, second;
	struct blocking_mem b;

	charge_all(_metadata, &self->w, &first, &b);
	second = RW_MAPPER(1, b.mem, SOME);
	ASSERT_EQ(0, mapper_begin(&second));
	/* it ends though nobody provides the page */
	EXPECT_EQ(-ENOMEM, mapper_end(&second));
	EXPECT_FALSE(first.done);
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, mapper_end(&first));
	EXPECT_HELD(PAGES);
	ASSERT_EQ(0, map_rw(1, b.mem, SOME));
	EXPECT_HELD(PAGES);
	blocking_mem_close(&b);
}

TEST_HARNESS_MAIN
