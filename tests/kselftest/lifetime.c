// SPDX-License-Identifier: GPL-2.0-only
/*
 * However a client ends, nothing stays behind: no page pinned, no memory
 * locked, no module in use. And while it lives, the module cannot be removed.
 *
 * The killed clients die at random moments; VIB_SEED repeats a sequence.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

enum { KILLS = 12, KILL_WITHIN_US = 40000 };

#define WORLD lifetime
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

static int open_mapped(struct world *w, const char *mem)
{
	int ret;

	ret = world_set_up(w, 1);
	if (!ret)
		ret = world_open_edu(w, 0);
	return ret ? ret : dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW);
}

/* Closes device, group and container in the order of the letters. */
static void close_in_order(struct world *w, const char *order)
{
	for (; *order; order++) {
		if (*order == 'd')
			world_close_device(w, 0);
		else if (*order == 'g')
			world_close_group(w, 0);
		else
			world_close_container(w);
	}
}

TEST_F(lifetime, every_order_of_closing_releases_everything)
{
	static const char * const orders[] = {
		"dgc", "dcg", "gdc", "gcd", "cdg", "cgd",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		ASSERT_EQ(0, open_mapped(&self->w, self->mem));
		ASSERT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
		close_in_order(&self->w, orders[i]);
		ASSERT_EQ(NULL, world_leak(&self->w))
			TH_LOG("order %s: %s", orders[i], self->w.why);
	}
}

TEST_F(lifetime, last_descriptor_alone_keeps_the_mappings)
{
	struct edu *edu = &self->w.slot[0].edu;

	ASSERT_EQ(0, open_mapped(&self->w, self->mem));
	close_in_order(&self->w, "cg");
	mem_fill(self->mem, PAGE, 1);
	ASSERT_EQ(0, edu_copy(edu, IOVA + PAGE, IOVA));
	EXPECT_TRUE(mem_is(self->mem + PAGE, EDU_CHUNK, 1));
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
}

TEST_F(lifetime, closed_without_ever_a_mapping)
{
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	EXPECT_EQ(NULL, world_close(&self->w));
}

TEST_F(lifetime, closed_between_join_and_set_iommu)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(NULL, world_close(&self->w));
}

TEST_F(lifetime, closed_with_dirty_tracking_and_invalid_addresses)
{
	NEED_VADDR(self->w.mode);
	ASSERT_EQ(0, open_mapped(&self->w, self->mem));
	if (self->w.mode->v2)
		ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, dma_unmap(self->w.container, 0, 0,
			       UNMAP_ALL | UNMAP_VADDR, NULL));
	EXPECT_EQ(NULL, world_close(&self->w));
}

TEST_F(lifetime, closed_with_thousands_of_mappings)
{
	unsigned int i;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	for (i = 0; i < 5000; i++)
		ASSERT_EQ(0, dma_map(self->w.container, IOVA + i * 2 * PAGE,
				     self->mem, PAGE, DMA_RW));
	EXPECT_EQ(NULL, world_close(&self->w));
}

/* Runs @body in a child and waits for its end; its wait status. */
static int in_child(struct world *w, char *mem, void (*body)(struct world *,
							     char *))
{
	int status = -1;
	pid_t pid;

	pid = fork();
	if (!pid) {
		body(w, mem);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void map_and_exit(struct world *w, char *mem)
{
	if (open_mapped(w, mem))
		_exit(1);
}

TEST_F(lifetime, exit_without_closing_releases_everything)
{
	ASSERT_EQ(0, in_child(&self->w, self->mem, map_and_exit));
	EXPECT_EQ(NULL, world_leak(&self->w));
}

static void map_and_abort(struct world *w, char *mem)
{
	if (!open_mapped(w, mem))
		raise(SIGKILL);
}

TEST_F(lifetime, killed_with_mappings_releases_everything)
{
	int status = in_child(&self->w, self->mem, map_and_abort);

	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(NULL, world_leak(&self->w));
}

static void map_and_exec_true(struct world *w, char *mem)
{
	if (open_mapped(w, mem))
		_exit(1);
	/* The descriptors are close-on-exec, so this ends the container. */
	execl("/proc/self/exe", "lifetime", "exec", NULL);
	_exit(2);
}

TEST_F(lifetime, exec_closes_and_releases_everything)
{
	ASSERT_EQ(0, in_child(&self->w, self->mem, map_and_exec_true));
	EXPECT_EQ(NULL, world_leak(&self->w));
}

static void unmap_half(struct world *w, char *mem)
{
	(void)mem;
	if (dma_unmap(w->container, IOVA + MIB, MEM_SIZE, 0, NULL))
		_exit(1);
}

TEST_F(lifetime, child_unmaps_what_its_parent_mapped)
{
	long taken = expected(self->w.mode, DIFF_FOREIGN_UNMAP) * MEM_PAGES;

	ASSERT_EQ(0, open_mapped(&self->w, self->mem));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA + MIB, self->mem,
			     MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, in_child(&self->w, self->mem, unmap_half));
	EXPECT_EQ(self->w.locked + 2 * MEM_PAGES - taken, locked_pages());
	EXPECT_EQ(self->w.pinned + 2 * MEM_PAGES - taken, pinned_pages());
}

static void map_own(struct world *w, char *mem)
{
	if (dma_map(w->container, IOVA + MIB, mem, MEM_SIZE, DMA_RW) ||
	    locked_pages() != MEM_PAGES)
		_exit(1);
}

/* The child is gone, its memory stays pinned until its mapping is undone. */
TEST_F(lifetime, mapping_of_a_child_outlives_it)
{
	long taken = expected(self->w.mode, DIFF_FOREIGN_UNMAP) * MEM_PAGES;
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, in_child(&self->w, self->mem, map_own));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(taken * PAGE, done);
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned + MEM_PAGES - taken, pinned_pages());
}

/* The parent closes, the child still holds the descriptors, then exits. */
TEST_F(lifetime, child_holding_descriptors_keeps_the_container)
{
	int gate[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, open_mapped(&self->w, self->mem));
	ASSERT_EQ(0, pipe(gate));
	pid = fork();
	if (!pid) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1));
	}
	close(gate[0]);
	EXPECT_NE(NULL, world_close(&self->w));
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	close(gate[1]);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(NULL, world_leak(&self->w));
}

TEST_F(lifetime, module_in_use_cannot_be_removed)
{
	ASSERT_EQ(0, open_mapped(&self->w, self->mem));
	EXPECT_EQ(-EWOULDBLOCK, backend_remove(self->w.mode->backend));
	EXPECT_TRUE(backend_loaded(self->w.mode->backend));
	EXPECT_EQ(NULL, world_proof(&self->w));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
}

/* What a client does until it is killed: maps and unmaps, from two threads. */
struct churn {
	struct world *w;
	char *mem;
	__u64 iova;
};

static void *churn(void *arg)
{
	struct churn *job = arg;
	unsigned int i;

	for (i = 0;; i++) {
		dma_map(job->w->container, job->iova + i % 32 * 4 * MIB,
			job->mem, HUGE_2M, DMA_RW);
		if (i % 3 == 2)
			dma_unmap(job->w->container, job->iova,
				  128 * MIB, 0, NULL);
	}
	return NULL;
}

static void run_until_killed(struct world *w, char *mem)
{
	struct churn small = { w, mem, IOVA };
	struct churn large = { w, NULL, IOVA + GIB };
	pthread_t thread;

	large.mem = mem_thp(HUGE_2M);
	small.mem = mem_small(HUGE_2M);
	if (!large.mem || !small.mem || world_set_up(w, 1) || world_open_edu(w, 0))
		_exit(1);
	edu_start_store(&w->slot[0].edu, IOVA);
	if (pthread_create(&thread, NULL, churn, &large))
		_exit(1);
	churn(&small);
}

/* Tells the parent that it runs, so that the kill is not before its start. */
static pid_t start_client(struct world *w, char *mem)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		close(ready[0]);
		close(ready[1]);
		run_until_killed(w, mem);
		_exit(1);
	}
	close(ready[1]);
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	return pid;
}

TEST_F(lifetime, killed_at_any_moment_releases_everything)
{
	unsigned int state = test_seed(), i;
	int status;
	pid_t pid;

	TH_LOG("VIB_SEED=%u", state);
	for (i = 0; i < KILLS; i++) {
		pid = start_client(&self->w, self->mem);
		ASSERT_LT(0, pid);
		usleep(rand_r(&state) % KILL_WITHIN_US);
		kill(pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		ASSERT_EQ(NULL, world_leak(&self->w))
			TH_LOG("kill %u: %s", i, self->w.why);
	}
}

static void __attribute__((constructor)) constructor_order(void)
{
	if (!__constructor_order)
		__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD;
}

/* With an argument this is the image that exec_closes_... leaves behind. */
int main(int argc, char **argv)
{
	return argc > 1 ? 0 : test_harness_run(argc, argv);
}
