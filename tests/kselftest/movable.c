// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that the kernel has to move before it may be pinned for long, in guests
 * whose memory is in ZONE_MOVABLE (--cmdline movablecore= or kernelcore=): two
 * calls that want the same pages at once keep each other from moving them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/call.h"

enum { THREADS = 2, ROUNDS = 10, HALVES = 50, MOMENT_US = 20000, KILLS = 3 };

#define SAME_SIZE (16 * MIB)
/* More than can be moved to where 384 MiB of 1.5 GiB are for memory that stays. */
#define TOO_MUCH (768 * MIB)

#define WORLD movable
#define WORLD_GROUPS 2
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* What type1, which takes turns inside a container only, fails at, often or always. */
#define WORLD moved_by_others
#define WORLD_GROUPS 2
#define WORLD_BATCH_ONLY
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* Pages of all zones that are called Movable. */
static unsigned long movable_pages(void)
{
	unsigned long pages, sum = 0;
	bool inside = false;
	char line[128], zone[16];
	FILE *info = fopen("/proc/zoneinfo", "re");

	while (info && fgets(line, sizeof(line), info)) {
		if (sscanf(line, "Node %*d, zone %15s", zone) == 1)
			inside = !strcmp(zone, "Movable");
		else if (inside && sscanf(line, " managed %lu", &pages) == 1)
			sum += pages;
	}
	if (info)
		fclose(info);
	return sum;
}

#define NEED_MOVABLE() do { \
	if (!movable_pages()) { \
		ASSERT_FALSE(promised("movable")); \
		SKIP_TEST("no memory is movable: boot with kernelcore="); \
	} \
} while (0)

/* One of two calls at the same time. */
struct mapper {
	int container;
	__u64 iova;
	const void *mem;
	__u64 size;
	pthread_barrier_t *together;
	pthread_t thread;
	int ret;
};

static void *map_together(void *arg)
{
	struct mapper *me = arg;

	pthread_barrier_wait(me->together);
	me->ret = dma_map(me->container, me->iova, me->mem, me->size, DMA_RW);
	return NULL;
}

/* Both at once: how many of them failed. */
static unsigned int both(struct mapper *mappers)
{
	unsigned int i, failed = 0;
	pthread_barrier_t together;

	pthread_barrier_init(&together, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		mappers[i].together = &together;
		pthread_create(&mappers[i].thread, NULL, map_together, &mappers[i]);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(mappers[i].thread, NULL);
		failed += mappers[i].ret != 0;
	}
	pthread_barrier_destroy(&together);
	return failed;
}

/* Two map the same memory, which is new each time. */
static void same_memory(struct __test_metadata *_metadata, int one, int other)
{
	struct mapper mappers[THREADS] = {
		{ .container = one, .iova = IOVA, .size = SAME_SIZE },
		{ .container = other, .iova = IOVA + GIB, .size = SAME_SIZE },
	};
	unsigned int i;
	char *mem;

	for (i = 0; i < ROUNDS; i++) {
		mem = mem_small(SAME_SIZE);
		ASSERT_NE(NULL, mem);
		mappers[0].mem = mem;
		mappers[1].mem = mem;
		ASSERT_EQ(0, both(mappers))
			TH_LOG("round %u", i);
		ASSERT_EQ(0, dma_unmap_all(one, NULL));
		ASSERT_EQ(0, dma_unmap_all(other, NULL));
		mem_free(mem, SAME_SIZE);
	}
}

/* Whatever became of a call, nothing is left when its mapping has gone. */
static void nothing_left(struct __test_metadata *_metadata, struct world *w)
{
	ASSERT_EQ(0, dma_unmap_all(w->container, NULL));
	EXPECT_EQ(w->pinned, pinned_pages());
	EXPECT_EQ(w->locked, locked_pages());
}

TEST_F(movable, same_memory_is_mapped_twice_at_once)
{
	NEED_MOVABLE();
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	same_memory(_metadata, self->w.container, self->w.container);
}

TEST_F(movable, halves_of_a_huge_page_are_mapped_at_once)
{
	struct mapper mappers[THREADS];
	unsigned int i;
	char *mem;

	NEED_MOVABLE();
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	for (i = 0; i < HALVES; i++) {
		mem = mem_thp(HUGE_2M);
		ASSERT_NE(NULL, mem);
		mappers[0] = (struct mapper){ .container = self->w.container,
			.iova = IOVA, .mem = mem, .size = MIB };
		mappers[1] = (struct mapper){ .container = self->w.container,
			.iova = IOVA + GIB, .mem = mem + MIB, .size = MIB };
		ASSERT_EQ(0, both(mappers))
			TH_LOG("round %u", i);
		ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
		mem_free(mem, HUGE_2M);
	}
}

TEST_F(moved_by_others, same_memory_is_mapped_by_two_containers_at_once)
{
	struct world *w = &self->w;
	int other;

	NEED_MOVABLE();
	ASSERT_EQ(0, world_set_up(w, 1));
	other = container_open();
	ASSERT_LE(0, other);
	w->slot[1].group = group_open(w->slot[1].pci.group);
	ASSERT_LE(0, w->slot[1].group);
	ASSERT_EQ(0, group_join(w->slot[1].group, other));
	ASSERT_EQ(0, container_set_iommu(other, w->mode->type_id));
	same_memory(_metadata, w->container, other);
	close(w->slot[1].group);
	w->slot[1].group = -1;
	close(other);
}

/* A pipe refers to the first page of @mem; which of its ends is to be closed is told in @ends. */
static int lend_page(char *mem, int ends[2])
{
	struct iovec page = { .iov_base = mem, .iov_len = PAGE };

	if (pipe(ends))
		return -errno;
	return vmsplice(ends[1], &page, 1, 0) == (ssize_t)PAGE ? 0 : -EIO;
}

static void give_back(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

TEST_F(moved_by_others, page_that_somebody_holds_for_a_moment_is_mapped)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = MEM_SIZE,
			    .data = self->mem };
	unsigned int i, mapped = 0;
	int ends[2];

	NEED_MOVABLE();
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	/* On a busy host a moment may be longer than anybody waits. */
	for (i = 0; !mapped && i < ROUNDS; i++) {
		ASSERT_EQ(0, lend_page(self->mem, ends));
		ASSERT_EQ(0, call_begin(&map));
		usleep(MOMENT_US);
		give_back(ends);
		mapped = !call_result(&map);
	}
	EXPECT_EQ(1, mapped);
}

TEST_F(movable, page_that_somebody_holds_for_long_is_enomem)
{
	int ends[2];

	NEED_MOVABLE();
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, lend_page(self->mem, ends));
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	nothing_left(_metadata, &self->w);
	give_back(ends);
	EXPECT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
}

/* In the child: exits with 0, 1 for ENOMEM, or 2, if it is not killed for want of memory. */
static void map_too_much(struct world *w)
{
	char *mem = mem_thp(TOO_MUCH);
	int ret;

	if (!mem)
		_exit(3);
	ret = dma_map(w->container, IOVA, mem, TOO_MUCH, DMA_RW);
	_exit(!ret ? 0 : ret == -ENOMEM ? 1 : 2);
}

TEST_F(movable, more_than_can_be_moved_is_0_or_enomem)
{
	int status;
	pid_t pid;

	NEED_MOVABLE();
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	pid = fork();
	if (!pid)
		map_too_much(&self->w);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	TH_LOG("%s: status 0x%x", self->w.mode->name, status);
	/* The kernel may prefer to kill it, with either backend. */
	EXPECT_TRUE(WIFEXITED(status) ? WEXITSTATUS(status) <= 1 : WTERMSIG(status) == SIGKILL);
	nothing_left(_metadata, &self->w);
}

/* At any moment of it. */
TEST_F(movable, while_it_is_moved_the_call_can_be_killed)
{
	unsigned int i;
	int status;
	bool gone;
	pid_t pid;

	NEED_MOVABLE();
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	for (i = 0; i < KILLS; i++) {
		gone = false;
		pid = fork();
		if (!pid)
			map_too_much(&self->w);
		ASSERT_LT(0, pid);
		while (pinned_pages() == self->w.pinned && !gone)
			gone = waitpid(pid, &status, WNOHANG);
		usleep(i * 100000);
		if (!gone) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
		nothing_left(_metadata, &self->w);
	}
}

TEST_HARNESS_MAIN
