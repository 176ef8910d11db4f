// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are taken away under a container, and come back. The VFIO core
 * takes a group whose last device goes off its container; we must be left with
 * nothing of it, whatever we were doing. Who takes it away: see lib/plug.h.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/plug.h"

enum { STAYS, GOES };

#define WORLD hotplug
#define WORLD_GROUPS 2
#define WORLD_V2_ONLY
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* A turn of the machine's own hot-plug takes a second. */
static unsigned int races(void)
{
	return plug_by_machine() ? 10 : 40;
}

static int begin(struct world *w, unsigned int first, char *mem)
{
	int ret = world_open_container(w);

	ret = ret ? ret : world_join(w, first);
	ret = ret ? ret : world_set_iommu(w);
	return ret ? ret : dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW);
}

/* The device of @slot copies page 0 to page 8. */
static bool reaches(struct world *w, unsigned int slot, char *mem)
{
	struct edu *edu = world_edu(w, slot);

	mem_fill(mem, PAGE, 5);
	mem_fill(mem + 8 * PAGE, PAGE, 0xee);
	return edu && !edu_copy(edu, IOVA + 8 * PAGE, IOVA) &&
	       mem_is(mem + 8 * PAGE, EDU_CHUNK, 5);
}

TEST_F(hotplug, of_one_leaves_the_other_its_mappings)
{
	struct world *w = &self->w;

	ASSERT_EQ(0, begin(w, STAYS, self->mem));
	ASSERT_EQ(0, world_join(w, GOES));
	ASSERT_EQ(0, unplug(&w->slot[GOES].pci));
	EXPECT_EQ(w->pinned + MEM_PAGES, pinned_pages());
	EXPECT_TRUE(reaches(w, STAYS, self->mem));
	world_close_group(w, GOES);
	ASSERT_EQ(0, plug(&w->slot[GOES].pci));
	ASSERT_EQ(0, world_join(w, GOES));
	EXPECT_TRUE(reaches(w, GOES, self->mem));
}

TEST_F(hotplug, of_the_first_leaves_the_other_its_mappings)
{
	struct world *w = &self->w;

	ASSERT_EQ(0, begin(w, GOES, self->mem));
	ASSERT_EQ(0, world_join(w, STAYS));
	ASSERT_EQ(0, unplug(&w->slot[GOES].pci));
	EXPECT_TRUE(reaches(w, STAYS, self->mem));
	world_close_group(w, GOES);
	ASSERT_EQ(0, plug(&w->slot[GOES].pci));
}

/* The mappings end with the group, when the core takes it or its file closes. */
TEST_F(hotplug, of_the_last_ends_the_mappings)
{
	struct world *w = &self->w;

	ASSERT_EQ(0, begin(w, GOES, self->mem));
	ASSERT_EQ(0, unplug(&w->slot[GOES].pci));
	world_close_group(w, GOES);
	EXPECT_EQ(w->pinned, pinned_pages());
	EXPECT_EQ(w->locked, locked_pages());
	ASSERT_EQ(0, plug(&w->slot[GOES].pci));
	/* the container is as new */
	ASSERT_EQ(0, world_join(w, GOES));
	ASSERT_EQ(0, world_set_iommu(w));
	EXPECT_EQ(0, dma_map(w->container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_TRUE(reaches(w, GOES, self->mem));
}

/* A device that is in use goes when its user lets go, and not before. */
struct unplugger {
	struct pci_dev pci;
	int delay_us;
	int ret;
};

static void *unplug_later(void *data)
{
	struct unplugger *job = data;

	usleep(job->delay_us);
	job->ret = unplug(&job->pci);
	return NULL;
}

TEST_F(hotplug, of_an_open_device_waits_for_its_user)
{
	struct world *w = &self->w;
	struct unplugger job = { .delay_us = 0 };
	pthread_t thread;

	ASSERT_EQ(0, begin(w, STAYS, self->mem));
	ASSERT_EQ(0, world_join(w, GOES));
	ASSERT_TRUE(reaches(w, GOES, self->mem));
	job.pci = w->slot[GOES].pci;
	ASSERT_EQ(0, pthread_create(&thread, NULL, unplug_later, &job));
	usleep(200000);
	EXPECT_TRUE(reaches(w, GOES, self->mem));
	world_close_device(w, GOES);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, job.ret);
	EXPECT_TRUE(reaches(w, STAYS, self->mem));
	world_close_group(w, GOES);
	ASSERT_EQ(0, plug(&w->slot[GOES].pci));
}

/*
 * The group joins and leaves as fast as it can while its device goes. Either call
 * may fail, with any errno; both may be the first.
 */
static unsigned int join_until_gone(struct world *w, struct unplugger *job)
{
	unsigned int joined = 0;
	int ret, i;

	for (i = 0; i < 10000 && job->ret == 1; i++) {
		ret = world_join(w, GOES);
		if (!ret) {
			joined++;
			group_leave(w->slot[GOES].group);
		}
		if (ret == -ENODEV || ret == -ENOENT)
			world_close_group(w, GOES);
	}
	world_close_group(w, GOES);
	return joined;
}

TEST_F(hotplug, races_with_join_and_leave)
{
	struct world *w = &self->w;
	unsigned int i, joined = 0;
	struct unplugger job;
	pthread_t thread;

	srand(getenv("VIB_SEED") ? atoi(getenv("VIB_SEED")) : time(NULL));
	ASSERT_EQ(0, begin(w, STAYS, self->mem));
	for (i = 0; i < races(); i++) {
		job = (struct unplugger){
			.pci = w->slot[GOES].pci,
			.delay_us = rand() % 5000,
			.ret = 1,
		};
		ASSERT_EQ(0, pthread_create(&thread, NULL, unplug_later, &job));
		joined += join_until_gone(w, &job);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, job.ret);
		ASSERT_EQ(0, plug(&w->slot[GOES].pci));
	}
	/* else nothing raced */
	EXPECT_LE(races() / 4, joined);
	EXPECT_EQ(w->pinned + MEM_PAGES, pinned_pages());
	EXPECT_TRUE(reaches(w, STAYS, self->mem));
}

/* The same with the first group of a container: SET_IOMMU attaches it. */
TEST_F(hotplug, races_with_set_iommu)
{
	struct world *w = &self->w;
	unsigned int i, set = 0;
	struct unplugger job;
	pthread_t thread;

	for (i = 0; i < races(); i++) {
		job = (struct unplugger){
			.pci = w->slot[GOES].pci,
			.delay_us = rand() % 2000,
			.ret = 1,
		};
		ASSERT_EQ(0, world_open_container(w));
		ASSERT_EQ(0, pthread_create(&thread, NULL, unplug_later, &job));
		if (!world_join(w, GOES) && !world_set_iommu(w) &&
		    !dma_map(w->container, IOVA, self->mem, MEM_SIZE, DMA_RW))
			set++;
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, job.ret);
		world_close_group(w, GOES);
		world_close_container(w);
		EXPECT_EQ(NULL, world_leak(w));
		ASSERT_EQ(0, plug(&w->slot[GOES].pci));
	}
	EXPECT_LE(1, set);
}

TEST_HARNESS_MAIN
