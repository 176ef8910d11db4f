// SPDX-License-Identifier: GPL-2.0-only
/*
 * At the limit on locked memory, a real group joins emulated devices, for which all that is mapped
 * there is pinned, while another container maps the same memory: each waits for the other.
 */
#include "emulated_fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

/* type1 charges each mapping. */
#define EMULATED limit
#define EMULATED_BATCH_ONLY
#define EMULATED_GROUPS 2
#include "emulated_world.h"

#define LARGE (8 * MIB)

enum { SPARE = 16, LARGE_PAGES = LARGE / PAGE };

/*
 * All of @b but the last page is there; it is mapped where the emulated device is, so it is not
 * pinned, and is about to be in @other, which has a group of its own. The limit allows it once.
 */
static void begin_pair(struct __test_metadata *_metadata, struct world *w, struct world *other,
		       struct blocking_mem *b)
{
	ASSERT_EQ(0, blocking_mem_open_part(b, LARGE, LARGE - PAGE, PAGE));
	/* The limit that applies when it is mapped applies when it is pinned. */
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(LARGE_PAGES + SPARE));
	ASSERT_EQ(0, dma_map(w->container, IOVA, b->mem, LARGE, DMA_RW));
	*other = *w;
	ASSERT_EQ(0, world_open_container(other));
	ASSERT_EQ(0, world_join(other, 1));
	ASSERT_EQ(0, world_set_iommu(other));
}

/* One blocks, the other one comes to the limit and waits, and both have the memory in the end. */
static void meet(struct __test_metadata *_metadata, struct world *w, bool map_first)
{
	struct blocking_mem b;
	struct world other;
	struct call map = { .body = call_map, .w = &other, .iova = IOVA, .size = LARGE };
	struct call join = { .body = call_join, .w = w };
	struct call *first = map_first ? &map : &join, *second = map_first ? &join : &map;

	begin_pair(_metadata, w, &other, &b);
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(first, &b));
	ASSERT_EQ(0, call_begin(second));
	EXPECT_TRUE(call_waits(second));
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(first));
	EXPECT_EQ(0, call_result(second));
	EXPECT_EQ(LARGE_PAGES, charged(w));
	EXPECT_EQ(LARGE_PAGES, pinned_pages() - w->pinned);
	blocking_mem_close(&b);
	close(other.slot[1].group);
	close(other.container);
}

TEST_F(limit, group_that_joins_waits_for_a_map)
{
	meet(_metadata, &self->w, true);
}

TEST_F(limit, map_waits_for_a_group_that_joins)
{
	meet(_metadata, &self->w, false);
}

TEST_HARNESS_MAIN
