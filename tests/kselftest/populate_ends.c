// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that fault untouched memory in ahead of a MAP: on whose account they work, and
 * that they end with the call, whatever ends it. Needs two CPUs.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/cgroup.h"
#include "lib/crew.h"

#define SIZE (192 * MIB)
#define PAGES ((long)(SIZE / PAGE))

enum { KILLS = 200, FREEZES = 50, WITHIN_US = 60000 };

#define WORLD populate_ends
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

static void use_two_cpus(struct __test_metadata *_metadata)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one CPU only");
	ASSERT_EQ(0, crew_threads(2));
}

/* In the child: CPU time that the cgroup is charged beyond the child's own, in percent. */
static int foreign_time(struct world *w)
{
	char *mem = mem_untouched(SIZE);
	struct rusage use;
	long before, own;

	if (!mem || cgroup_enter())
		return 255;
	before = cgroup_cpu_time();
	if (dma_map(w->container, IOVA, mem, SIZE, DMA_RW) || getrusage(RUSAGE_SELF, &use))
		return 254;
	own = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
	      use.ru_stime.tv_usec;
	if (cgroup_current() < (long)SIZE)
		return 253;
	/* 8 bytes for each page, whoever has touched it. */
	if (cgroup_page_tables() < PAGES * 8)
		return 252;
	before = cgroup_cpu_time() - before;
	return before > own ? (before - own) * 100 / before : 0;
}

/* The helper's share is a half or so; a tenth shows that it is there. */
TEST_F(populate_ends, helpers_work_in_the_callers_cgroups)
{
	int status;
	pid_t pid;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, cgroup_make());
	pid = fork();
	if (!pid)
		_exit(foreign_time(&self->w));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	cgroup_remove();
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_LT(10, WEXITSTATUS(status));
	EXPECT_GT(100, WEXITSTATUS(status));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
}

/* In the child: maps untouched memory for ever. */
static void map_for_ever(struct world *w)
{
	char *mem = mem_untouched(SIZE);

	while (mem) {
		dma_map(w->container, IOVA, mem, SIZE, DMA_RW);
		dma_unmap_all(w->container, NULL);
		madvise(mem, SIZE, MADV_DONTNEED);
	}
	_exit(1);
}

/* A helper is no process that freezes, so it must be gone whenever the caller can be. */
TEST_F(populate_ends, cgroup_of_a_caller_can_be_frozen_at_any_moment)
{
	unsigned int state = test_seed(), i;
	pid_t pid;

	use_two_cpus(_metadata);
	TH_LOG("VIB_SEED=%u", state);
	ASSERT_EQ(0, cgroup_make());
	pid = fork();
	if (!pid && !cgroup_enter())
		map_for_ever(&self->w);
	ASSERT_LT(0, pid);
	for (i = 0; i < FREEZES; i++) {
		usleep(rand_r(&state) % WITHIN_US);
		ASSERT_EQ(0, cgroup_freeze(true));
		ASSERT_TRUE(cgroup_is_frozen());
		ASSERT_EQ(0, cgroup_freeze(false));
	}
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	cgroup_remove();
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
}

TEST_F(populate_ends, kill_at_any_moment_leaves_no_helper_and_no_page)
{
	unsigned int state = test_seed(), i;
	int status;
	pid_t pid;

	use_two_cpus(_metadata);
	TH_LOG("VIB_SEED=%u", state);
	for (i = 0; i < KILLS; i++) {
		pid = fork();
		if (!pid)
			map_for_ever(&self->w);
		ASSERT_LT(0, pid);
		usleep(rand_r(&state) % WITHIN_US);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		ASSERT_TRUE(crew_is_gone());
		ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
		ASSERT_EQ(self->w.pinned, pinned_pages());
	}
}

TEST_HARNESS_MAIN
