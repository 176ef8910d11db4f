// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls whose page fault blocks: they wait, and nobody else does who does not need
 * that very range. Who needs it waits too, and what waits can be killed.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

enum { LATE_PAGES = 8, SOON_MS = 20000, STILL_WAITING_US = 200000 };

#define LATE_SIZE (LATE_PAGES * PAGE)
/* More than are asked for without a look at who else asks. */
#define MANY_SIZE (64 * PAGE)

/* Which backends wait for such memory at all. */
#define WORLD blocked
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

TEST_F(blocked, map_waits_for_its_memory)
{
	long wanted = expected(self->w.mode, DIFF_USERFAULT);
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = LATE_SIZE };
	struct blocking_mem b;

	ASSERT_EQ(0, blocking_mem_open(&b, LATE_SIZE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin(&map));
	if (!wanted) {
		EXPECT_EQ(0, blocking_mem_awaited(&b, SOON_MS));
		EXPECT_FALSE(map.done);
		EXPECT_EQ(0, blocking_mem_provide(&b));
	}
	EXPECT_EQ(wanted, call_result(&map));
	EXPECT_EQ(wanted ? 0 : LATE_PAGES, locked_pages() - self->w.locked);
	blocking_mem_close(&b);
}

/* The rest is about a call that waits, so not about type1. */
#define WORLD meanwhile
#define WORLD_GROUPS 2
#define WORLD_BATCH_ONLY
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* Opens the container with the first group and starts a map that waits. */
static void map_and_wait(struct __test_metadata *_metadata, struct world *w,
			 struct blocking_mem *b, struct call *map)
{
	ASSERT_EQ(0, world_set_up(w, 1));
	ASSERT_EQ(0, blocking_mem_open(b, LATE_SIZE));
	*map = (struct call) {
		.body = call_map, .w = w, .iova = IOVA, .size = LATE_SIZE, .data = b->mem,
	};
	ASSERT_EQ(0, call_begin_blocked(map, b));
}

/* The memory is there now, and the call is done. */
static void let_it_end(struct __test_metadata *_metadata, struct blocking_mem *b,
		       struct call *call)
{
	EXPECT_FALSE(call->done);
	EXPECT_EQ(0, blocking_mem_provide(b));
	EXPECT_EQ(0, call_result(call));
	blocking_mem_close(b);
}

TEST_F(meanwhile, other_ranges_are_mapped_and_unmapped)
{
	struct blocking_mem b;
	struct call map;
	__u64 done;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(0, dma_map(self->w.container, IOVA + MIB, self->mem,
			     MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA + MIB, MEM_SIZE, 0,
			       &done));
	EXPECT_EQ(MEM_SIZE, done);
	let_it_end(_metadata, &b, &map);
}

/* It waits for its turn at that memory, but not until the other call ends. */
TEST_F(meanwhile, a_part_of_the_same_memory_is_mapped)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = MANY_SIZE };
	struct blocking_mem b;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, blocking_mem_open_part(&b, MANY_SIZE, MANY_SIZE - PAGE, PAGE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	EXPECT_EQ(0, dma_map(self->w.container, IOVA + MIB, b.mem, MANY_SIZE - PAGE, DMA_RW));
	let_it_end(_metadata, &b, &map);
}

TEST_F(meanwhile, questions_are_answered)
{
	struct blocking_mem b;
	struct call map;
	struct info info;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(1, container_extension(self->w.container,
					 VFIO_UPDATE_VADDR));
	EXPECT_EQ(NULL, world_proof(&self->w));
	let_it_end(_metadata, &b, &map);
}

TEST_F(meanwhile, dirty_tracking_is_switched_and_finds_it_afterwards)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);
	struct blocking_mem b;
	struct call map;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(0, dirty_start(self->w.container));
	let_it_end(_metadata, &b, &map);
	EXPECT_EQ(0, dirty_get(self->w.container, IOVA, LATE_SIZE, &bitmap));
	EXPECT_EQ((1 << LATE_PAGES) - 1, word);
}

TEST_F(meanwhile, a_group_joins_and_reaches_the_memory_when_it_is_there)
{
	struct blocking_mem b;
	struct call map;
	struct edu *edu;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(0, world_join(&self->w, 1));
	EXPECT_FALSE(map.done);
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	edu = world_edu(&self->w, 1);
	ASSERT_NE(NULL, edu);
	mem_fill(b.mem, PAGE, 3);
	EXPECT_EQ(0, edu_copy(edu, IOVA + PAGE, IOVA));
	EXPECT_TRUE(mem_is(b.mem + PAGE, EDU_CHUNK, 3));
	blocking_mem_close(&b);
}

/* Starts @other, which must wait for @first; its result once that is done. */
static int waits_for(struct __test_metadata *_metadata, struct blocking_mem *b,
		     struct call *first, struct call *other)
{
	ASSERT_EQ(0, call_begin(other));
	EXPECT_TRUE(call_waits(other));
	let_it_end(_metadata, b, first);
	return call_result(other);
}

TEST_F(meanwhile, map_of_the_same_range_waits_and_is_eexist)
{
	struct call again = { .body = call_map, .w = &self->w, .iova = IOVA, .size = LATE_SIZE,
			      .data = self->mem };
	struct blocking_mem b;
	struct call map;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(-EEXIST, waits_for(_metadata, &b, &map, &again));
}

TEST_F(meanwhile, unmap_of_the_range_waits_and_takes_it)
{
	struct call unmap = { .body = call_unmap, .w = &self->w, .iova = IOVA, .size = LATE_SIZE };
	struct blocking_mem b;
	struct call map;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(0, waits_for(_metadata, &b, &map, &unmap));
	EXPECT_EQ(LATE_SIZE, unmap.unmapped);
}

TEST_F(meanwhile, unmap_all_waits_and_takes_it)
{
	struct call unmap = { .body = call_unmap_all, .w = &self->w };
	struct blocking_mem b;
	struct call map;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(0, waits_for(_metadata, &b, &map, &unmap));
	EXPECT_EQ(LATE_SIZE, unmap.unmapped);
}

/* The container ends under the call, which fails; nothing stays behind. */
TEST_F(meanwhile, the_last_group_leaves)
{
	struct call leave = { .body = call_leave, .w = &self->w };
	struct blocking_mem b;
	struct call map;

	map_and_wait(_metadata, &self->w, &b, &map);
	ASSERT_EQ(0, call_begin(&leave));
	EXPECT_TRUE(call_ends(&leave));
	EXPECT_FALSE(map.done);
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&leave));
	EXPECT_EQ(-EINVAL, call_result(&map));
	EXPECT_EQ(NULL, world_leak(&self->w));
	blocking_mem_close(&b);
}

/* No container is left, but the call is still in the module's code. */
TEST_F(meanwhile, the_module_stays_while_the_call_lasts)
{
	struct blocking_mem b;
	struct call map;

	map_and_wait(_metadata, &self->w, &b, &map);
	EXPECT_EQ(0, group_leave(self->w.slot[0].group));
	EXPECT_FALSE(map.done);
	EXPECT_EQ(1, backend_count(BACKEND_BATCH));
	if (backend_count(BACKEND_BATCH))
		EXPECT_EQ(-EWOULDBLOCK, backend_remove(BACKEND_BATCH));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_NE(0, call_result(&map));
	EXPECT_EQ(0, backend_count(BACKEND_BATCH));
	blocking_mem_close(&b);
}

/* In the child: waits for ever. */
static void wait_for_ever(struct world *w)
{
	struct call map = { .body = call_map, .w = w, .iova = IOVA, .size = LATE_SIZE };
	struct blocking_mem b;

	if (world_set_up(w, 1))
		_exit(1);
	if (blocking_mem_open(&b, LATE_SIZE))
		_exit(2);
	map.data = b.mem;
	_exit(call_map(&map) ? 3 : 4);
}

TEST_F(meanwhile, who_waits_can_be_killed_and_leaves_nothing)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		wait_for_ever(&self->w);
	ASSERT_LT(0, pid);
	usleep(STILL_WAITING_US);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(NULL, world_leak(&self->w));
}

/* Starts a GET_BITMAP of a mapping that is there, which waits for its bitmap. */
static void get_and_wait(struct __test_metadata *_metadata, struct world *w,
			 char *mem, struct blocking_mem *b, struct call *get)
{
	ASSERT_EQ(0, world_set_up(w, 1));
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dirty_start(w->container));
	ASSERT_EQ(0, blocking_mem_open(b, PAGE));
	*get = (struct call) {
		.body = call_dirty_get, .w = w, .iova = IOVA, .size = MEM_SIZE, .data = b->mem,
	};
	ASSERT_EQ(0, call_begin_blocked(get, b));
}

TEST_F(meanwhile, get_bitmap_waits_for_its_bitmap)
{
	struct blocking_mem b;
	struct call get;

	get_and_wait(_metadata, &self->w, self->mem, &b, &get);
	EXPECT_EQ(0, dma_map(self->w.container, IOVA + MIB, self->mem,
			     MEM_SIZE, DMA_RW));
	EXPECT_TRUE(call_waits(&get));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	EXPECT_EQ(~0ULL, *(__u64 *)b.mem);
	blocking_mem_close(&b);
}

TEST_F(meanwhile, get_bitmap_whose_bitmap_goes_is_efault)
{
	struct blocking_mem b;
	struct call get;

	get_and_wait(_metadata, &self->w, self->mem, &b, &get);
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&get));
	blocking_mem_close(&b);
}

TEST_F(meanwhile, unmap_waits_for_its_bitmap)
{
	struct call unmap = { .body = call_unmap_dirty, .w = &self->w, .iova = IOVA,
			      .size = MEM_SIZE };
	struct blocking_mem b;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	unmap.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&unmap, &b));
	EXPECT_EQ(MEM_PAGES, locked_pages() - self->w.locked);
	let_it_end(_metadata, &b, &unmap);
	EXPECT_EQ(MEM_SIZE, unmap.unmapped);
	EXPECT_EQ(0, locked_pages() - self->w.locked);
}

/* Active objects of mm_struct in the whole system. */
static long address_spaces(void)
{
	return file_keyed_long("/proc/slabinfo", "mm_struct ");
}

/* The child gives an address to what is being mapped: it waits until it is killed. */
static void give_and_exit(struct world *w, char *mem)
{
	_exit(dma_map(w->container, IOVA, mem, LATE_SIZE, DMA_VADDR) ? 1 : 2);
}

/* Does the child sleep where only a kill wakes it, or has it ended? */
static bool is_waiting(pid_t pid)
{
	char path[32], stat[256], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, stat, sizeof(stat)) <= 0)
		return true;
	at = strrchr(stat, ')');
	return at && (at[2] == 'D' || at[2] == 'Z');
}

/*
 * A reference to a process that is killed while it waits would keep its address space.
 * The slab has some at hand for each CPU, so a few do not count.
 */
TEST_F(meanwhile, a_thousand_are_killed_while_they_wait_and_forgotten)
{
	enum { KILLS = 1000, SLACK = 200 };
	struct blocking_mem b;
	struct call map;
	long before = 0;
	int i, status;
	pid_t pid;

	map_and_wait(_metadata, &self->w, &b, &map);
	for (i = 0; i < SLACK + KILLS; i++) {
		if (i == SLACK)
			before = address_spaces();
		pid = fork();
		if (!pid)
			give_and_exit(&self->w, self->mem);
		ASSERT_LT(0, pid);
		while (!is_waiting(pid))
			sched_yield();
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	ASSERT_LT(0, before);
	EXPECT_GT(SLACK, address_spaces() - before);
	let_it_end(_metadata, &b, &map);
}

TEST_F(meanwhile, an_address_is_given_when_the_bitmap_is_written)
{
	struct call give = { .body = call_give_vaddr, .w = &self->w, .iova = IOVA,
			     .size = MEM_SIZE, .data = self->mem };
	struct blocking_mem b;
	struct call get;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, UNMAP_VADDR,
			       NULL));
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	get = (struct call) {
		.body = call_dirty_get, .w = &self->w, .iova = IOVA, .size = MEM_SIZE,
		.data = b.mem,
	};
	ASSERT_EQ(0, call_begin_blocked(&get, &b));
	EXPECT_EQ(0, waits_for(_metadata, &b, &get, &give));
}

TEST_HARNESS_MAIN
