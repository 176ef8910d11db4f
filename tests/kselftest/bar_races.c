// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once around BARs that go away: decode off and on, munmap, fork, live update, maps
 * and unmaps, a group that comes and goes. What holds at the end: a mapping whose address is still
 * there has its window, one whose address has ended has none, and nothing is left. With one CPU the
 * threads take turns where the kernel lets them; with `--smp 2 --parallel` they really meet.
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define FAR (IOVA + GIB)

enum {
	LIVENESS = 4,			/* edu's register that reads as the inverse */
	COME_BACK_MS = 100,
	ROUNDS = 1500,			/* of each thread */
};

#define WORLD bar_races
#define WORLD_GROUPS 3
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

struct racer {
	struct world *w;
	struct edu *peer;
	int (*body)(struct racer *racer, __u64 iova);
	unsigned int nr;
	unsigned int odd;		/* answers that nobody expects */
	int last;			/* the last of them */
	pthread_t thread;
};

/* The peer's memory is switched off and on again. */
static int switch_off(struct racer *me, __u64 iova)
{
	int ret = edu_command(me->peer, 0);

	(void)iova;
	return ret ? ret : edu_command(me->peer, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
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

	for (i = 0; i < ROUNDS; i++) {
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
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);
	}
	for (i = 0; i < nr; i++)
		pthread_join(racers[i].thread, NULL);
}

/* Has @edu write a word to @iova; does it arrive in the peer's register? */
static bool arrives(struct __test_metadata *_metadata, struct edu *edu, char *mem, __u64 iova,
		    struct edu *peer)
{
	__u32 before, after, word;

	ASSERT_EQ((ssize_t)sizeof(before), pread(peer->device, &before, sizeof(before), LIVENESS));
	word = ~before + 1;
	memcpy(mem, &word, sizeof(word));
	ASSERT_EQ(0, edu_fetch(edu, IOVA));
	ASSERT_EQ(0, edu_store_bytes(edu, iova, sizeof(word)));
	ASSERT_EQ((ssize_t)sizeof(after), pread(peer->device, &after, sizeof(after), LIVENESS));
	return after == ~word;
}

TEST_F(bar_races, no_window_is_lost_and_none_is_left)
{
	struct racer racers[] = {
		{ .body = switch_off }, { .body = map_and_unmap }, { .body = lose_view },
		{ .body = lose_view }, { .body = move_view }, { .body = fork_once },
		{ .body = come_and_go },
	};
	unsigned int i, nr = sizeof(racers) / sizeof(racers[0]);
	struct edu *edu, *peer;
	int ms;

	NEED_VADDR(self->w.mode);
	edu = world_edu(&self->w, 0);
	peer = world_edu(&self->w, 1);
	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, peer);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, peer->bar_size, DMA_RW));
	run_races(&self->w, peer, racers, nr);
	for (i = 0; i < nr; i++) {
		EXPECT_EQ(0, racers[i].odd)
			TH_LOG("racer %u: %u times, the last with %d", i, racers[i].odd,
			       racers[i].last);
	}

	for (ms = 0; containers_value("revoked_pages:") > 0 && ms < COME_BACK_MS; ms += 5)
		usleep(5000);
	EXPECT_EQ(0, containers_value("revoked_pages:"));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	edu_close(peer);
	EXPECT_FALSE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	EXPECT_EQ(0, dma_unmap(self->w.container, FAR, PAGE * 256, 0, NULL));
}

TEST_HARNESS_MAIN
