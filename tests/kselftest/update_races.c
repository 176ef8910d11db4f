// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live update takes addresses back and gives new ones while others map and unmap, read the
 * dirty bitmap, and put groups into the container and take them out. Each of them gets one of
 * the answers that it would get alone, and nobody's mapping suffers.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/agree.h"

enum { MAPPINGS = 8, UPDATES = 150 };

#define ONE_SIZE (MEM_SIZE / MAPPINGS)
#define ELSEWHERE (IOVA + GIB)

#define WORLD update_races
#define WORLD_GROUPS 2
#define WORLD_ONE_ID
#define WORLD_VADDR
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

struct actor {
	struct world *w;
	char *mem;
	pthread_t thread;
	volatile bool *stop;
	unsigned long good;
	unsigned long busy;	/* told to come later, as it may be */
	int odd;		/* an answer that nobody expects */
};

static void count(struct actor *me, int ret, int may_be)
{
	if (!ret)
		me->good++;
	else if (ret == may_be)
		me->busy++;
	else
		me->odd = ret;
}

static void *map_and_unmap(void *arg)
{
	struct actor *me = arg;
	__u64 done = 0;

	while (!*me->stop) {
		count(me, dma_map(me->w->container, ELSEWHERE, me->mem, MEM_SIZE, DMA_RW), 0);
		count(me, dma_unmap(me->w->container, ELSEWHERE, MEM_SIZE, 0, &done), 0);
		if (done != MEM_SIZE)
			me->odd = 1;
	}
	return NULL;
}

/* What is mapped all the time is dirty each time: the device does not say what it writes. */
static void *read_bitmap(void *arg)
{
	struct actor *me = arg;

	while (!*me->stop) {
		__u64 word = 0;
		struct vfio_bitmap bitmap = bitmap_words(&word, 1);

		count(me, dirty_get(me->w->container, IOVA, MEM_SIZE, &bitmap), 0);
		if (word != ~0ULL)
			me->odd = 2;
	}
	return NULL;
}

/* No group joins while an address is missing. */
static void *join_and_leave(void *arg)
{
	struct actor *me = arg;
	int ret;

	while (!*me->stop) {
		ret = group_join(me->w->slot[1].group, me->w->container);
		count(me, ret, -EBUSY);
		if (!ret)
			count(me, group_leave(me->w->slot[1].group), 0);
		usleep(1000);
	}
	return NULL;
}

/* All mappings lose their addresses, and get those of another view of the same memory. */
static int update(struct world *w, char *view)
{
	__u64 done;
	int i, ret;

	ret = dma_unmap(w->container, IOVA, MEM_SIZE, UNMAP_VADDR, &done);
	if (ret || done != MEM_SIZE)
		return ret ? ret : -EPROTO;
	usleep(500);
	for (i = 0; !ret && i < MAPPINGS; i++)
		ret = dma_map(w->container, IOVA + i * ONE_SIZE, view + i * ONE_SIZE, ONE_SIZE,
			      DMA_VADDR);
	return ret;
}

static char *second_view(int fd)
{
	char *mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

TEST_F(update_races, map_bitmap_and_attach)
{
	static void *(*const bodies[])(void *) = { map_and_unmap, read_bitmap, join_and_leave };
	struct actor actor[ARRAY_SIZE(bodies)] = { 0 };
	volatile bool stop = false;
	char *view[2];
	unsigned int i;
	struct edu *edu;
	int fd;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	self->w.slot[1].group = group_open(self->w.slot[1].pci.group);
	ASSERT_LE(0, self->w.slot[1].group);
	view[0] = mem_memfd(MEM_SIZE, &fd);
	view[1] = second_view(fd);
	ASSERT_NE(NULL, view[1]);
	for (i = 0; i < MAPPINGS; i++)
		ASSERT_EQ(0, dma_map(self->w.container, IOVA + i * ONE_SIZE,
				     view[0] + i * ONE_SIZE, ONE_SIZE, DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));

	for (i = 0; i < ARRAY_SIZE(bodies); i++) {
		actor[i] = (struct actor){ .w = &self->w, .mem = self->mem, .stop = &stop };
		ASSERT_EQ(0, pthread_create(&actor[i].thread, NULL, bodies[i], &actor[i]));
	}
	for (i = 0; i < UPDATES; i++) {
		EXPECT_EQ(0, update(&self->w, view[!(i & 1)]));
		usleep(500);
	}
	stop = true;
	for (i = 0; i < ARRAY_SIZE(bodies); i++) {
		pthread_join(actor[i].thread, NULL);
		EXPECT_EQ(0, actor[i].odd) TH_LOG("actor %u", i);
		EXPECT_LT(0, actor[i].good) TH_LOG("actor %u", i);
	}
	TH_LOG("%lu joins, %lu refused", actor[2].good / 2, actor[2].busy);
	EXPECT_EQ(0, device_agrees(edu, IOVA, view[0]));
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	close(fd);
}

TEST_HARNESS_MAIN
