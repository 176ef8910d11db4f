// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once around BARs that go away: decode off and on, munmap, fork, exec, death of the
 * owner while windows go and come, live update, maps and unmaps, a group that comes and goes, a
 * container that is closed. What holds at the end: a mapping whose address is still there has its
 * window, one whose address has ended has none, and nothing is left. With one CPU the threads take
 * turns where the kernel lets them; with `--smp 2 --parallel` they really meet.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "bar_fixture.h"

enum {
	ROUNDS = 1400,			/* of each thread: 10,000 in all */
	SLOW_ROUNDS = 100,		/* of those that need a process or a container */
	PATIENCE_S = 600,		/* on a kernel that checks itself */
	PROCESS_MRELEASE = 448,		/* the system call; older C libraries do not know it */
};

#define WORLD bar_races
#define WORLD_GROUPS 4
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

struct racer {
	struct world *w;
	struct edu *peer;
	int (*body)(struct racer *racer, __u64 iova);
	unsigned int rounds;
	unsigned int nr;
	unsigned int odd;		/* answers that nobody expects */
	int last;			/* the last of them */
	unsigned int seed;
	pthread_t thread;
};

/* The peer's memory is switched off and on again. */
static int switch_off(struct racer *me, __u64 iova)
{
	int ret = edu_command(me->peer, 0);

	(void)iova;
	return ret ? ret : edu_command(me->peer, DECODES);
}

/* Maps the long-lived view once more and takes it away; it may be off just then. */
static int map_and_unmap(struct racer *me, __u64 iova)
{
	int ret = dma_map(me->w->container, iova, me->peer->bar, 16 * PAGE, DMA_RW);

	if (ret)
		return ret == -EFAULT ? 0 : ret;
	return dma_unmap(me->w->container, iova, 16 * PAGE, 0, NULL);
}

static char *view_of(struct racer *me)
{
	char *bar = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, me->peer->device, 0);

	return bar == MAP_FAILED ? NULL : bar;
}

/* A view that ends while it is mapped. */
static int lose_view(struct racer *me, __u64 iova)
{
	char *bar = view_of(me);
	int ret;

	if (!bar)
		return -ENOMEM;
	ret = dma_map(me->w->container, iova, bar, 8 * PAGE, DMA_RW);
	munmap(bar, 8 * PAGE);
	if (ret)
		return ret == -EFAULT ? 0 : ret;
	return dma_unmap(me->w->container, iova, 8 * PAGE, 0, NULL);
}

/* A view whose address is taken back, ends, and is another one then. */
static int move_view(struct racer *me, __u64 iova)
{
	char *bar = view_of(me), *next = view_of(me);
	int ret;

	if (!bar || !next)
		return -ENOMEM;
	ret = dma_map(me->w->container, iova, bar, 8 * PAGE, DMA_RW);
	if (!ret) {
		ret = dma_unmap(me->w->container, iova, 8 * PAGE, UNMAP_VADDR, NULL);
		munmap(bar, 8 * PAGE);
		if (!ret)
			ret = dma_map(me->w->container, iova, next, 8 * PAGE, DMA_VADDR);
		if (!ret)
			ret = dma_unmap(me->w->container, iova, 8 * PAGE, 0, NULL);
	} else {
		munmap(bar, 8 * PAGE);
		ret = ret == -EFAULT ? 0 : ret;
	}
	munmap(next, 8 * PAGE);
	return ret;
}

/* A child with the same view, which ends at once. */
static int fork_once(struct racer *me, __u64 iova)
{
	pid_t pid = fork();

	(void)me;
	(void)iova;
	if (!pid)
		_exit(0);
	if (pid < 0)
		return -errno;
	return waitpid(pid, NULL, 0) == pid ? 0 : -ECHILD;
}

/* What a child of die_mapped() and others returns when it cannot map just then. */
enum { CHILD_MAPPED, CHILD_REFUSED, CHILD_FAILED };

static int map_own_view(struct racer *me, __u64 iova)
{
	char *bar = view_of(me);
	int ret;

	if (!bar)
		return CHILD_FAILED;
	ret = dma_map(me->w->container, iova, bar, 8 * PAGE, DMA_RW);
	return !ret ? CHILD_MAPPED : ret == -EFAULT ? CHILD_REFUSED : CHILD_FAILED;
}

static int end_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return CHILD_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_MAPPED;
}

/* A view with memory on both sides, 24 pages in all. */
static int map_mixed_view(struct racer *me, __u64 iova)
{
	char *mem = mem_small(24 * PAGE);
	int ret;

	if (!mem || mmap(mem + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 me->peer->device, 0) == MAP_FAILED)
		return CHILD_FAILED;
	ret = dma_map(me->w->container, iova, mem, 24 * PAGE, DMA_RW);
	return !ret ? CHILD_MAPPED : ret == -EFAULT ? CHILD_REFUSED : CHILD_FAILED;
}

/*
 * Takes the memory of a process that was killed and has not ended, as the OOM killer does: then no
 * notifier may sleep. Kernels before 5.15 cannot.
 */
static void reap_memory(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return;
	syscall(PROCESS_MRELEASE, fd, 0);
	close(fd);
}

/* The owner is killed while it takes its own windows away, or while they come back. */
static int die_mapped(struct racer *me, __u64 iova)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (map_mixed_view(me, iova) == CHILD_FAILED)
			_exit(CHILD_FAILED);
		for (;;)
			switch_off(me, iova);
	}
	if (pid < 0)
		return -errno;
	usleep(rand_r(&me->seed) % 3000);
	kill(pid, SIGKILL);
	reap_memory(pid);
	if (end_of(pid) == CHILD_FAILED)
		return -ECHILD;
	return dma_unmap(me->w->container, iova, 24 * PAGE, 0, NULL);
}

/* The owner becomes another program, which has none of its addresses. */
static int exec_mapped(struct racer *me, __u64 iova)
{
	pid_t pid = fork();

	if (!pid) {
		if (map_own_view(me, iova) == CHILD_FAILED)
			_exit(CHILD_FAILED);
		execl("/bin/true", "true", NULL);
		_exit(CHILD_FAILED);
	}
	if (pid < 0)
		return -errno;
	if (end_of(pid) == CHILD_FAILED)
		return -ECHILD;
	return dma_unmap(me->w->container, iova, 8 * PAGE, 0, NULL);
}

/* Gives a view of ours to a mapping whose address was taken back. */
static int take_over(struct racer *me, __u64 iova)
{
	char *bar = view_of(me);
	int ret;

	if (!bar)
		return -ENOMEM;
	ret = dma_map(me->w->container, iova, bar, 8 * PAGE, DMA_VADDR);
	if (!ret)
		ret = dma_unmap(me->w->container, iova, 8 * PAGE, 0, NULL);
	munmap(bar, 8 * PAGE);
	return ret;
}

/* A live update: the owner takes the address back, and becomes another program, which ends. */
static int hand_over(struct racer *me, __u64 iova)
{
	pid_t pid = fork();
	int ret;

	if (!pid) {
		ret = map_own_view(me, iova);
		if (ret)
			_exit(ret);
		if (dma_unmap(me->w->container, iova, 8 * PAGE, UNMAP_VADDR, NULL))
			_exit(CHILD_FAILED);
		execl("/bin/true", "true", NULL);
		_exit(CHILD_FAILED);
	}
	if (pid < 0)
		return -errno;
	ret = end_of(pid);
	if (ret == CHILD_REFUSED)
		return 0;
	return ret == CHILD_FAILED ? -ECHILD : take_over(me, iova);
}

/* A container of its own is closed with a window. */
static int close_mapped(struct racer *me, __u64 iova)
{
	int container = container_open(), group = me->w->slot[3].group;
	int ret = container < 0 ? container : group_join(group, container);

	if (ret)
		return ret;
	ret = container_set_iommu(container, me->w->mode->type_id);
	if (!ret)
		ret = dma_map(container, iova, me->peer->bar, 16 * PAGE, DMA_RW);
	if (ret == -EFAULT)
		ret = 0;
	if (group_leave(group))
		ret = -EBUSY;
	close(container);
	return ret;
}

/* A group without an open device; no group may come while an address is taken back. */
static int come_and_go(struct racer *me, __u64 iova)
{
	int ret = group_leave(me->w->slot[2].group);

	(void)iova;
	while (!ret || ret == -EBUSY) {
		ret = group_join(me->w->slot[2].group, me->w->container);
		if (ret != -EBUSY)
			return ret;
	}
	return ret;
}

static void *race(void *arg)
{
	struct racer *me = arg;
	unsigned int i;

	for (i = 0; i < me->rounds; i++) {
		int ret = me->body(me, FAR + (me->nr + 1) * GIB);

		if (ret) {
			me->odd++;
			me->last = ret;
		}
	}
	return NULL;
}

static void run_races(struct world *w, struct edu *peer, struct racer *racers, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		racers[i].w = w;
		racers[i].peer = peer;
		racers[i].nr = i;
		racers[i].seed = test_seed() + i;
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);
	}
	for (i = 0; i < nr; i++)
		pthread_join(racers[i].thread, NULL);
}

/* What holds at the end. The one that was killed may have switched the memory off. */
static void windows_are_right(struct __test_metadata *_metadata, struct world *w, char *mem,
			      struct edu *edu, struct edu *peer)
{
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
	EXPECT_EQ(0, revoked(w));
	EXPECT_TRUE(arrives(_metadata, edu, mem, FAR + LIVENESS, peer));
	edu_close(peer);
	EXPECT_FALSE(arrives(_metadata, edu, mem, FAR + LIVENESS, peer));
	EXPECT_EQ(0, dma_unmap(w->container, FAR, PAGE * 256, 0, NULL));
}

TEST_F_TIMEOUT(bar_races, no_window_is_lost_and_none_is_left, PATIENCE_S)
{
	struct racer racers[] = {
		{ .body = switch_off, .rounds = ROUNDS },
		{ .body = map_and_unmap, .rounds = ROUNDS },
		{ .body = lose_view, .rounds = ROUNDS },
		{ .body = lose_view, .rounds = ROUNDS },
		{ .body = move_view, .rounds = ROUNDS },
		{ .body = fork_once, .rounds = ROUNDS },
		{ .body = come_and_go, .rounds = ROUNDS },
		{ .body = close_mapped, .rounds = SLOW_ROUNDS },
		{ .body = die_mapped, .rounds = SLOW_ROUNDS },
		{ .body = exec_mapped, .rounds = SLOW_ROUNDS },
		{ .body = hand_over, .rounds = SLOW_ROUNDS },
	};
	unsigned int i, nr = sizeof(racers) / sizeof(racers[0]);
	struct edu *edu, *peer;

	NEED_VADDR(self->w.mode);
	edu = writer(_metadata, &self->w, self->mem);
	peer = peer_in(_metadata, &self->w, 1);
	ASSERT_EQ(0, group_leave(self->w.slot[3].group));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, peer->bar_size, DMA_RW));
	run_races(&self->w, peer, racers, nr);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(0, racers[i].odd)
			TH_LOG("racer %u: %u times, the last with %d", i, racers[i].odd,
			       racers[i].last);
	}
	windows_are_right(_metadata, &self->w, self->mem, edu, peer);
}

TEST_HARNESS_MAIN
