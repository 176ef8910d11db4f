// SPDX-License-Identifier: GPL-2.0-only
/*
 * RLIMIT_MEMLOCK while calls are under way: at no time, and with any number of
 * threads, are more pages pinned than the limit allows and the account says.
 * What holds when calls have ended is accounting.c.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

/* Two steps of the kernel's, and a page that is missing. */
enum { THREADS = 16, PAGES = 2049, SOON_MS = 60000, APART = 20000 };

#define SIZE (PAGES * PAGE)

#define WORLD memlock
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

/* A MAP of memory whose last page is missing. */
struct caller {
	struct call map;
	struct blocking_mem b;
	bool blocked;
};

static int begin(struct caller *caller, struct world *w, unsigned int nr)
{
	int ret = blocking_mem_open_part(&caller->b, SIZE, SIZE - PAGE, PAGE);

	if (ret)
		return ret;
	caller->blocked = false;
	caller->map = (struct call){
		.body = call_map,
		.w = w,
		.iova = IOVA + nr * 16 * MIB,
		.size = SIZE,
		.data = caller->b.mem,
	};
	return call_begin(&caller->map);
}

/* How many of the calls have neither ended nor come to their last page. */
static unsigned int busy(struct caller *callers)
{
	unsigned int i, sum = 0;

	for (i = 0; i < THREADS; i++) {
		if (!callers[i].blocked && !blocking_mem_awaited(&callers[i].b, 0))
			callers[i].blocked = true;
		sum += !callers[i].blocked && !callers[i].map.done;
	}
	return sum;
}

/* Starts all of them; true when each has ended or waits for its last page. */
static bool all_wait(struct __test_metadata *_metadata, struct caller *callers, struct world *w)
{
	unsigned int i, ms;

	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, begin(&callers[i], w, i));
	for (ms = 0; busy(callers) && ms < SOON_MS; ms += 10)
		usleep(10000);
	return ms < SOON_MS;
}

/* Lets them end: how many of them have mapped their memory; the others must be ENOMEM. */
static unsigned int let_them_end(struct __test_metadata *_metadata, struct caller *callers)
{
	unsigned int i, good = 0;

	for (i = 0; i < THREADS; i++) {
		EXPECT_EQ(0, blocking_mem_provide(&callers[i].b));
		if (!call_result(&callers[i].map))
			good++;
		else
			EXPECT_EQ(-ENOMEM, callers[i].map.ret);
		blocking_mem_close(&callers[i].b);
	}
	return good;
}

TEST_F(memlock, calls_that_wait_hold_no_more_than_the_limit_between_them)
{
	struct caller callers[THREADS];

	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(PAGES - 1));
	EXPECT_TRUE(all_wait(_metadata, callers, &self->w));
	EXPECT_GE(PAGES - 1, pinned_pages() - self->w.pinned);
	EXPECT_GE(locked_pages() - self->w.locked, pinned_pages() - self->w.pinned);
	EXPECT_EQ(0, let_them_end(_metadata, callers));
	EXPECT_EQ(self->w.pinned, pinned_pages());
	EXPECT_EQ(self->w.locked, locked_pages());
}

TEST_F(memlock, room_for_three_is_given_to_three)
{
	struct caller callers[THREADS];

	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(3 * PAGES));
	EXPECT_TRUE(all_wait(_metadata, callers, &self->w));
	EXPECT_GE(3 * PAGES, pinned_pages() - self->w.pinned);
	EXPECT_LE(3 * (PAGES - 1), pinned_pages() - self->w.pinned);
	EXPECT_EQ(3, let_them_end(_metadata, callers));
	EXPECT_EQ(self->w.locked + 3 * PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + 3 * PAGES, pinned_pages());
}

/* What waits is on the account, also where no limit holds. */
TEST_F(memlock, calls_that_wait_are_charged_what_they_hold)
{
	struct caller callers[THREADS];

	EXPECT_TRUE(all_wait(_metadata, callers, &self->w));
	EXPECT_LE(THREADS * (PAGES - 1), pinned_pages() - self->w.pinned);
	EXPECT_GE(locked_pages() - self->w.locked, pinned_pages() - self->w.pinned);
	EXPECT_EQ(THREADS, let_them_end(_metadata, callers));
	EXPECT_EQ(self->w.locked + THREADS * PAGES, locked_pages());
}

/* Dies with pages pinned ahead of one that does not come. */
static void block_for_ever(struct world *w)
{
	struct caller caller;

	_exit(begin(&caller, w, 0) || call_result(&caller.map) ? 1 : 2);
}

TEST_F(memlock, who_is_killed_while_it_waits_leaves_nothing)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		block_for_ever(&self->w);
	ASSERT_LT(0, pid);
	while (pinned_pages() - self->w.pinned < PAGES - 1)
		usleep(1000);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

/* All but the missing page are the same one, so that no two follow each other in memory. */
static int scatter(struct blocking_mem *b)
{
	char *behind = b->missing + PAGE, *page;
	int fd, ret;

	page = mem_memfd(PAGE, &fd);
	if (!page)
		return -ENOMEM;
	ret = mem_repeat(b->mem, behind - PAGE - b->mem, fd, PAGE);
	if (!ret)
		ret = mem_repeat(behind, b->mem + b->size - behind, fd, PAGE);
	mem_free(page, PAGE);
	close(fd);
	return ret;
}

/*
 * The first turn takes 4,096 to 5,118 pages, and is charged for all. The next one, which waits, is
 * charged for as many as that took.
 */
TEST_F(memlock, of_scattered_memory_no_more_is_charged_ahead_than_is_taken)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = APART * PAGE };
	struct blocking_mem b;

	ASSERT_EQ(0, blocking_mem_open_part(&b, map.size, 6000 * PAGE, PAGE));
	ASSERT_EQ(0, scatter(&b));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	EXPECT_LE(6000, locked_pages() - self->w.locked);
	EXPECT_GE(2 * 5118, locked_pages() - self->w.locked);
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	EXPECT_EQ(self->w.locked + APART, locked_pages());
	EXPECT_EQ(self->w.pinned + APART, pinned_pages());
	blocking_mem_close(&b);
}

TEST_HARNESS_MAIN
