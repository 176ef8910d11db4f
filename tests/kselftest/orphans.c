// SPDX-License-Identifier: GPL-2.0-only
/*
 * What outlives its process: descriptors of container, group and device in a socket's queue,
 * in a cycle of sockets, or registered with an io_uring; and memory that somebody else keeps
 * when the client is killed. In the end nothing is pinned, locked or in use.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/agree.h"
#include "lib/orphan.h"

enum { KINDS = 3, CHILD_STACK = 64 * 1024, SOON_MS = 20000 };

#define WORLD orphans
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#define WORLD_ONE_ID
#include "world_fixture.h"

static int open_mapped(struct world *w, const char *mem)
{
	int ret;

	ret = world_set_up(w, 1);
	if (!ret)
		ret = world_open_edu(w, 0);
	return ret ? ret : dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW);
}

static void handles(const struct world *w, int fds[KINDS])
{
	fds[0] = w->container;
	fds[1] = w->slot[0].group;
	fds[2] = w->slot[0].device;
}

/* How a child leaves its descriptors behind when it dies; @heir is the parent's socket. */
typedef int (*bequest)(const int *fds, int heir);

static int in_the_queue_of_nobody(const int *fds, int heir)
{
	int pair[2];

	(void)heir;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -errno;
	return fds_send(pair[0], fds, KINDS);
}

/* Each socket is in the queue of the other, with the descriptors. */
static int in_a_cycle(const int *fds, int heir)
{
	int there[KINDS + 1], back[KINDS + 1], one[2], two[2], i, ret;

	(void)heir;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, one) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, two))
		return -errno;
	for (i = 0; i < KINDS; i++) {
		there[i] = fds[i];
		back[i] = fds[i];
	}
	there[KINDS] = two[1];
	back[KINDS] = one[1];
	ret = fds_send(one[0], there, KINDS + 1);
	return ret ? ret : fds_send(two[0], back, KINDS + 1);
}

static int in_a_ring(const int *fds, int heir)
{
	int ring = ring_of(fds, KINDS);

	(void)heir;
	return ring < 0 ? ring : 0;
}

static int in_the_queue_of_its_parent(const int *fds, int heir)
{
	return fds_send(heir, fds, KINDS);
}

static void leave_and_die(struct world *w, char *mem, bequest leave, int heir)
{
	int fds[KINDS], ret;

	ret = open_mapped(w, mem);
	if (ret)
		_exit(1);
	handles(w, fds);
	ret = leave(fds, heir);
	_exit(!!ret);
}

/* Runs the child to its end; its exit status. */
static int bequeath(struct world *w, char *mem, bequest leave, int heir)
{
	int status = -1;
	pid_t pid;

	pid = fork();
	if (!pid)
		leave_and_die(w, mem, leave, heir);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The kernel looks for cycles when a socket is closed. */
static void collect_cycles(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return;
	close(pair[0]);
	close(pair[1]);
}

static void all_goes(struct __test_metadata *_metadata, struct world *w,
		     char *mem, bequest leave)
{
	ASSERT_EQ(0, bequeath(w, mem, leave, -1));
	collect_cycles();
	EXPECT_EQ(NULL, world_leak_soon(w))
		TH_LOG("%s", w->why);
}

TEST_F(orphans, descriptors_in_a_socket_that_nobody_reads)
{
	all_goes(_metadata, &self->w, self->mem, in_the_queue_of_nobody);
}

TEST_F(orphans, descriptors_in_a_cycle_of_sockets)
{
	all_goes(_metadata, &self->w, self->mem, in_a_cycle);
}

TEST_F(orphans, descriptors_registered_with_an_io_uring)
{
	all_goes(_metadata, &self->w, self->mem, in_a_ring);
}

/* While they are in the queue the dead client's memory is pinned, and no longer. */
TEST_F(orphans, descriptors_in_a_socket_that_is_closed_unread)
{
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	ASSERT_EQ(0, bequeath(&self->w, self->mem, in_the_queue_of_its_parent, pair[1]));
	close(pair[1]);
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	close(pair[0]);
	EXPECT_EQ(NULL, world_leak_soon(&self->w))
		TH_LOG("%s", self->w.why);
}

TEST_F(orphans, descriptors_in_a_socket_are_inherited)
{
	int pair[2], fds[KINDS], i;
	struct edu edu = { 0 };

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	ASSERT_EQ(0, bequeath(&self->w, self->mem, in_the_queue_of_its_parent, pair[1]));
	ASSERT_EQ(0, fds_receive(pair[0], fds, KINDS));
	ASSERT_EQ(0, edu_open(&edu, fds[2]));
	ASSERT_EQ(0, dma_map(fds[0], IOVA + MIB, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, device_agrees(&edu, IOVA + MIB, self->mem));
	/* the dead client's memory is still there, and not its parent's */
	EXPECT_EQ(0, edu_copy(&edu, IOVA + PAGE, IOVA));
	EXPECT_EQ(self->w.pinned + 2 * MEM_PAGES, pinned_pages());
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	edu_close(&edu);
	for (i = 0; i < KINDS; i++)
		close(fds[i]);
	close(pair[0]);
	close(pair[1]);
}

/* A client that shares its memory with who starts it, and nothing else. */
struct sharer {
	struct world *w;
	char *mem;
	volatile int ready;
	char stack[CHILD_STACK] __attribute__((aligned(16)));
};

static int share(void *arg)
{
	struct sharer *sharer = arg;

	sharer->ready = open_mapped(sharer->w, sharer->mem) ? -1 : 1;
	pause();
	return 0;
}

TEST_F(orphans, memory_of_a_killed_client_that_another_process_runs_in)
{
	struct sharer *sharer = mmap(NULL, sizeof(*sharer), PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int ms;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, sharer);
	sharer->w = &self->w;
	sharer->mem = self->mem;
	pid = clone(share, sharer->stack + CHILD_STACK, CLONE_VM | SIGCHLD, sharer);
	ASSERT_LT(0, pid);
	for (ms = 0; !sharer->ready && ms < SOON_MS; ms++)
		usleep(1000);
	ASSERT_EQ(1, sharer->ready);
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	/* Its descriptors went with it, not its view of the BAR, which keeps the device open. */
	edu_close(&self->w.slot[0].edu);
	EXPECT_EQ(NULL, world_leak_soon(&self->w))
		TH_LOG("%s", self->w.why);
	self->w.container = -1;
	self->w.slot[0].group = -1;
	self->w.slot[0].device = -1;
}

static void map_and_wait(struct world *w, char *mem, int ready)
{
	if (open_mapped(w, mem) || write(ready, "", 1) != 1)
		_exit(1);
	pause();
	_exit(1);
}

/* Who has /proc/PID/mem open keeps the address space, though not what is in it. */
TEST_F(orphans, memory_of_a_killed_client_that_another_process_looks_at)
{
	int ready[2], look;
	char path[64], byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid)
		map_and_wait(&self->w, self->mem, ready[1]);
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	look = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LT(0, look);
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(NULL, world_leak_soon(&self->w))
		TH_LOG("%s", self->w.why);
	close(look);
	close(ready[0]);
	close(ready[1]);
}

TEST_HARNESS_MAIN
