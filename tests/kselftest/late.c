// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_DMA of memory that does not come: it waits, and nobody else does who
 * does not need that very range. Who needs it waits too, and what waits can be
 * killed.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/late.h"

enum { LATE_PAGES = 8, SOON_MS = 20000, STILL_WAITING_US = 200000 };

#define LATE_SIZE (LATE_PAGES * PAGE)

/* A call in a thread of its own. */
struct call {
	struct world *w;
	const void *mem;
	int (*body)(struct call *call);
	pthread_t thread;
	int ret;
	__u64 unmapped;
	volatile int done;
};

static void *run_call(void *arg)
{
	struct call *call = arg;

	call->ret = call->body(call);
	call->done = 1;
	return NULL;
}

static int begin(struct call *call)
{
	return -pthread_create(&call->thread, NULL, run_call, call);
}

static int finish(struct call *call)
{
	pthread_join(call->thread, NULL);
	return call->ret;
}

static int map_late(struct call *call)
{
	return dma_map(call->w->container, IOVA, call->mem, LATE_SIZE, DMA_RW);
}

static int unmap_late(struct call *call)
{
	return dma_unmap(call->w->container, IOVA, LATE_SIZE, 0,
			 &call->unmapped);
}

static int unmap_all(struct call *call)
{
	return dma_unmap_all(call->w->container, &call->unmapped);
}

static int leave_group(struct call *call)
{
	return group_leave(call->w->slot[0].group);
}

/* Which backends wait for such memory at all. */
#define WORLD late
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

TEST_F(late, map_waits_for_its_memory)
{
	long wanted = expected(self->w.mode, DIFF_USERFAULT);
	struct late late;
	struct call map = { .w = &self->w, .body = map_late };

	ASSERT_EQ(0, late_open(&late, LATE_SIZE));
	map.mem = late.mem;
	ASSERT_EQ(0, begin(&map));
	if (!wanted) {
		EXPECT_EQ(0, late_awaited(&late, SOON_MS));
		EXPECT_EQ(0, map.done);
		EXPECT_EQ(0, late_arrive(&late));
	}
	EXPECT_EQ(wanted, finish(&map));
	EXPECT_EQ(wanted ? 0 : LATE_PAGES, locked_pages() - self->w.locked);
	late_close(&late);
}

/* The rest is about a map that waits, so not about type1. */
#define WORLD meanwhile
#define WORLD_GROUPS 2
#define WORLD_BATCH_ONLY
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* Opens the container with the first group and starts a map that waits. */
static void map_and_wait(struct __test_metadata *_metadata, struct world *w,
			 struct late *late, struct call *map)
{
	ASSERT_EQ(0, world_set_up(w, 1));
	ASSERT_EQ(0, late_open(late, LATE_SIZE));
	map->w = w;
	map->body = map_late;
	map->mem = late->mem;
	ASSERT_EQ(0, begin(map));
	ASSERT_EQ(0, late_awaited(late, SOON_MS));
}

/* The memory comes, and the map is done. */
static void let_it_end(struct __test_metadata *_metadata, struct late *late,
		       struct call *map)
{
	EXPECT_EQ(0, map->done);
	EXPECT_EQ(0, late_arrive(late));
	EXPECT_EQ(0, finish(map));
	late_close(late);
}

TEST_F(meanwhile, other_ranges_are_mapped_and_unmapped)
{
	struct call map = { 0 };
	struct late late;
	__u64 done;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(0, dma_map(self->w.container, IOVA + MIB, self->mem,
			     MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA + MIB, MEM_SIZE, 0,
			       &done));
	EXPECT_EQ(MEM_SIZE, done);
	let_it_end(_metadata, &late, &map);
}

TEST_F(meanwhile, questions_are_answered)
{
	struct call map = { 0 };
	struct late late;
	struct info info;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(1, container_extension(self->w.container,
					 VFIO_UPDATE_VADDR));
	EXPECT_EQ(NULL, world_proof(&self->w));
	let_it_end(_metadata, &late, &map);
}

TEST_F(meanwhile, dirty_tracking_is_switched_and_finds_it_afterwards)
{
	struct call map = { 0 };
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);
	struct late late;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(0, dirty_start(self->w.container));
	let_it_end(_metadata, &late, &map);
	EXPECT_EQ(0, dirty_get(self->w.container, IOVA, LATE_SIZE, &bitmap));
	EXPECT_EQ((1 << LATE_PAGES) - 1, word);
}

TEST_F(meanwhile, a_group_joins_and_reaches_the_memory_when_it_is_there)
{
	struct call map = { 0 };
	struct late late;
	struct edu *edu;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(0, world_join(&self->w, 1));
	EXPECT_EQ(0, map.done);
	EXPECT_EQ(0, late_arrive(&late));
	EXPECT_EQ(0, finish(&map));
	edu = world_edu(&self->w, 1);
	ASSERT_NE(NULL, edu);
	mem_fill(late.mem, PAGE, 3);
	EXPECT_EQ(0, edu_copy(edu, IOVA + PAGE, IOVA));
	EXPECT_TRUE(mem_is(late.mem + PAGE, EDU_CHUNK, 3));
	late_close(&late);
}

/* Starts @other, which must wait for the map; its result once that is done. */
static int waits_for(struct __test_metadata *_metadata, struct late *late,
		     struct call *map, struct call *other)
{
	other->w = map->w;
	ASSERT_EQ(0, begin(other));
	usleep(STILL_WAITING_US);
	EXPECT_EQ(0, other->done);
	let_it_end(_metadata, late, map);
	return finish(other);
}

TEST_F(meanwhile, map_of_the_same_range_waits_and_is_eexist)
{
	struct call map = { 0 };
	struct call again = { .body = map_late, .mem = self->mem };
	struct late late;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(-EEXIST, waits_for(_metadata, &late, &map, &again));
}

TEST_F(meanwhile, unmap_of_the_range_waits_and_takes_it)
{
	struct call map = { 0 };
	struct call unmap = { .body = unmap_late };
	struct late late;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(0, waits_for(_metadata, &late, &map, &unmap));
	EXPECT_EQ(LATE_SIZE, unmap.unmapped);
}

TEST_F(meanwhile, unmap_all_waits_and_takes_it)
{
	struct call map = { 0 };
	struct call unmap = { .body = unmap_all };
	struct late late;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(0, waits_for(_metadata, &late, &map, &unmap));
	EXPECT_EQ(LATE_SIZE, unmap.unmapped);
}

/* Has the call ended within SOON_MS? */
static bool soon(const struct call *call)
{
	unsigned int ms;

	for (ms = 0; !call->done && ms < SOON_MS; ms++)
		usleep(1000);
	return call->done;
}

/* The container ends under the call, which fails; nothing stays behind. */
TEST_F(meanwhile, the_last_group_leaves)
{
	struct call map = { 0 };
	struct call leave = { .body = leave_group };
	struct late late;

	map_and_wait(_metadata, &self->w, &late, &map);
	leave.w = &self->w;
	ASSERT_EQ(0, begin(&leave));
	EXPECT_TRUE(soon(&leave));
	EXPECT_EQ(0, map.done);
	EXPECT_EQ(0, late_arrive(&late));
	EXPECT_EQ(0, finish(&leave));
	EXPECT_EQ(-EINVAL, finish(&map));
	EXPECT_EQ(NULL, world_leak(&self->w));
	late_close(&late);
}

/* No container is left, but the call is still in the module's code. */
TEST_F(meanwhile, the_module_stays_while_the_call_lasts)
{
	struct call map = { 0 };
	struct late late;

	map_and_wait(_metadata, &self->w, &late, &map);
	EXPECT_EQ(0, group_leave(self->w.slot[0].group));
	EXPECT_EQ(0, map.done);
	EXPECT_EQ(1, backend_count(BACKEND_BATCH));
	if (backend_count(BACKEND_BATCH))
		EXPECT_EQ(-EWOULDBLOCK, backend_remove(BACKEND_BATCH));
	EXPECT_EQ(0, late_arrive(&late));
	EXPECT_NE(0, finish(&map));
	EXPECT_EQ(0, backend_count(BACKEND_BATCH));
	late_close(&late);
}

/* In the child: waits for ever. */
static void wait_for_ever(struct world *w)
{
	struct call map = { .w = w };
	struct late late;

	if (world_set_up(w, 1))
		_exit(1);
	if (late_open(&late, LATE_SIZE))
		_exit(2);
	map.mem = late.mem;
	_exit(map_late(&map) ? 3 : 4);
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

TEST_HARNESS_MAIN
