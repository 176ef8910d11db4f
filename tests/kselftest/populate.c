// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that fault untouched memory in ahead of a MAP: when there are some, when there
 * must be none, on whose account they work, and that they end with the call. What they did
 * is seen in the tracepoint vib_populate. Needs two CPUs.
 */
#include <dirent.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"
#include "lib/cgroup.h"
#include "lib/trace.h"

#define SIZE (192 * MIB)
#define PAGES ((long)(SIZE / PAGE))
#define SMALL (32 * MIB)

enum { KILLS = 200, KILL_WITHIN_US = 60000 };

#define WORLD populate
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

static int map(struct world *w, const void *mem, __u64 size)
{
	return dma_map(w->container, IOVA, mem, size, DMA_RW);
}

static int map_threads(long nr)
{
	return backend_param_set(BACKEND_BATCH, "map_threads", nr);
}

/* Maps with two threads, and unmaps. Return: how many maps had helpers, or -errno. */
static int helped(struct world *w, const void *mem, __u64 size, int prot)
{
	int ret, nr;

	ret = map_threads(2);
	if (!ret)
		ret = trace_start();
	if (!ret)
		ret = dma_map(w->container, IOVA, mem, size, prot);
	nr = trace_count("vib_populate:", "helpers=1 ");
	if (!ret)
		ret = dma_unmap(w->container, IOVA, size, 0, NULL);
	trace_stop();
	map_threads(1);
	return ret ? ret : nr;
}

static void use_two_cpus(struct __test_metadata *_metadata)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one CPU only");
	ASSERT_EQ(0, map_threads(2));
}

/* Kernel threads of ours that are there. */
static int count_helpers(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], name[64];
	int nr = 0;

	while (proc && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		nr += file_read(path, name, sizeof(name)) > 0 && !strncmp(name, "vib-map/", 8);
	}
	if (proc)
		closedir(proc);
	return proc ? nr : -1;
}

/* The call has waited until they were out of our code; the kernel's own end takes a moment. */
static bool helpers_have_ended(void)
{
	int i;

	for (i = 0; i < 100 && count_helpers(); i++)
		usleep(10000);
	return i < 100;
}

TEST_F(populate, untouched_memory_is_populated_by_all_and_pinned_exactly)
{
	char *mem = mem_untouched(SIZE);
	struct edu *edu = world_edu(&self->w, 0);

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, map(&self->w, mem, SIZE));
	EXPECT_EQ(1, trace_count("vib_populate:", "helpers=1 "));
	trace_stop();
	EXPECT_TRUE(helpers_have_ended());
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + PAGES, pinned_pages());
	mem_fill(mem, EDU_CHUNK, 7);
	edu_start_fetch(edu, IOVA);
	ASSERT_EQ(0, edu_wait(edu));
	edu_start_store(edu, IOVA + SIZE - EDU_CHUNK);
	ASSERT_EQ(0, edu_wait(edu));
	EXPECT_TRUE(mem_is(mem + SIZE - EDU_CHUNK, EDU_CHUNK, 7));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE, 0, NULL));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
	mem_free(mem, SIZE);
}

TEST_F(populate, shared_memory_is_populated_too)
{
	char *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	use_two_cpus(_metadata);
	ASSERT_NE(MAP_FAILED, mem);
	EXPECT_EQ(1, helped(&self->w, mem, SIZE, DMA_RW));
	munmap(mem, SIZE);
}

/* Each kind needs no helper, or must not have one. */
TEST_F(populate, memory_that_is_there_gets_no_helper)
{
	char *mem = mem_small(SIZE);

	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	mem_free(mem, SIZE);
}

TEST_F(populate, small_maps_and_maps_to_read_get_no_helper)
{
	char *mem = mem_untouched(SIZE);

	ASSERT_NE(NULL, mem);
	EXPECT_EQ(0, helped(&self->w, mem, SMALL, DMA_RW));
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_READ));
	mem_free(mem, SIZE);
}

TEST_F(populate, one_thread_is_the_default)
{
	char *mem = mem_untouched(SIZE);

	ASSERT_NE(NULL, mem);
	EXPECT_EQ(1, backend_param(BACKEND_BATCH, "map_threads"));
	ASSERT_EQ(0, trace_start());
	EXPECT_EQ(0, map(&self->w, mem, SIZE));
	EXPECT_EQ(0, trace_count("vib_populate:", ""));
	trace_stop();
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE, 0, NULL));
	mem_free(mem, SIZE);
}

TEST_F(populate, caller_in_real_time_has_no_helper)
{
	struct sched_param param = { .sched_priority = 1 };
	char *mem = mem_untouched(SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	param.sched_priority = 0;
	EXPECT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &param));
	mem_free(mem, SIZE);
}

TEST_F(populate, caller_that_may_use_one_cpu_has_no_helper_elsewhere)
{
	char *mem = mem_untouched(SIZE);
	cpu_set_t all, one;

	ASSERT_NE(NULL, mem);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	mem_free(mem, SIZE);
}

TEST_F(populate, callers_memory_policy_is_obeyed)
{
	unsigned long node = 1;
	char *mem = mem_untouched(SIZE);

	ASSERT_NE(NULL, mem);
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &node, 8 * sizeof(node)))
		SKIP_TEST("this kernel has no memory policies");
	EXPECT_EQ(0, helped(&self->w, mem, SIZE, DMA_RW));
	EXPECT_EQ(0, syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
	mem_free(mem, SIZE);
}

/* The last page is missing, and only the caller asks for it: the helpers have ended. */
TEST_F(populate, missing_page_is_waited_for_by_the_caller_alone)
{
	struct call call = { .body = call_map, .w = &self->w, .iova = IOVA, .size = SIZE };
	struct blocking_mem b;

	use_two_cpus(_metadata);
	ASSERT_EQ(0, blocking_mem_open_part(&b, SIZE, SIZE - PAGE, PAGE));
	ASSERT_EQ(0, madvise(b.mem, SIZE - PAGE, MADV_DONTNEED));
	call.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&call, &b));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(self->w.pinned + PAGES, pinned_pages());
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE, 0, NULL));
	blocking_mem_close(&b);
}

TEST_F(populate, limit_is_as_exact_as_with_one_thread)
{
	char *mem = mem_untouched(SIZE);

	use_two_cpus(_metadata);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(PAGES - 1));
	EXPECT_EQ(-ENOMEM, map(&self->w, mem, SIZE));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
	EXPECT_TRUE(helpers_have_ended());
	madvise(mem, SIZE, MADV_DONTNEED);
	EXPECT_EQ(0, map(&self->w, mem, SIZE - PAGE));
	EXPECT_EQ(self->w.pinned + PAGES - 1, pinned_pages());
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, SIZE - PAGE, 0, NULL));
	mem_free(mem, SIZE);
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
	if (map(w, mem, SIZE) || getrusage(RUSAGE_SELF, &use))
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
TEST_F(populate, helpers_work_in_the_callers_cgroups)
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
		map(w, mem, SIZE);
		dma_unmap_all(w->container, NULL);
		madvise(mem, SIZE, MADV_DONTNEED);
	}
	_exit(1);
}

TEST_F(populate, kill_at_any_moment_leaves_no_helper_and_no_page)
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
		usleep(rand_r(&state) % KILL_WITHIN_US);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		ASSERT_TRUE(helpers_have_ended());
		ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
		ASSERT_EQ(self->w.pinned, pinned_pages());
	}
}

TEST_HARNESS_MAIN
