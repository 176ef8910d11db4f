// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first real group joins emulated devices, or the last one leaves them, while
 * another call is on its way: every mapping ends up as the groups that are there want
 * it, pinned and charged as a whole or by what devices have pinned.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulated_fixture.h"
#include "lib/batch.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

/* type1 does not wait for such memory, or holds its lock meanwhile. */
#define EMULATED handover
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

#define OTHER (IOVA + GIB)

enum { SOON_MS = 20000, WAITING_US = 200000 };

static int map(struct world *w, __u64 iova, const void *mem, __u64 size)
{
	return dma_map(w->container, iova, mem, size, DMA_RW);
}

static long pinned(const struct world *w)
{
	return pinned_pages() - w->pinned;
}

/* The real group goes; a child may still have its descriptor. */
static int leave(struct world *w)
{
	return group_leave(w->slot[0].group);
}

/* A real group has begun to join: all at IOVA is pinned, the page at OTHER is missing. */
static void join_blocked(struct __test_metadata *_metadata, struct world *w,
			 char *mem, struct blocking_mem *b, struct call *join)
{
	ASSERT_EQ(0, map(w, IOVA, mem, MEM_SIZE));
	ASSERT_EQ(0, blocking_mem_open(b, PAGE));
	ASSERT_EQ(0, map(w, OTHER, b->mem, PAGE));
	join->body = call_join;
	join->w = w;
	ASSERT_EQ(0, call_begin_blocked(join, b));
}

static void unmap_waits(struct __test_metadata *_metadata, struct world *w,
			char *mem, __u64 iova, __u64 size)
{
	struct call unmap = { .body = call_unmap, .w = w, .iova = iova, .size = size };
	struct call join = { 0 };
	struct blocking_mem b;

	join_blocked(_metadata, w, mem, &b, &join);
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&join));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(size, unmap.unmapped);
	EXPECT_EQ(MEM_PAGES + 1 - size / PAGE, charged(w));
	blocking_mem_close(&b);
}

TEST_F(handover, unmap_of_what_is_pinned_waits_for_the_group)
{
	unmap_waits(_metadata, &self->w, self->mem, IOVA, MEM_SIZE);
}

TEST_F(handover, unmap_of_what_is_missing_waits_for_the_group)
{
	unmap_waits(_metadata, &self->w, self->mem, OTHER, PAGE);
}

static int call_many(struct call *call)
{
	return batch_run(call->w->container, call->data);
}

/* Each of them is exactly a mapping, which has a way of its own. */
TEST_F(handover, many_unmaps_wait_for_the_group)
{
	static struct batch batch;
	struct call unmaps = { .body = call_many, .w = &self->w, .data = &batch };
	struct call join = { 0 };
	struct blocking_mem b;

	join_blocked(_metadata, &self->w, self->mem, &b, &join);
	batch_unmap(&batch, IOVA, MEM_SIZE);
	batch_unmap(&batch, OTHER, PAGE);
	ASSERT_EQ(0, call_begin(&unmaps));
	EXPECT_TRUE(call_waits(&unmaps));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&join));
	EXPECT_EQ(0, call_result(&unmaps));
	EXPECT_EQ(2, batch.done);
	EXPECT_EQ(MEM_SIZE + PAGE, batch.unmapped);
	EXPECT_EQ(0, charged(&self->w));
	blocking_mem_close(&b);
}

/* Below and above what the group is at. */
TEST_F(handover, mappings_made_meanwhile_are_pinned_too)
{
	struct call join = { 0 };
	struct blocking_mem b;

	join_blocked(_metadata, &self->w, self->mem, &b, &join);
	EXPECT_EQ(0, map(&self->w, IOVA - MIB, self->mem, 4 * PAGE));
	EXPECT_EQ(0, map(&self->w, OTHER + MIB, self->mem, 8 * PAGE));
	EXPECT_TRUE(call_waits(&join));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&join));
	EXPECT_EQ(MEM_PAGES + 13, charged(&self->w));
	EXPECT_EQ(0, edu_copy(world_edu(&self->w, 0), IOVA - MIB, IOVA + 7 * PAGE));
	EXPECT_EQ(STAMP + 7, *(__u64 *)self->mem);
	world_close_device(&self->w, 0);
	EXPECT_EQ(0, leave(&self->w));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, pinned(&self->w));
	blocking_mem_close(&b);
}

/* One that an unmap has claimed may come back, and then is pinned. */
TEST_F(handover, group_waits_for_an_unmap_that_fails)
{
	struct call unmap = { .body = call_unmap_dirty, .w = &self->w, .iova = IOVA,
			      .size = MEM_SIZE };
	struct call join = { .body = call_join, .w = &self->w };
	struct blocking_mem b;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	unmap.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&unmap, &b));
	ASSERT_EQ(0, call_begin(&join));
	EXPECT_TRUE(call_waits(&join));
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&unmap));
	EXPECT_EQ(0, call_result(&join));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	blocking_mem_close(&b);
}

/* It counts against dma_entry_limit only while it charges nothing. */
TEST_F(handover, mapping_is_no_entry_while_a_group_is_there)
{
	long room = entries_room(BACKEND_BATCH, self->w.container);

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	EXPECT_EQ(room - 1, entries_room(BACKEND_BATCH, self->w.container));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(room, entries_room(BACKEND_BATCH, self->w.container));
	EXPECT_EQ(0, leave(&self->w));
	EXPECT_EQ(room - 1, entries_room(BACKEND_BATCH, self->w.container));
}

/* What the device has pinned is charged by its pins again. */
TEST_F(handover, group_that_cannot_come_leaves_the_account_as_it_was)
{
	struct call join = { 0 };
	struct blocking_mem b;

	ASSERT_EQ(0, map(&self->w, IOVA - MIB, self->mem, PAGE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA - MIB, 1, MOCK_READ));
	join_blocked(_metadata, &self->w, self->mem, &b, &join);
	EXPECT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 3, MOCK_READ));
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&join));
	EXPECT_EQ(4, charged(&self->w));
	EXPECT_EQ(4, pinned(&self->w));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA - MIB, 1));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + PAGE, 3));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, pinned(&self->w));
	blocking_mem_close(&b);
}

/*
 * An unmap is on its way and fails after the last real group has left: what it gives
 * back is recorded like everything else, and a later group finds it so.
 */

/* A real group is there, dirty pages are tracked, the device has pinned two pages. */
static void begin_tracked(struct __test_metadata *_metadata, struct world *w,
			  struct emulated *e, char *mem)
{
	ASSERT_EQ(0, map(w, IOVA, mem, MEM_SIZE));
	ASSERT_EQ(0, world_join(w, 0));
	ASSERT_EQ(0, dirty_start(w->container));
	ASSERT_EQ(0, emulated_pin(e, IOVA + PAGE, 2, MOCK_READ));
	ASSERT_EQ(MEM_PAGES, charged(w));
}

/* It is recorded; @pins pages are pinned. Comes and goes with a real group. */
static void is_recorded(struct __test_metadata *_metadata, struct world *w,
			struct emulated *e, long pins)
{
	EXPECT_EQ(pins, charged(w));
	EXPECT_EQ(pins, pinned(w));
	EXPECT_EQ(0, emulated_pin(e, IOVA + 9 * PAGE, 1, MOCK_READ));
	EXPECT_EQ(pins + 1, charged(w));
	EXPECT_EQ(0, world_join(w, 0));
	EXPECT_EQ(MEM_PAGES, charged(w));
	EXPECT_EQ(0, leave(w));
	EXPECT_EQ(pins + 1, charged(w));
	EXPECT_EQ(0, emulated_unpin(e, IOVA + 9 * PAGE, 1));
	EXPECT_EQ(pins, charged(w));
}

TEST_F(handover, unmap_whose_bitmap_faults_after_the_group_has_left)
{
	struct call unmap = { .body = call_unmap_dirty, .w = &self->w, .iova = IOVA,
			      .size = MEM_SIZE };
	struct blocking_mem b;

	begin_tracked(_metadata, &self->w, self->e, self->mem);
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	unmap.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&unmap, &b));
	EXPECT_EQ(0, leave(&self->w));
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&unmap));
	/* the device was told before, and has let go */
	is_recorded(_metadata, &self->w, self->e, 0);
	blocking_mem_close(&b);
}

/* In the child, which is killed. */
static void unmap_and_exit(struct world *w)
{
	_exit(dma_unmap(w->container, IOVA, MEM_SIZE, 0, NULL) ? 1 : 2);
}

/* It waits for a query of the dirty bits, which blocks. */
TEST_F(handover, unmap_that_is_killed_after_the_group_has_left)
{
	struct call get = { .body = call_dirty_get, .w = &self->w, .iova = IOVA,
			    .size = MEM_SIZE };
	struct blocking_mem b;
	int status;
	pid_t pid;

	begin_tracked(_metadata, &self->w, self->e, self->mem);
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	get.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&get, &b));
	pid = fork();
	if (!pid)
		unmap_and_exit(&self->w);
	ASSERT_LT(0, pid);
	usleep(WAITING_US);
	EXPECT_EQ(0, leave(&self->w));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	is_recorded(_metadata, &self->w, self->e, 2);
	blocking_mem_close(&b);
}

/* The same, but another group has come before it is killed. */
TEST_F(handover, unmap_that_is_killed_after_another_group_has_come)
{
	struct call get = { .body = call_dirty_get, .w = &self->w, .iova = IOVA,
			    .size = MEM_SIZE };
	struct blocking_mem b;
	int status;
	pid_t pid;

	begin_tracked(_metadata, &self->w, self->e, self->mem);
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	get.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&get, &b));
	pid = fork();
	if (!pid)
		unmap_and_exit(&self->w);
	ASSERT_LT(0, pid);
	usleep(WAITING_US);
	EXPECT_EQ(0, leave(&self->w));
	EXPECT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	EXPECT_EQ(0, edu_copy(world_edu(&self->w, 0), IOVA, IOVA + 7 * PAGE));
	EXPECT_EQ(STAMP + 7, *(__u64 *)self->mem);
	world_close_device(&self->w, 0);
	EXPECT_EQ(0, leave(&self->w));
	is_recorded(_metadata, &self->w, self->e, 2);
	blocking_mem_close(&b);
}

/* The real group waits for nothing that a kill does not end. */

/* A child that has mapped MEM_SIZE at IOVA, and whose address space is locked. */
static pid_t begin_locked_child(struct world *w, struct emulated *e, char *mem, int pins)
{
	struct mock_told told = { 0 };
	unsigned int ms;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (map(w, IOVA, mem, MEM_SIZE) ||
		    (pins && emulated_pin(e, IOVA, pins, MOCK_READ)))
			_exit(1);
		_exit(emulated_lock_mm(e) ? 2 : 0);
	}
	for (ms = 0; ms < SOON_MS && !emulated_told(e, &told) && !told.mm_locked; ms++)
		usleep(1000);
	return told.mm_locked ? pid : -ETIMEDOUT;
}

/* In the child, which is killed. */
static void join_and_exit(struct world *w)
{
	_exit(world_join(w, 0) ? 1 : 2);
}

static bool ends_soon(pid_t pid)
{
	unsigned int ms;
	int status;

	for (ms = 0; ms < SOON_MS; ms++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return true;
		usleep(1000);
	}
	return false;
}

static void join_is_killed(struct __test_metadata *_metadata, struct world *w,
			   struct emulated *e, char *mem, int pins)
{
	pid_t owner, joiner;
	int status;

	owner = begin_locked_child(w, e, mem, pins);
	ASSERT_LT(0, owner);
	joiner = fork();
	if (!joiner)
		join_and_exit(w);
	ASSERT_LT(0, joiner);
	usleep(WAITING_US);
	EXPECT_EQ(0, waitpid(joiner, &status, WNOHANG));
	EXPECT_EQ(0, kill(joiner, SIGKILL));
	EXPECT_TRUE(ends_soon(joiner));
	EXPECT_EQ(0, emulated_unlock_mm(e));
	EXPECT_EQ(owner, waitpid(owner, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(handover, group_can_be_killed_while_the_memory_is_locked)
{
	join_is_killed(_metadata, &self->w, self->e, self->mem, 0);
}

/* The account is changed first. */
TEST_F(handover, group_can_be_killed_while_pinned_memory_is_locked)
{
	join_is_killed(_metadata, &self->w, self->e, self->mem, 2);
}

TEST_HARNESS_MAIN
