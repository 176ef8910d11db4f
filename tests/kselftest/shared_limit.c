// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers that map memory at the same moment at the limit on locked memory: calls wait for each
 * other, hold nothing meanwhile, and in the end have what they would have had one after the other.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

/* More than a batch of it can be filled before the limit is reached. */
#define LARGE (156 * MIB)

enum { STILL_WAITING_US = 500000, POLL_US = 100, LARGE_PAGES = LARGE / PAGE };

/* Pages that come one by one, and after how long. */
enum { SLOW = 5, SLOW_US = 2000000 };

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

/* Container 0 waits for a page of @b, and has charged all of it; the limit allows @more pages. */
static void charge_all(struct __test_metadata *_metadata, struct world *w, struct mapper *mapper,
		       struct blocking_mem *b, long more)
{
	ASSERT_EQ(0, open_containers(w, MAPPERS));
	ASSERT_EQ(0, blocking_mem_open_part(b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(w->locked + PAGES + more));
	ASSERT_EQ(0, mapper_begin_blocked(mapper, 0, b));
}

/* Begins a map that has to wait. */
static void begin_waiting(struct __test_metadata *_metadata, struct mapper *mapper,
			  struct mapper what)
{
	*mapper = what;
	ASSERT_EQ(0, mapper_begin(mapper));
	usleep(STILL_WAITING_US);
	EXPECT_FALSE(mapper->done);
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
		begin_waiting(_metadata, &second, RW_MAPPER(1, b.mem, SOME - PAGE));
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

	charge_all(_metadata, &self->w, &first, &b, 16);
	begin_waiting(_metadata, &second, RW_MAPPER(1, b.mem, SOME));
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

	charge_all(_metadata, &self->w, &first, &b, 16);
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

/* It does not matter when the other one ends, nor that it is other memory. */
TEST_F(shared_limit, the_other_one_ends_at_the_wrong_moment)
{
	struct blocking_mem b, c;
	struct mapper first, second;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, blocking_mem_open_part(&c, SOME, SOME / 2, PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(self->w.locked + PAGES + PAGES / 2));
	ASSERT_EQ(0, mapper_begin_blocked(&first, 0, &b));
	/* it finds the limit reached, and waits for a page to see whether that needs a charge */
	ASSERT_EQ(0, mapper_begin_blocked(&second, 1, &c));
	ASSERT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, mapper_end(&first));
	ASSERT_EQ(0, blocking_mem_provide(&c));
	EXPECT_EQ(0, mapper_end(&second));
	EXPECT_HELD(PAGES);
	blocking_mem_close(&b);
	blocking_mem_close(&c);
}

/* Two have charged the same memory, so there is no room for @size bytes of other memory yet. */
static void charged_twice(struct __test_metadata *_metadata, struct world *w, __u64 size)
{
	struct mapper mapper[2], third;
	struct blocking_mem b;
	char *mem = mem_small(size);
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(w, MAPPERS));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(w->locked + 2 * PAGES));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, mapper_begin_blocked(&mapper[i], i, &b));
	begin_waiting(_metadata, &third, RW_MAPPER(2, mem, size));
	ASSERT_EQ(0, blocking_mem_provide(&b));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, mapper_end(&mapper[i]));
	EXPECT_EQ(0, mapper_end(&third));
	EXPECT_EQ(w->locked + PAGES + size / PAGE, locked_pages());
	EXPECT_TRUE(device_sees(w, 2, size - PAGE, mem));
	blocking_mem_close(&b);
}

TEST_F(shared_limit, other_memory_waits_too)
{
	charged_twice(_metadata, &self->w, SOME);
}

TEST_F(shared_limit, a_page_waits_too)
{
	charged_twice(_metadata, &self->w, PAGE);
}

/* Who comes now is not to take what those have been promised that take turns. */
TEST_F(shared_limit, who_comes_waits_for_those_that_take_turns)
{
	struct mapper first, second, third;
	char *mem = mem_small(PART);
	struct blocking_mem b;

	ASSERT_NE(NULL, mem);
	charge_all(_metadata, &self->w, &first, &b, PART_PAGES);
	begin_waiting(_metadata, &second, RW_MAPPER(1, b.mem, SOME));
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	begin_waiting(_metadata, &third, RW_MAPPER(2, mem, PART));
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, mapper_end(&first));
	EXPECT_EQ(0, mapper_end(&second));
	EXPECT_EQ(0, mapper_end(&third));
	EXPECT_HELD(PAGES + PART_PAGES);
	blocking_mem_close(&b);
}

/* A page comes now and then: that takes longer than anybody would wait for one that is stuck. */
TEST_F(shared_limit, who_goes_on_is_waited_for)
{
	struct mapper first, second;
	struct blocking_mem b;
	int i;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - SLOW * PAGE, SLOW * PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(self->w.locked + PAGES + 16));
	ASSERT_EQ(0, mapper_begin_blocked(&first, 0, &b));
	second = RW_MAPPER(1, b.mem, SOME - SLOW * PAGE);
	ASSERT_EQ(0, mapper_begin(&second));
	for (i = 1; i < SLOW; i++) {
		usleep(SLOW_US);
		ASSERT_EQ(0, blocking_mem_provide_first(&b, PAGE));
		ASSERT_EQ(0, blocking_mem_awaited(&b, SOON_MS));
	}
	EXPECT_FALSE(second.done);
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, mapper_end(&first));
	EXPECT_EQ(0, mapper_end(&second));
	EXPECT_HELD(PAGES);
	blocking_mem_close(&b);
}

/*
 * One that takes its turn is stuck. Who comes waits for it in vain, but only the first one, and
 * again when it has gone on.
 */
TEST_F(shared_limit, only_one_waits_for_who_is_stuck)
{
	struct mapper first, second, third;
	char *mem = mem_small(PART);
	struct blocking_mem b, c;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, blocking_mem_open_part(&c, SOME, SOME - 2 * PAGE, 2 * PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(self->w.locked + PAGES + PART_PAGES));
	ASSERT_EQ(0, mapper_begin_blocked(&first, 0, &b));
	begin_waiting(_metadata, &second, RW_MAPPER(1, c.mem, SOME));
	ASSERT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, mapper_end(&first));
	ASSERT_EQ(0, blocking_mem_awaited(&c, SOON_MS));
	begin_waiting(_metadata, &third, RW_MAPPER(2, mem, PART));
	EXPECT_EQ(0, mapper_end(&third));
	ASSERT_EQ(0, unmap(2, PART));
	third = RW_MAPPER(2, mem, PART);
	ASSERT_EQ(0, mapper_begin(&third));
	usleep(SLOW_US);
	EXPECT_TRUE(third.done);
	EXPECT_EQ(0, mapper_end(&third));
	ASSERT_EQ(0, unmap(2, PART));
	ASSERT_EQ(0, blocking_mem_provide_first(&c, PAGE));
	ASSERT_EQ(0, blocking_mem_awaited(&c, SOON_MS));
	begin_waiting(_metadata, &third, RW_MAPPER(2, mem, PART));
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	ASSERT_EQ(0, blocking_mem_provide(&c));
	EXPECT_EQ(0, mapper_end(&second));
	EXPECT_EQ(0, mapper_end(&third));
	EXPECT_HELD(PAGES + PART_PAGES);
	blocking_mem_close(&b);
	blocking_mem_close(&c);
}

/* What was a BAR when it gave way is memory when it tries again: others have it, too, then. */
TEST_F(shared_limit, who_waits_forgets_what_it_has_seen)
{
	struct mapper first, second;
	char *mem = mem_small(SOME);
	struct blocking_mem b;
	struct edu *edu;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, MAPPERS));
	edu = world_edu(&self->w, 1);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(mem + PART, mmap(mem + PART, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_FIXED, edu->device, 0));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(self->w.locked + PAGES + PAGES / 2));
	ASSERT_EQ(0, mapper_begin_blocked(&first, 0, &b));
	begin_waiting(_metadata, &second, RW_MAPPER(1, mem, SOME));
	ASSERT_EQ(mem + PART, mmap(mem + PART, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	ASSERT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, mapper_end(&first));
	EXPECT_EQ(0, mapper_end(&second));
	EXPECT_EQ(0, map_rw(2, mem, SOME));
	EXPECT_HELD(PAGES);
	blocking_mem_close(&b);
}

/* Pages pinned since the kernel was booted. */
static long pins_made(void)
{
	pinned_pages();
	return file_keyed_long("/proc/vmstat", "nr_foll_pin_acquired ");
}

TEST_F(shared_limit, what_can_never_fit_is_pinned_once)
{
	struct mapper first, second;
	char *mem = mem_small(SOME);
	struct blocking_mem b;
	long made;

	ASSERT_NE(NULL, mem);
	charge_all(_metadata, &self->w, &first, &b, PAGES / 2);
	begin_waiting(_metadata, &second, RW_MAPPER(1, mem, SOME));
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	made = pins_made();
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, mapper_end(&first));
	EXPECT_EQ(-ENOMEM, mapper_end(&second));
	/* those are what was missing, and what came with it */
	EXPECT_GE(made + 16, pins_made());
	EXPECT_HELD(PAGES);
	blocking_mem_close(&b);
}

TEST_HARNESS_MAIN
