// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers that map the same new memory at the same moment: each pins it, for none has been there
 * first; once all are done it is pinned and charged once.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/blocking_mem.h"
#include "shared_fixture.h"

enum { MAPPERS = 3, ROUNDS = 20, HUGE_POOL = 4 };
enum { SOON_MS = 20000, STILL_WAITING_US = 200000 };

#define WORLD at_once
#define WORLD_GROUPS MAPPERS
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

struct mapper {
	pthread_t thread;
	int container;
	char *mem;
	__u64 size;
	__u32 flags;
	pthread_barrier_t *gate;	/* what all wait at before they begin, or NULL */
	volatile bool done;
	int ret;
};

#define MAPPER(nr, at, bytes, access) \
	((struct mapper){ .container = nr, .mem = at, .size = bytes, .flags = access })
#define RW_MAPPER(nr, at, bytes) MAPPER(nr, at, bytes, DMA_RW)

static void *map_in_thread(void *arg)
{
	struct mapper *me = arg;

	if (me->gate)
		pthread_barrier_wait(me->gate);
	me->ret = map(me->container, me->mem, me->size, me->flags);
	me->done = true;
	return NULL;
}

static int mapper_begin(struct mapper *me)
{
	return -pthread_create(&me->thread, NULL, map_in_thread, me);
}

static int mapper_end(struct mapper *me)
{
	pthread_join(me->thread, NULL);
	return me->ret;
}

/* Begins a map that waits for the last page, which is missing; it has pinned all before that. */
static int mapper_begin_blocked(struct mapper *me, int container, struct blocking_mem *b)
{
	int ret;

	*me = RW_MAPPER(container, b->mem, b->size);
	ret = mapper_begin(me);
	return ret ? ret : blocking_mem_awaited(b, SOON_MS);
}

#define EXPECT_HELD(pages) do { \
	long _pages = pages; \
\
	EXPECT_EQ(self->w.locked + _pages, locked_pages()); \
	EXPECT_EQ(self->w.pinned + _pages, pinned_pages()); \
} while (0)

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
	int i;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, blocking_mem_open_part(&b, SOME, SOME - PAGE, PAGE));
	ASSERT_EQ(0, mapper_begin_blocked(&mapper[0], 0, &b));
	ASSERT_EQ(0, madvise(b.mem + SOME / 2, PAGE, MADV_DONTNEED));
	ASSERT_EQ(0, mapper_begin_blocked(&mapper[1], 1, &b));
	ASSERT_EQ(0, blocking_mem_provide(&b));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, mapper_end(&mapper[i]));
	EXPECT_HELD(2 * PAGES);
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

/* What is charged when all are done does not depend on who came first; @pins for all of it. */
static void map_all_at_once(struct __test_metadata *_metadata, struct world *w, char *mem,
			    long pins)
{
	struct mapper mapper[MAPPERS] = {};
	pthread_barrier_t gate;
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, pthread_barrier_init(&gate, NULL, MAPPERS));
	for (i = 0; i < MAPPERS; i++) {
		mapper[i] = RW_MAPPER(i, mem, SOME);
		mapper[i].gate = &gate;
		ASSERT_EQ(0, mapper_begin(&mapper[i]));
	}
	for (i = 0; i < MAPPERS; i++)
		EXPECT_EQ(0, mapper_end(&mapper[i]));
	EXPECT_EQ(w->locked + PAGES, locked_pages());
	EXPECT_EQ(w->pinned + pins, pinned_pages());
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_TRUE(device_sees(w, 1, SOME / 2, mem));
	EXPECT_EQ(w->locked + PAGES, locked_pages());
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_EQ(w->pinned + pins, pinned_pages());
	ASSERT_EQ(0, unmap(2, SOME));
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
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

/* Room for one of them at a time: whoever comes to the limit gives way, and shares in the end. */
TEST_F_TIMEOUT(at_once, limit_of_the_memory_is_enough, 300)
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
TEST_F_TIMEOUT(at_once, at_the_limit_one_waits_for_the_other_to_fail, 300)
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

TEST_F(at_once, at_the_limit_one_waits_for_the_other)
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

TEST_F(at_once, at_the_limit_nobody_waits_for_long)
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
