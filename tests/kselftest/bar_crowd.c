// SPDX-License-Identifier: GPL-2.0-only
/*
 * Very many mappings of one BAR, which is off for a while: the kernel takes it from each, and each
 * tries to get it back. Neither may keep a CPU busy, nor may the two go on for ever.
 */

#include "bar_fixture.h"
#include "lib/probe.h"

enum {
	SOON_MS = 20000,
	MULTITUDE = 2000,
	LOOKS_A_MS = 20,
	AGAIN_MS = 2000,		/* as long as all turns of 32 took was 3,200 */
	GONE_MS = 250,			/* most that counts of what switching off takes */
	ROUNDS = 3,			/* one is what it takes, mostly */
	PAUSE_MS = 2,			/* the first one */
};

#define WORLD bar_crowd
#define WORLD_GROUPS 3
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#include "world_fixture.h"

static struct edu *peer_of(struct __test_metadata *_metadata, struct world *w)
{
	return peer_in(_metadata, w, 1);
}

/* Maps a BAR's first page @times times from @iova on, each a view of its own. Return: these. */
static char *map_views(int container, __u64 iova, struct edu *peer, int times)
{
	char *views = mmap(NULL, times * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	for (i = 0; i < times && views != MAP_FAILED; i++)
		if (mmap(views + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 peer->device, 0) == MAP_FAILED ||
		    dma_map(container, iova + i * PAGE, views + i * PAGE, PAGE, DMA_RW))
			return NULL;
	return views == MAP_FAILED ? NULL : views;
}

/* How often a pause is doubled until it is longer than @ms. */
static int doublings(long ms)
{
	int n = 0;

	while (PAUSE_MS << n <= ms)
		n++;
	return n;
}

/*
 * What is off may come back for a moment while the kernel takes it, but it must not go on so. Two
 * containers do not know of each other: all that one of them has may come back while the kernel is
 * at the other, until the pauses of both, which double each time, outlast that. On a busy host it
 * takes long.
 */
static void off_at_last(struct __test_metadata *_metadata, struct world *w, struct edu *peer,
			long pages, int containers)
{
	long began, took, again = (ROUNDS - 1) * pages;

	if (probe_set("p:vib/one vfio_iommu_batch:vib_bar_revoke"))
		SKIP_TEST("this kernel has no kprobes");
	began = now_ms();
	off(_metadata, peer);
	took = now_ms() - began;
	if (containers > 1)
		again = doublings(took) * pages;
	TH_LOG("%ld mappings, taken %ld times in %ld ms", pages, probe_hits(), took);
	EXPECT_GE(pages + again, probe_hits());
	probe_remove();
	EXPECT_EQ(pages, revoked(w));
}

static void on_again(struct __test_metadata *_metadata, struct world *w, struct edu *peer)
{
	ASSERT_EQ(0, edu_command(peer, DECODES));
	comes_back_in(w, SOON_MS);
	EXPECT_EQ(0, revoked(w));
}

/* The worker must not take a CPU that nobody is charged for. */
TEST_F(bar_crowd, much_that_is_off_is_looked_at_seldom)
{
	struct world *w = &self->w;
	struct edu *peer = peer_of(_metadata, w);
	long began, seen;

	ASSERT_EQ(0, map_often(w->container, FAR, peer->bar, PAGE, MULTITUDE));
	off_at_last(_metadata, w, peer, MULTITUDE, 1);
	ASSERT_EQ(0, probe_set("p:vib/one vfio_iommu_batch:vib_bar_restore"));
	/* What was queued at once has run. */
	sleep(1);
	began = now_ms();
	seen = probe_hits();
	sleep(1);
	EXPECT_GE((now_ms() - began) * LOOKS_A_MS, probe_hits() - seen);
	probe_remove();
	on_again(_metadata, w, peer);
}

/*
 * All of a crowd come back soon, also if that is not long after they did so last: with a worker
 * for each, most of which come while others are at it.
 */
TEST_F(bar_crowd, crowd_comes_back_soon_each_time)
{
	struct world *w = &self->w;
	struct edu *peer = peer_of(_metadata, w);
	long began, gone, took, least = SOON_MS;
	int i;

	ASSERT_EQ(0, map_often(w->container, FAR, peer->bar, PAGE, MULTITUDE));
	for (i = 0; i < 4; i++) {
		began = now_ms();
		off(_metadata, peer);
		gone = now_ms() - began;
		EXPECT_EQ(MULTITUDE, revoked(w));
		began = now_ms();
		on_again(_metadata, w, peer);
		took = now_ms() - began;
		TH_LOG("gone in %ld ms, back after %ld", gone, took);
		/* Up to 6.9, the pause grows with that. */
		took -= 2 * (gone < GONE_MS ? gone : GONE_MS);
		if (i && took < least)
			least = took;
		usleep(500000);
	}
	/* A busy host makes some of them take longer. */
	EXPECT_GE(AGAIN_MS, least);
}

/* Each is taken by itself, which takes far longer than a pause, in all. */
TEST_F(bar_crowd, many_views_of_one_process_do_not_keep_it_on)
{
	struct world *w = &self->w;
	struct edu *peer = peer_of(_metadata, w);
	char *views = map_views(w->container, FAR, peer, MULTITUDE);

	ASSERT_NE(NULL, views);
	off_at_last(_metadata, w, peer, MULTITUDE, 1);
	on_again(_metadata, w, peer);
	munmap(views, MULTITUDE * PAGE);
}

/* Two processes with very many mappings of a view of the BAR, those of the second in @other. */
static void two_views(struct __test_metadata *_metadata, struct world *w, int other)
{
	struct edu *peer = peer_of(_metadata, w);
	pid_t pid;

	ASSERT_EQ(0, map_often(w->container, FAR, peer->bar, PAGE, MULTITUDE));
	pid = views_of_a_child(_metadata, other, peer, FAR + GIB, PAGE, MULTITUDE);
	off_at_last(_metadata, w, peer, 2 * MULTITUDE, other == w->container ? 1 : 2);
	on_again(_metadata, w, peer);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
}

/* What is zapped in one of them comes back while it is zapped in the other, and so on. */
TEST_F(bar_crowd, two_processes_do_not_keep_it_on)
{
	two_views(_metadata, &self->w, self->w.container);
}

/* Nor if neither container knows what happens in the other one. */
TEST_F(bar_crowd, two_containers_do_not_keep_it_on)
{
	struct world *w = &self->w;
	int other = container_open();

	ASSERT_EQ(0, group_leave(w->slot[2].group));
	ASSERT_EQ(0, group_join(w->slot[2].group, other));
	ASSERT_EQ(0, container_set_iommu(other, w->mode->type_id));
	two_views(_metadata, w, other);
	world_close_group(w, 2);
	close(other);
}

TEST_HARNESS_MAIN
