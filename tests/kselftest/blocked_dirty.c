// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that stop half-way because the user's bitmap blocks: a query of dirty pages
 * keeps its mapping, an UNMAP keeps what it claimed. Who needs these waits and finds
 * them right afterwards; who does not need them goes on.
 */
#include "fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

enum { OTHER = 2 * MEM_PAGES };

#define ALL_ONES (~0ULL)

#define WORLD tracked
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

static int map_pages(struct world *w, const char *mem, __u64 first, __u64 count)
{
	return dma_map(w->container, IOVA + first * PAGE, mem, count * PAGE,
		       DMA_RW);
}

/*
 * Two mappings, MEM_PAGES at 0 and at OTHER, and tracking on. @call asks for the
 * first one's bits, or unmaps it and reports them, and its bitmap blocks.
 */
static void report_blocked(struct __test_metadata *_metadata, struct world *w,
			   char *mem, struct blocking_mem *b, struct call *call)
{
	ASSERT_EQ(0, map_pages(w, mem, 0, MEM_PAGES));
	ASSERT_EQ(0, map_pages(w, mem, OTHER, MEM_PAGES));
	ASSERT_EQ(0, dirty_start(w->container));
	ASSERT_EQ(0, blocking_mem_open(b, PAGE));
	call->w = w;
	call->iova = IOVA;
	call->size = MEM_SIZE;
	call->data = b->mem;
	ASSERT_EQ(0, call_begin_blocked(call, b));
}

TEST_F(tracked, unmap_waits_for_a_query_of_its_mapping)
{
	struct call get = { .body = call_dirty_get };
	struct call unmap = { .body = call_unmap, .w = &self->w, .iova = IOVA,
			      .size = MEM_SIZE };
	struct blocking_mem b;

	report_blocked(_metadata, &self->w, self->mem, &b, &get);
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(self->w.locked + 2 * MEM_PAGES, locked_pages());
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(MEM_SIZE, unmap.unmapped);
	EXPECT_EQ(ALL_ONES, *(__u64 *)b.mem);
	blocking_mem_close(&b);
}

/* The most frequent UNMAP has a way of its own. */
TEST_F(tracked, unmap_of_a_page_waits_for_a_query_of_it)
{
	struct call get = { .body = call_dirty_get, .w = &self->w, .iova = IOVA, .size = PAGE };
	struct call unmap = { .body = call_unmap, .w = &self->w, .iova = IOVA, .size = PAGE };
	struct blocking_mem b;

	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 1));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	get.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&get, &b));
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(self->w.locked + 1, locked_pages());
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(PAGE, unmap.unmapped);
	blocking_mem_close(&b);
}

/* What the query waits for may itself need the place of another mapping of the unmap. */
TEST_F(tracked, unmap_that_waits_for_a_query_gives_other_places_free)
{
	struct call get = { .body = call_dirty_get };
	struct call unmap = { .body = call_unmap, .w = &self->w, .iova = IOVA,
			      .size = (OTHER + MEM_PAGES) * PAGE };
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA + OTHER * PAGE,
			    .size = MEM_SIZE, .data = self->mem };
	struct blocking_mem b;

	report_blocked(_metadata, &self->w, self->mem, &b, &get);
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	ASSERT_EQ(0, call_begin(&map));
	EXPECT_TRUE(call_ends(&map));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	EXPECT_EQ(0, call_result(&map));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(2 * MEM_SIZE, unmap.unmapped);
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	blocking_mem_close(&b);
}

TEST_F(tracked, unmap_of_another_mapping_does_not_wait_for_a_query)
{
	struct call get = { .body = call_dirty_get };
	struct blocking_mem b;
	__u64 done;

	report_blocked(_metadata, &self->w, self->mem, &b, &get);
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA + OTHER * PAGE, MEM_SIZE,
			       0, &done));
	EXPECT_EQ(MEM_SIZE, done);
	EXPECT_TRUE(call_waits(&get));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	blocking_mem_close(&b);
}

/* The query goes on with its mapping, which ends with it. */
TEST_F(tracked, pages_outlive_their_container_while_a_query_lasts)
{
	struct call get = { .body = call_dirty_get };
	struct blocking_mem b;

	report_blocked(_metadata, &self->w, self->mem, &b, &get);
	ASSERT_EQ(0, group_leave(self->w.slot[0].group));
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	EXPECT_TRUE(call_waits(&get));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	EXPECT_EQ(self->w.locked, locked_pages());
	blocking_mem_close(&b);
}

/* Taking addresses back needs no dirty bits, and nobody has to start over for them. */
TEST_F(tracked, addresses_are_taken_back_while_a_query_lasts)
{
	struct call get = { .body = call_dirty_get };
	struct call take = { .body = call_take_vaddr, .w = &self->w, .iova = IOVA,
			     .size = (OTHER + MEM_PAGES) * PAGE };
	struct blocking_mem b;

	report_blocked(_metadata, &self->w, self->mem, &b, &get);
	ASSERT_EQ(0, call_begin(&take));
	EXPECT_TRUE(call_ends(&take));
	EXPECT_TRUE(call_waits(&get));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&get));
	EXPECT_EQ(0, call_result(&take));
	EXPECT_EQ(2 * MEM_SIZE, take.unmapped);
	/* They are: each can have a new one. */
	EXPECT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_VADDR));
	EXPECT_EQ(0, dma_map(self->w.container, IOVA + OTHER * PAGE, self->mem,
			     MEM_SIZE, DMA_VADDR));
	blocking_mem_close(&b);
}

/* The first UNMAP fails and gives back what it claimed; the second waits for that. */
TEST_F(tracked, unmap_takes_what_another_gives_back)
{
	struct call first = { .body = call_unmap_dirty };
	struct call second = { .body = call_unmap_all, .w = &self->w };
	struct blocking_mem b;

	report_blocked(_metadata, &self->w, self->mem, &b, &first);
	ASSERT_EQ(0, call_begin(&second));
	EXPECT_TRUE(call_waits(&second));
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&first));
	EXPECT_TRUE(call_ends(&second));
	EXPECT_EQ(0, call_result(&second));
	EXPECT_EQ(2 * MEM_SIZE, second.unmapped);
	blocking_mem_close(&b);
}

/*
 * An UNMAP waits for a MAP in its range; meanwhile a mapping comes that reaches over
 * the end of that range. It must not be cut, and the UNMAP must not pass it over.
 */
TEST_F(tracked, unmap_looks_at_its_range_again_after_a_wait)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA,
			    .size = MEM_SIZE };
	struct call unmap = { .body = call_unmap, .w = &self->w, .iova = IOVA,
			      .size = MEM_SIZE + PAGE };
	struct blocking_mem b;
	__u64 left;

	ASSERT_EQ(0, blocking_mem_open(&b, MEM_SIZE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(0, map_pages(&self->w, self->mem, MEM_PAGES, 2));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	EXPECT_EQ(-EINVAL, call_result(&unmap));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &left));
	EXPECT_EQ(MEM_SIZE + 2 * PAGE, left);
	blocking_mem_close(&b);
}

/* The same of a query that waits. */
TEST_F(tracked, query_looks_at_its_range_again_after_a_wait)
{
	__u64 words[2] = { 0 };
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA,
			    .size = MEM_SIZE };
	struct call get = { .body = call_dirty_get, .w = &self->w, .iova = IOVA,
			    .size = MEM_SIZE + PAGE, .data = words };
	struct blocking_mem b;

	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, blocking_mem_open(&b, MEM_SIZE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	ASSERT_EQ(0, call_begin(&get));
	EXPECT_TRUE(call_waits(&get));
	EXPECT_EQ(0, map_pages(&self->w, self->mem, MEM_PAGES, 2));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	EXPECT_EQ(-EINVAL, call_result(&get));
	blocking_mem_close(&b);
}

TEST_HARNESS_MAIN
