// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that unpin with the caller of UNMAP_DMA: when there are some, when there must be none, on
 * whose account they work, and that all pages are given back as without. What they did is seen in
 * the tracepoint vib_unpin. Most needs two CPUs.
 *
 * Whether helpers pay is a matter of time. What takes longest is memory that its process has
 * given up already, because our pins are what kept it.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/cgroup.h"
#include "lib/crew.h"
#include "lib/trace.h"

#define SIZE (512 * MIB)
#define KEPT (128 * MIB)
#define STRIDE (64 * PAGE)

/* An UNMAP of less by one thread has no helper on a fast machine; of each kind of them. */
enum { WORTH_MS = 40, WORTH_KTHREAD_MS = 250 };

#define TOO_FAST "this machine unpins too fast for a helper to pay"

enum { KILLS = 12, WITHIN_US = 300000, PAGE_DIRTY = 4, FAST = 252 };

#define WORLD unpin_crew
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

static void use_two_cpus(struct __test_metadata *_metadata)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one CPU only");
}

/* Memory whose pages are touched so that neighbours are none in memory. */
static char *scattered(size_t size)
{
	char *mem = mem_untouched(size);
	size_t first, at;

	for (first = 0; mem && first < STRIDE; first += PAGE)
		for (at = first; at < size; at += STRIDE)
			mem[at] = 1;
	return mem;
}

/* Maps memory, and gives it up. */
static int map_given_up(struct world *w, char *mem)
{
	int ret;

	if (!mem)
		return -ENOMEM;
	ret = dma_map(w->container, IOVA, mem, SIZE, DMA_RW);
	mem_free(mem, SIZE);
	return ret;
}

static int unmap(struct world *w)
{
	return dma_unmap(w->container, IOVA, SIZE, 0, NULL);
}

/* Return: how many unmaps had helpers since the trace began; -errno. */
static int helped(void)
{
	int all = trace_count("vib_unpin:", ""), none = trace_count("vib_unpin:", "helpers=0 ");

	return all < 0 ? all : none < 0 ? none : all - none;
}

/*
 * Maps memory, gives it up, and unmaps with so many threads. Return: how many unmaps had helpers,
 * or -errno.
 */
static int helped_with(struct world *w, char *mem, long threads)
{
	int ret, nr;

	ret = map_given_up(w, mem);
	if (!ret)
		ret = trace_start();
	if (!ret)
		ret = crew_threads(threads);
	if (!ret)
		ret = unmap(w);
	nr = helped();
	trace_stop();
	crew_threads(1);
	return ret ? ret : nr;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Does an UNMAP by one thread take so long that a helper pays? -errno. */
static int unmap_is_slow(struct world *w)
{
	int ret = crew_threads(1);
	long took = now_ms();

	if (!ret)
		ret = unmap(w);
	took = now_ms() - took;
	return ret ? ret : took >= (crew_is_of_threads() ? WORTH_MS : WORTH_KTHREAD_MS);
}

/* Of memory from @alloc that is given up. */
static int is_slow(struct world *w, char *(*alloc)(size_t size))
{
	int ret = map_given_up(w, alloc(SIZE));

	return ret ? ret : unmap_is_slow(w);
}

static void use_slow_machine(struct __test_metadata *_metadata, struct world *w,
			     char *(*alloc)(size_t size))
{
	int slow = is_slow(w, alloc);

	ASSERT_LE(0, slow);
	if (!slow)
		SKIP_TEST(TOO_FAST);
}

static void expect_all_given_back(struct __test_metadata *_metadata, struct world *w)
{
	EXPECT_TRUE(crew_is_gone());
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
}

/* They take no time. Comes first: the others leave no free memory in large pieces. */
TEST_F(unpin_crew, huge_pages_have_no_helper)
{
	char *mem = mem_hugetlb(KEPT);

	use_two_cpus(_metadata);
	if (!mem)
		SKIP_TEST("no huge pages");
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, KEPT, DMA_RW));
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, crew_threads(2));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, KEPT, 0, NULL));
	EXPECT_EQ(0, trace_count("vib_unpin:", ""));
	trace_stop();
	crew_threads(1);
	expect_all_given_back(_metadata, &self->w);
	mem_free(mem, KEPT);
}

TEST_F(unpin_crew, scattered_pages_are_unpinned_by_all)
{
	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	use_slow_machine(_metadata, &self->w, scattered);
	EXPECT_EQ(1, helped_with(&self->w, scattered(SIZE), 2));
	expect_all_given_back(_metadata, &self->w);
	EXPECT_EQ(1, helped_with(&self->w, scattered(SIZE), 0));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, runs_of_small_pages_are_unpinned_by_all)
{
	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	use_slow_machine(_metadata, &self->w, mem_small);
	EXPECT_EQ(1, helped_with(&self->w, mem_small(SIZE), 2));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, one_thread_has_no_helper)
{
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	EXPECT_EQ(0, helped_with(&self->w, scattered(SIZE), 1));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, caller_that_may_use_one_cpu_has_no_helper_elsewhere)
{
	cpu_set_t all, one;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	EXPECT_EQ(0, helped_with(&self->w, scattered(SIZE), 2));
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	expect_all_given_back(_metadata, &self->w);
}

TEST_F(unpin_crew, caller_in_real_time_has_no_helper)
{
	struct sched_param param = { .sched_priority = 1 };

	use_two_cpus(_metadata);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	EXPECT_EQ(0, helped_with(&self->w, scattered(SIZE), 2));
	param.sched_priority = 0;
	EXPECT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &param));
	expect_all_given_back(_metadata, &self->w);
}

/* How many pages the kernel has marked dirty; -1 if it cannot be told. */
static long dirty_pages(const char *mem, size_t size)
{
	int fd = open("/proc/kpageflags", O_RDONLY);
	__u64 flags;
	long nr = 0;
	size_t at;

	if (fd < 0)
		return -1;
	for (at = 0; at < size; at += PAGE) {
		if (pread(fd, &flags, sizeof(flags), mem_frame(mem + at) * sizeof(flags)) !=
		    sizeof(flags))
			break;
		nr += flags >> PAGE_DIRTY & 1;
	}
	close(fd);
	return at < size ? -1 : nr;
}

/* Anonymous memory is dirty in page tables only, until somebody says that he may have written. */
TEST_F(unpin_crew, what_a_device_may_have_written_is_dirty)
{
	char *mem = scattered(KEPT);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, crew_threads(2));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, KEPT, DMA_READ));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, KEPT, 0, NULL));
	EXPECT_EQ(0, dirty_pages(mem, KEPT));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, KEPT, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, KEPT, 0, NULL));
	EXPECT_EQ((long)(KEPT / PAGE), dirty_pages(mem, KEPT));
	crew_threads(1);
	mem_free(mem, KEPT);
}

/* In a child: a container of its own, with memory that is given up; says so, and may unmap. */
static void hold_memory(struct world *w, int ready, bool unmaps)
{
	if (world_set_up(w, 1) || map_given_up(w, scattered(SIZE)) || write(ready, "", 1) != 1)
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
TEST_F_TIMEOUT(unpin_crew, kill_at_any_moment_leaves_no_helper_and_no_page, 300)
{
	unsigned int state = test_seed(), i;
	pid_t pid;

	use_two_cpus(_metadata);
	TH_LOG("VIB_SEED=%u", state);
	ASSERT_EQ(0, crew_threads(2));
	for (i = 0; i < KILLS; i++) {
		pid = begin_holder(&self->w, true);
		ASSERT_LT(0, pid);
		usleep(rand_r(&state) % WITHIN_US);
		end_holder(_metadata, &self->w, pid);
	}
	crew_threads(1);
}

/* Its memory and its threads have gone when its files are closed. */
TEST_F(unpin_crew, end_of_a_process_has_no_helper)
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
	if (!is_slow(w, scattered))
		return FAST;
	if (map_given_up(w, scattered(SIZE)) || crew_threads(2))
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
TEST_F(unpin_crew, helpers_work_in_the_callers_cgroups)
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

/* In the child: unmaps memory that stays, all of which its full cgroup is charged for. */
static int unmap_in_full_cgroup(struct world *w)
{
	char *mem = scattered(SIZE);
	int slow;
	long ooms;

	if (!mem || cgroup_spare() || world_set_up(w, 1) ||
	    dma_map(w->container, IOVA, mem, SIZE, DMA_RW))
		return 255;
	slow = unmap_is_slow(w);
	if (slow <= 0)
		return slow ? 254 : FAST;
	if (dma_map(w->container, IOVA, mem, SIZE, DMA_RW) || crew_threads(2) || cgroup_fill())
		return 253;
	ooms = cgroup_ooms();
	if (unmap(w))
		return 251;
	return cgroup_ooms() - ooms;
}

/* Who gives memory back must not have somebody killed for the memory of a helper. */
TEST_F(unpin_crew, full_cgroup_is_asked_for_nothing)
{
	int status;
	pid_t pid;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, cgroup_make());
	pid = fork();
	if (!pid)
		_exit(cgroup_enter() ? 250 : unmap_in_full_cgroup(&self->w));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	cgroup_remove();
	crew_threads(1);
	ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == FAST)
		SKIP_TEST(TOO_FAST);
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(NULL, world_leak_soon(&self->w));
}

TEST_HARNESS_MAIN
