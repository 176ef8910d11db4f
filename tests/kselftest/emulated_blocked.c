// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated devices, and memory whose page faults block: what a device pins, reads or
 * writes for itself waits for it, and so does a real group that joins.
 */
#include "emulated_fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

/* type1 does not wait for such memory, or holds its lock meanwhile. */
#define EMULATED blocked
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

enum { MISSING = 5 };

/* Maps memory at IOVA whose page MISSING is not there. */
static void map_blocking(struct __test_metadata *_metadata, struct world *w,
			 struct blocking_mem *b)
{
	ASSERT_EQ(0, blocking_mem_open_part(b, MEM_SIZE, MISSING * PAGE, PAGE));
	ASSERT_EQ(0, dma_map(w->container, IOVA, b->mem, MEM_SIZE, DMA_RW));
}

/* The call waits for the page; another mapping comes and goes meanwhile. */
static void waits_alone(struct __test_metadata *_metadata, struct world *w,
			char *mem, struct blocking_mem *b, struct call *call)
{
	ASSERT_EQ(0, call_begin_blocked(call, b));
	EXPECT_EQ(0, dma_map(w->container, IOVA + GIB, mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(w->container, IOVA + GIB, MEM_SIZE, 0, NULL));
	EXPECT_TRUE(call_waits(call));
	EXPECT_EQ(0, blocking_mem_provide(b));
	EXPECT_EQ(0, call_result(call));
}

TEST_F(blocked, pin_waits_for_its_page)
{
	struct call pin = { .body = call_emulated_pin, .e = self->e, .iova = IOVA,
			    .size = MEM_SIZE, .prot = MOCK_WRITE };
	struct blocking_mem b;

	map_blocking(_metadata, &self->w, &b);
	waits_alone(_metadata, &self->w, self->mem, &b, &pin);
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA, MEM_PAGES));
	blocking_mem_close(&b);
}

TEST_F(blocked, pin_of_a_page_that_goes_is_efault)
{
	struct call pin = { .body = call_emulated_pin, .e = self->e,
			    .iova = IOVA + MISSING * PAGE, .size = PAGE,
			    .prot = MOCK_READ };
	struct blocking_mem b;

	map_blocking(_metadata, &self->w, &b);
	ASSERT_EQ(0, call_begin_blocked(&pin, &b));
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&pin));
	EXPECT_EQ(0, charged(&self->w));
	blocking_mem_close(&b);
}

TEST_F(blocked, read_waits_for_its_page)
{
	__u64 word = ~0ULL;
	struct call read = { .body = call_emulated_read, .e = self->e,
			     .iova = IOVA + MISSING * PAGE,
			     .size = sizeof(word), .data = &word };
	struct blocking_mem b;

	map_blocking(_metadata, &self->w, &b);
	waits_alone(_metadata, &self->w, self->mem, &b, &read);
	EXPECT_EQ(0, word);
	blocking_mem_close(&b);
}

TEST_F(blocked, write_waits_for_its_page)
{
	__u64 word = 7;
	struct call write = { .body = call_emulated_write, .e = self->e,
			      .iova = IOVA + MISSING * PAGE,
			      .size = sizeof(word), .data = &word };
	struct blocking_mem b;

	map_blocking(_metadata, &self->w, &b);
	waits_alone(_metadata, &self->w, self->mem, &b, &write);
	EXPECT_EQ(7, *(__u64 *)b.missing);
	blocking_mem_close(&b);
}

TEST_F(blocked, unmap_waits_for_a_write)
{
	__u64 word = 7;
	struct call write = { .body = call_emulated_write, .e = self->e,
			      .iova = IOVA + MISSING * PAGE,
			      .size = sizeof(word), .data = &word };
	struct call unmap = { .body = call_unmap, .w = &self->w, .iova = IOVA, .size = MEM_SIZE };
	struct blocking_mem b;

	map_blocking(_metadata, &self->w, &b);
	ASSERT_EQ(0, call_begin_blocked(&write, &b));
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&write));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(MEM_SIZE, unmap.unmapped);
	blocking_mem_close(&b);
}

/* What a query has taken goes back when it fails, but not where dirty pages are tracked anew. */
TEST_F(blocked, dirty_bits_of_an_earlier_start_are_gone)
{
	struct call get = { .body = call_dirty_get, .w = &self->w, .iova = IOVA,
			    .size = MEM_SIZE };
	__u64 word = 7;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);
	struct blocking_mem b;

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, emulated_write(self->e, IOVA + 3 * PAGE, &word, sizeof(word)));
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	get.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&get, &b));
	EXPECT_EQ(0, dirty_stop(self->w.container));
	EXPECT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&get));
	word = 0;
	EXPECT_EQ(0, dirty_get(self->w.container, IOVA, MEM_SIZE, &bitmap));
	EXPECT_EQ(0, word);
	blocking_mem_close(&b);
}

TEST_F(blocked, real_group_waits_until_all_is_pinned)
{
	struct call join = { .body = call_join, .w = &self->w };
	struct blocking_mem b;

	map_blocking(_metadata, &self->w, &b);
	ASSERT_EQ(0, call_begin_blocked(&join, &b));
	EXPECT_TRUE(call_waits(&join));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&join));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	blocking_mem_close(&b);
}

TEST_HARNESS_MAIN
