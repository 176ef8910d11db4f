// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma_entry_limit: how many mappings a container may hold. type1 counts all of
 * them, we count those that charge no locked memory: device BARs, zero pages.
 * The limit is taken when the container is set up.
 */
#include <limits.h>

#include "fixture.h"

enum { LIMIT = 8, MANY = 3 * LIMIT };

#define WORLD limits
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

static bool ram_counts(const struct world *w)
{
	return expected(w->mode, DIFF_RAM_TAKES_ENTRY);
}

/* A container under @limit; the parameter is as before when this returns. */
static int open_under(struct world *w, long limit)
{
	enum backend backend = w->mode->backend;
	long before = backend_param(backend, "dma_entry_limit");
	int ret;

	ret = backend_param_set(backend, "dma_entry_limit", limit);
	if (!ret)
		ret = world_set_up(w, 1);
	backend_param_set(backend, "dma_entry_limit", before);
	return ret;
}

/* Mappings that count and may still be made. */
static long left(const struct world *w)
{
	return entries_room(w->mode->backend, w->container);
}

static int map_nr(struct world *w, const char *mem, unsigned int nr)
{
	return dma_map(w->container, IOVA + nr * 2 * PAGE, mem, PAGE, DMA_RW);
}

/* Maps one page again and again; how often that worked, *@ret says why not. */
static unsigned int map_many(struct world *w, const char *mem,
			     unsigned int first, unsigned int count, int *ret)
{
	unsigned int i;

	*ret = 0;
	for (i = 0; i < count; i++) {
		*ret = map_nr(w, mem, first + i);
		if (*ret)
			break;
	}
	return i;
}

TEST_F(limits, default_is_65535)
{
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	EXPECT_EQ(65535, left(&self->w));
	EXPECT_EQ(expected(self->w.mode, DIFF_DMA_AVAIL),
		  info_avail(self->w.container));
}

TEST_F(limits, bar_mappings_stop_at_the_limit_with_enospc)
{
	struct edu *edu;
	int ret;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	EXPECT_EQ(LIMIT, map_many(&self->w, edu->bar, 0, MANY, &ret));
	EXPECT_EQ(-ENOSPC, ret);
}

TEST_F(limits, room_falls_and_rises_with_bar_mappings)
{
	struct edu *edu;
	int ret;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	EXPECT_EQ(LIMIT, left(&self->w));
	ASSERT_EQ(3, map_many(&self->w, edu->bar, 0, 3, &ret));
	EXPECT_EQ(LIMIT - 3, left(&self->w));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, PAGE, 0, NULL));
	EXPECT_EQ(LIMIT - 2, left(&self->w));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(LIMIT, left(&self->w));
}

TEST_F(limits, unmap_makes_room_for_another_bar_mapping)
{
	struct edu *edu;
	int ret;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(LIMIT, map_many(&self->w, edu->bar, 0, LIMIT, &ret));
	EXPECT_EQ(-ENOSPC, map_nr(&self->w, edu->bar, LIMIT));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, PAGE, 0, NULL));
	EXPECT_EQ(0, map_nr(&self->w, edu->bar, LIMIT));
	EXPECT_EQ(-ENOSPC, map_nr(&self->w, edu->bar, LIMIT + 1));
}

TEST_F(limits, memory_mappings)
{
	int ret;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	if (ram_counts(&self->w)) {
		EXPECT_EQ(LIMIT, map_many(&self->w, self->mem, 0, MANY, &ret));
		EXPECT_EQ(-ENOSPC, ret);
		EXPECT_EQ(0, left(&self->w));
	} else {
		EXPECT_EQ(MANY, map_many(&self->w, self->mem, 0, MANY, &ret));
		EXPECT_EQ(LIMIT, left(&self->w));
	}
}

TEST_F(limits, memory_and_bar_mappings_together)
{
	struct edu *edu;
	int ret, room;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(5, map_many(&self->w, self->mem, 0, 5, &ret));
	room = ram_counts(&self->w) ? LIMIT - 5 : LIMIT;
	EXPECT_EQ(room, map_many(&self->w, edu->bar, 5, MANY, &ret));
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(ram_counts(&self->w) ? -ENOSPC : 0,
		  map_nr(&self->w, self->mem, 2 * MANY));
}

/* Up to 6.1 a device reads untouched memory from the zero page: no charge. */
TEST_F(limits, zero_page_mappings)
{
	bool charged = kernel_running() >= KERNEL(6, 2);
	char *mem = mem_untouched(MEM_SIZE);
	unsigned int i;
	int ret = 0;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	for (i = 0; !ret && i < MANY; i++)
		ret = dma_map(self->w.container, IOVA + i * PAGE,
			      mem + i * PAGE, PAGE, DMA_READ);
	EXPECT_EQ(charged && !ram_counts(&self->w) ? 0 : -ENOSPC, ret);
}

TEST_F(limits, overlap_is_eexist_before_enospc)
{
	struct edu *edu;
	int ret;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(LIMIT, map_many(&self->w, edu->bar, 0, LIMIT, &ret));
	EXPECT_EQ(-EEXIST, map_nr(&self->w, edu->bar, 0));
}

/* Ours cannot know before it has looked at the memory whether it will count. */
TEST_F(limits, enospc_and_a_reserved_iova)
{
	struct edu *edu;
	int ret;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(LIMIT, map_many(&self->w, edu->bar, 0, LIMIT, &ret));
	EXPECT_EQ(expected(self->w.mode, DIFF_ENOSPC_AND_RESERVED),
		  dma_map(self->w.container, MSI_WINDOW, edu->bar, PAGE,
			  DMA_RW));
}

TEST_F(limits, refused_bar_mapping_leaves_nothing)
{
	struct edu *edu;
	__u64 done;
	int ret;

	ASSERT_EQ(0, open_under(&self->w, LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(LIMIT, map_many(&self->w, edu->bar, 0, MANY, &ret));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(LIMIT * PAGE, done);
}

TEST_F(limits, limit_0_refuses_the_first_bar_mapping)
{
	struct edu *edu;

	ASSERT_EQ(0, open_under(&self->w, 0));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	EXPECT_EQ(0, left(&self->w));
	EXPECT_EQ(-ENOSPC, map_nr(&self->w, edu->bar, 0));
}

TEST_F(limits, limit_changed_later_is_for_the_next_container)
{
	struct edu *edu;
	int ret;

	ASSERT_EQ(0, open_under(&self->w, 2 * LIMIT));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, backend_param_set(self->w.mode->backend,
				       "dma_entry_limit", LIMIT));
	EXPECT_EQ(2 * LIMIT, map_many(&self->w, edu->bar, 0, MANY, &ret));
	backend_param_set(self->w.mode->backend, "dma_entry_limit", 65535);
}

/* The wall that made people ask for more: 65535 mappings of ordinary memory. */
TEST_F(limits, seventy_thousand_memory_mappings)
{
	const unsigned int count = 70000;
	int ret;

	if (ram_counts(&self->w))
		SKIP(return, "%s has the wall", self->w.mode->name);
	ASSERT_EQ(0, open_under(&self->w, 65535));
	EXPECT_EQ(count, map_many(&self->w, self->mem, 0, count, &ret));
	EXPECT_EQ(self->w.locked + count, locked_pages());
	EXPECT_EQ(65535, left(&self->w));
	EXPECT_EQ(UINT_MAX, info_avail(self->w.container));
}

/* Behind what is reserved for interrupts. */
#define FAR (16 * GIB)

#define WORLD millions
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

/* What virtio-mem makes of much memory in small blocks, in a module out of the box. */
TEST_F(millions, of_mappings_and_one_unmap_of_half_of_them)
{
	const unsigned int count = 1048576;
	unsigned int i;
	__u64 done;
	long syncs;
	int ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = dma_map(self->w.container, FAR + i * PAGE,
			      self->mem + i % MEM_PAGES * PAGE, PAGE, DMA_RW);
	ASSERT_EQ(0, ret)
		TH_LOG("mapping %u", i);
	EXPECT_EQ(UINT_MAX, info_avail(self->w.container));
	EXPECT_EQ(65535, left(&self->w));
	syncs = containers_value("syncs:");
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, count / 2 * PAGE, 0,
			       &done));
	EXPECT_EQ(count / 2 * PAGE, done);
	EXPECT_GE(64, containers_value("syncs:") - syncs);
	EXPECT_EQ(count / 2, containers_value("mappings:"));
}

TEST_HARNESS_MAIN
