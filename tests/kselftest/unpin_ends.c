// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes whose memory helpers unpin (unpin_crew.c): killed at any moment, ending, and in a
 * cgroup of their own, which pays for the helpers. Needs two CPUs.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/cgroup.h"
#include "lib/crew.h"
#include "lib/trace.h"

/* Few where helpers are off by default, and the memory is larger. */
enum { KILLS = 12, FEW_KILLS = 4, WITHIN_US = 300000, FAST = 252 };

#define WORLD unpin_ends
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"
#include "unpin_fixture.h"

/* In a child: a container of its own, with memory that is given up; says so, and may unmap. */
static void hold_memory(struct world *w, int ready, bool unmaps)
{
	if (world_set_up(w, 1) || map_given_up(w, mem_strided(SIZE)) || write(ready, "", 1) != 1)
		_exit(1);
	if (unmaps)
		unmap(w);
	pause();
	_exit(2);
}

/* Begins such a child. Return: its process when it has said so, 0 without. */
static pid_t begin_holder(struct world *w, bool unmaps)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		return 0;
	pid = fork();
	if (!pid)
		hold_memory(w, ready[1], unmaps);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = 0;
	close(ready[0]);
	return pid;
}

static void end_holder(struct __test_metadata *_metadata, struct world *w, pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	ASSERT_TRUE(crew_is_gone());
	ASSERT_EQ(NULL, world_leak_soon(w));
}

/* Most of these moments are in its UNMAP. */
TEST_F_TIMEOUT(unpin_ends, kill_at_any_moment_leaves_no_helper_and_no_page, 300)
{
	unsigned int state = test_seed(), kills = crew_is_of_threads() ? KILLS : FEW_KILLS, i;
	pid_t pid;

	use_two_cpus(_metadata);
	TH_LOG("VIB_SEED=%u", state);
	ASSERT_EQ(0, crew_threads(2));
	for (i = 0; i < kills; i++) {
		pid = begin_holder(&self->w, true);
		ASSERT_LT(0, pid);
		usleep(rand_r(&state) % WITHIN_US);
		end_holder(_metadata, &self->w, pid);
	}
	crew_threads(1);
}

/* Its memory and its threads have gone when its files are closed. */
TEST_F(unpin_ends, end_of_a_process_has_no_helper)
{
	pid_t pid;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, crew_threads(2));
	ASSERT_EQ(0, trace_start());
	pid = begin_holder(&self->w, false);
	ASSERT_LT(0, pid);
	end_holder(_metadata, &self->w, pid);
	EXPECT_EQ(0, trace_count("vib_unpin:", ""));
	trace_stop();
	crew_threads(1);
}

/* In the child: CPU time that the cgroup is charged beyond the calling thread's own, in percent. */
static int foreign_time(struct world *w)
{
	struct rusage use, used;
	long all, own;

	if (cgroup_enter() || world_set_up(w, 1))
		return 255;
	if (!is_slow(w, mem_strided))
		return FAST;
	if (map_given_up(w, mem_strided(SIZE)) || crew_threads(2))
		return 253;
	all = cgroup_cpu_time();
	if (getrusage(RUSAGE_THREAD, &use) || unmap(w) || getrusage(RUSAGE_THREAD, &used))
		return 254;
	all = cgroup_cpu_time() - all;
	own = (used.ru_stime.tv_sec - use.ru_stime.tv_sec) * 1000000 + used.ru_stime.tv_usec -
	      use.ru_stime.tv_usec;
	return all > own ? (all - own) * 100 / all : 0;
}

/*
 * The helper's share is a half or so; a tenth shows that it is there. 5.10 leaves threads where
 * they are (cgroup v2), so there is no helper.
 */
TEST_F(unpin_ends, helpers_work_in_the_callers_cgroups)
{
	bool follows = kernel_running() > KERNEL(5, 10);
	int status;
	pid_t pid;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, cgroup_make());
	pid = fork();
	if (!pid)
		_exit(foreign_time(&self->w));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	cgroup_remove();
	crew_threads(1);
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == FAST)
		SKIP_TEST(TOO_FAST);
	EXPECT_EQ(follows, WEXITSTATUS(status) > 10);
	EXPECT_GT(100, WEXITSTATUS(status));
	EXPECT_EQ(NULL, world_leak_soon(&self->w));
}

/* Maps memory and unmaps it, with two threads. Return: 0; FAST if there was no helper. */
static int unmap_with_two(struct world *w, char *mem)
{
	if (dma_map(w->container, IOVA, mem, SIZE, DMA_RW) || crew_threads(2) || unmap(w))
		return 254;
	return trace_count("vib_unpin:", "") > 0 ? 0 : FAST;
}

/*
 * In the child: unmaps memory that stays, the second time in a cgroup that @limit has made too
 * small. Then it may not touch a page that it has not touched before.
 */
static int unmap_in_small_cgroup(struct world *w, int (*limit)(void))
{
	char *mem;
	int ret;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || cgroup_enter() || cgroup_spare())
		return 250;
	mem = mem_strided(SIZE);
	if (!mem || world_set_up(w, 1))
		return 255;
	ret = unmap_with_two(w, mem);
	if (ret)
		return ret;
	if (dma_map(w->container, IOVA, mem, SIZE, DMA_RW) || mlockall(MCL_CURRENT) || limit() ||
	    raise(SIGSTOP))
		return 253;
	return unmap(w) ? 251 : 0;
}

/* Lets the child that stopped go on. Return: what @events says has happened in that time. */
static long events_to_end(pid_t pid, int *status, long (*events)(void))
{
	long before = events();

	if (WIFSTOPPED(*status)) {
		kill(pid, SIGCONT);
		waitpid(pid, status, 0);
	}
	return events() - before;
}

/* Expects that no @events come from an unmap in a cgroup that @limit has made too small. */
static void unmap_small(struct __test_metadata *_metadata, struct world *w, int (*limit)(void),
			long (*events)(void))
{
	int status;
	long came;
	pid_t pid;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, cgroup_make());
	ASSERT_EQ(0, trace_start());
	cgroup_quiet(true);
	pid = fork();
	if (!pid)
		_exit(unmap_in_small_cgroup(w, limit));
	EXPECT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	came = events_to_end(pid, &status, events);
	cgroup_quiet(false);
	cgroup_remove();
	trace_stop();
	crew_threads(1);
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == FAST)
		SKIP_TEST(TOO_FAST);
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(0, came);
	EXPECT_EQ(NULL, world_leak_soon(w));
}

/* Who gives memory back must not have somebody killed for the memory of a helper. */
TEST_F(unpin_ends, full_cgroup_is_asked_for_nothing)
{
	unmap_small(_metadata, &self->w, cgroup_fill, cgroup_ooms);
}

/* Nor wait for having asked. */
TEST_F(unpin_ends, cgroup_above_memory_high_does_not_wait)
{
	unmap_small(_metadata, &self->w, cgroup_exceed_high, cgroup_highs);
}

TEST_HARNESS_MAIN
