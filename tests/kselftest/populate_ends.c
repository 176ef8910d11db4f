// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that fault untouched memory in ahead of a MAP: on whose account they work, and
 * that they end with the call, whatever ends it. Needs two CPUs. VIB_ENDS makes the random moments
 * more.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/call.h"
#include "lib/cgroup.h"
#include "lib/crew.h"
#include "lib/trace.h"

#define SIZE (320 * MIB)
#define LARGE (1024 * MIB)	/* with a helper on each of eight CPUs */
#define FAILING (640 * MIB)
#define PAGES ((long)(SIZE / PAGE))

enum { KILLS = 200, OTHER_ENDS = 70, MOMENTS = 20, WITHIN_US = 60000 };

/*
 * A cgroup that may take a fifth of a CPU, and uses that up at once; whoever a thread of it holds
 * up waits for most of a second.
 */
enum { SHARE_US = 200000, THROTTLED_MS = 30000, LONGEST_MS = 500, FEWEST = 3 };

#define PART (32 * MIB)	/* what a helper is there for, in the end */

enum end { END_KILL, END_EXEC, END_EXIT, END_ABORT };

#define WORLD populate_ends
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

static void use_two_cpus(struct __test_metadata *_metadata)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one CPU only");
	ASSERT_EQ(0, crew_threads(16));
}

/* Each of them waits for a map of its own to end, so they are few, but for a run of many ends. */
static unsigned int count_moments(void)
{
	unsigned int many = env_number("VIB_ENDS", 0) / 10;

	return many > MOMENTS ? many : MOMENTS;
}

/* In the child: CPU time that the cgroup is charged beyond the calling thread's own, in percent. */
static int foreign_time(struct world *w)
{
	char *mem = mem_untouched(SIZE);
	struct rusage use;
	long before, own;

	if (!mem || cgroup_enter())
		return 255;
	before = cgroup_cpu_time();
	if (dma_map(w->container, IOVA, mem, SIZE, DMA_RW) || getrusage(RUSAGE_THREAD, &use))
		return 254;
	own = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
	      use.ru_stime.tv_usec;
	if (cgroup_current() < (long)SIZE)
		return 253;
	/* 8 bytes for each page, whoever has touched it; 5.10 does not tell. */
	if (kernel_running() > KERNEL(5, 10) && cgroup_page_tables() < PAGES * 8)
		return 252;
	before = cgroup_cpu_time() - before;
	return before > own ? (before - own) * 100 / before : 0;
}

/*
 * The helper's share is a half or so; a tenth shows that it is there. 5.10 leaves threads where
 * they are (cgroup v2), so there is no helper. A kernel thread has been moved in, and out again: if
 * it ended there, the cgroup could miss being frozen, in a moment too short to be hit.
 */
TEST_F(populate_ends, helpers_work_in_the_callers_cgroups)
{
	bool follows = kernel_running() > KERNEL(5, 10);
	int status, moved;
	pid_t pid;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, cgroup_make());
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, trace_also("cgroup/cgroup_attach_task"));
	pid = fork();
	if (!pid)
		_exit(foreign_time(&self->w));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	cgroup_remove();
	moved = trace_count("dst_path=/client ", "comm=vib-map");
	EXPECT_EQ(follows && !crew_is_of_threads(), moved);
	EXPECT_EQ(moved, trace_count("dst_path=/ ", "comm=vib-map"));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(follows, WEXITSTATUS(status) > 10);
	EXPECT_EQ(!follows, trace_count("vib_populate:", "helpers=0 "));
	trace_stop();
	EXPECT_GT(100, WEXITSTATUS(status));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
}

/* In the child: maps untouched memory for ever. */
static void map_for_ever(struct world *w, __u64 size)
{
	char *mem = mem_untouched(size);

	while (mem) {
		dma_map(w->container, IOVA, mem, size, DMA_RW);
		dma_unmap_all(w->container, NULL);
		madvise(mem, size, MADV_DONTNEED);
	}
	_exit(1);
}

/* A helper is no process that freezes, so it must be gone whenever the caller can be. */
TEST_F_TIMEOUT(populate_ends, cgroup_of_a_caller_can_be_frozen_at_any_moment, 1800)
{
	unsigned int state = test_seed(), moments = count_moments(), i;
	pid_t pid;

	use_two_cpus(_metadata);
	TH_LOG("VIB_SEED=%u", state);
	ASSERT_EQ(0, cgroup_make());
	pid = fork();
	if (!pid && !cgroup_enter())
		map_for_ever(&self->w, SIZE);
	ASSERT_LT(0, pid);
	for (i = 0; i < moments; i++) {
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

/* What others do meanwhile, in ms: they begin and end processes and cgroups. */
static long others_take(void)
{
	long begun = now_ms();
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return cgroup_try_other() ? LONGEST_MS : now_ms() - begun;
}

/* In the child: maps what ends in memory that cannot be pinned, so that helpers come and go. */
static void fail_for_ever(struct world *w)
{
	char *mem = mem_untouched(SIZE);

	if (!mem || mprotect(mem + PART, SIZE - PART, PROT_NONE))
		_exit(1);
	while (dma_map(w->container, IOVA, mem, SIZE, DMA_RW) == -EFAULT)
		madvise(mem, PART, MADV_DONTNEED);
	_exit(2);
}

/* A child in the cgroup, which maps, or uses the CPU. */
static pid_t begin_throttled(struct world *w, bool maps)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (cgroup_enter())
		_exit(3);
	if (maps)
		fail_for_ever(w);
	for (;;)
		;
}

static void end_throttled(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
}

/* Moving a helper takes locks that these wait for. */
TEST_F_TIMEOUT(populate_ends, throttled_caller_holds_up_nobody, 300)
{
	long until, longest = 0, took;
	pid_t caller, other;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, crew_threads(2));
	ASSERT_EQ(0, cgroup_make());
	ASSERT_EQ(0, cgroup_throttle(SHARE_US));
	ASSERT_EQ(0, trace_start());
	caller = begin_throttled(&self->w, true);
	other = begin_throttled(&self->w, false);
	ASSERT_LT(0, caller);
	ASSERT_LT(0, other);
	for (until = now_ms() + THROTTLED_MS; now_ms() < until; usleep(1000)) {
		took = others_take();
		longest = took > longest ? took : longest;
	}
	TH_LOG("others took %ld ms at most, beside %d calls with helpers", longest,
	       trace_count("vib_populate:", "helpers=1 "));
	EXPECT_GT(LONGEST_MS, longest);
	EXPECT_EQ(kernel_running() > KERNEL(5, 10),
		  trace_count("vib_populate:", "helpers=1 ") > FEWEST);
	trace_stop();
	ASSERT_EQ(0, cgroup_throttle(1000000));
	end_throttled(_metadata, other);
	end_throttled(_metadata, caller);
	cgroup_remove();
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
}

static void *map_in_thread(void *w)
{
	map_for_ever(w, LARGE);
	return NULL;
}

/* In the child: @after_us after it has begun to map, the process is another one, or none. */
static void end_while_mapping(struct world *w, enum end how, unsigned int after_us)
{
	pthread_t thread;

	if (how == END_KILL)
		map_for_ever(w, LARGE);
	if (pthread_create(&thread, NULL, map_in_thread, w))
		_exit(2);
	usleep(after_us);
	if (how == END_EXEC)
		execl("/bin/true", "true", NULL);
	if (how == END_ABORT)
		abort();
	_exit(how == END_EXIT ? 0 : 3);
}

/* What ends the process. */
static int signal_of(enum end how)
{
	return how == END_KILL ? SIGKILL : how == END_ABORT ? SIGABRT : 0;
}

/* What helps @w's child is gone with it, and what it has pinned is let go. */
static void end_once(struct __test_metadata *_metadata, struct world *w, enum end how,
		     unsigned int after_us)
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		end_while_mapping(w, how, after_us);
	ASSERT_LT(0, pid);
	if (how == END_KILL) {
		usleep(after_us);
		kill(pid, SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(signal_of(how), status & 0x7f);
	ASSERT_EQ(0, status >> 8);
	ASSERT_TRUE(crew_is_gone());
	ASSERT_EQ(0, dma_unmap_all(w->container, NULL));
	ASSERT_EQ(w->pinned, pinned_pages());
	ASSERT_EQ(w->locked, locked_pages());
}

static void end_often(struct __test_metadata *_metadata, struct world *w, enum end how,
		      unsigned int otherwise)
{
	unsigned int state = test_seed(), ends = env_number("VIB_ENDS", otherwise), i;

	use_two_cpus(_metadata);
	TH_LOG("VIB_SEED=%u VIB_ENDS=%u", state, ends);
	for (i = 0; i < ends; i++)
		end_once(_metadata, w, how, rand_r(&state) % WITHIN_US);
}

TEST_F_TIMEOUT(populate_ends, kill_at_any_moment_leaves_no_helper_and_no_page, 1800)
{
	end_often(_metadata, &self->w, END_KILL, KILLS);
}

TEST_F_TIMEOUT(populate_ends, exec_at_any_moment_leaves_no_helper_and_no_page, 1800)
{
	end_often(_metadata, &self->w, END_EXEC, OTHER_ENDS);
}

TEST_F_TIMEOUT(populate_ends, exit_at_any_moment_leaves_no_helper_and_no_page, 1800)
{
	end_often(_metadata, &self->w, END_EXIT, OTHER_ENDS);
}

/* Memory is dumped when all threads have come to their end, the caller and its helpers too. */
TEST_F_TIMEOUT(populate_ends, abort_at_any_moment_leaves_no_helper_and_no_page, 1800)
{
	end_often(_metadata, &self->w, END_ABORT, OTHER_ENDS);
}

/* All threads have to stop for that, but for those that have no moment to. */
TEST_F_TIMEOUT(populate_ends, stop_at_any_moment_is_reported, 1800)
{
	unsigned int state = test_seed(), moments = count_moments(), i;
	int status;
	pid_t pid;

	use_two_cpus(_metadata);
	TH_LOG("VIB_SEED=%u", state);
	pid = fork();
	if (!pid)
		end_while_mapping(&self->w, END_EXIT, 3600U * 1000000);
	ASSERT_LT(0, pid);
	for (i = 0; i < moments; i++) {
		usleep(rand_r(&state) % WITHIN_US);
		ASSERT_EQ(0, kill(pid, SIGSTOP));
		ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, kill(pid, SIGCONT));
	}
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(crew_is_gone());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
}

/* Maps until the limit is lowered under it, after @ms. Return: did it fail, with a helper? */
static bool fails_with_helper(struct __test_metadata *_metadata, struct world *w, void *mem,
			      unsigned int ms)
{
	struct call call = { .body = call_map, .w = w, .iova = IOVA, .size = FAILING, .data = mem };
	bool helped;

	ASSERT_EQ(0, limit_locked_pages(FAILING / PAGE));
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, call_begin(&call));
	usleep(ms * 1000);
	ASSERT_EQ(0, limit_locked_pages(0));
	helped = call_result(&call) == -ENOMEM && trace_count("vib_populate:", "helpers=1 ") == 1;
	trace_stop();
	EXPECT_EQ(0, dma_unmap_all(w->container, NULL));
	EXPECT_EQ(w->pinned, pinned_pages());
	EXPECT_TRUE(crew_is_gone());
	madvise(mem, FAILING, MADV_DONTNEED);
	return helped;
}

/* It is over between two batches, where nobody is who populates memory: helpers have to be told. */
TEST_F_TIMEOUT(populate_ends, helpers_end_with_a_call_that_fails_elsewhere, 120)
{
	char *mem = mem_untouched(FAILING);
	unsigned int ms;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, crew_threads(2));
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	for (ms = 20; ms <= 400; ms += 20)
		if (fails_with_helper(_metadata, &self->w, mem, ms))
			break;
	EXPECT_GE(400, ms);
	mem_free(mem, FAILING);
}

TEST_HARNESS_MAIN
