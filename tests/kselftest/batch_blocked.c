// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_BATCH_DMA that blocks half-way on a page of one of its maps, or that waits for another
 * call: what others may do meanwhile.
 */
#include <signal.h>
#include <unistd.h>

#include "fixture.h"
#include "batch_fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

#define WORLD batch_blocked
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

static int call_run(struct call *call)
{
	return run(call->w);
}

/* What another call has put there meanwhile is none of it. */
TEST_F(batch_blocked, whole_takes_back_only_what_it_mapped)
{
	struct call many = { .body = call_run, .w = &self->w };
	struct blocking_mem b;
	__u64 size;

	ASSERT_EQ(0, blocking_mem_open(&b, MEM_SIZE));
	batch.flags = VFIO_IOMMU_BATCH_DMA_WHOLE;
	map_page(self->mem, 0, 0);
	map_page(self->mem, 1, 1);
	batch_map(&batch, at(100), b.mem, MEM_SIZE);
	ASSERT_EQ(0, call_begin_blocked(&many, &b));
	EXPECT_EQ(0, dma_unmap(self->w.container, at(0), PAGE, 0, &size));
	EXPECT_EQ(PAGE, size);
	EXPECT_EQ(0, dma_map(self->w.container, at(0), self->mem, PAGE, DMA_RW));
	EXPECT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_EQ(-EFAULT, call_result(&many));
	EXPECT_EQ(0, dma_unmap(self->w.container, at(0), PAGE, 0, &size));
	EXPECT_EQ(PAGE, size);
	EXPECT_EQ(0, mapped_pages(&self->w));
	blocking_mem_close(&b);
}

/* Near the limit, a map that is still to come holds no room that another call needs now. */
TEST_F(batch_blocked, maps_to_come_hold_no_room)
{
	struct call many = { .body = call_run, .w = &self->w };
	struct blocking_mem b;
	unsigned int i;

	ASSERT_EQ(0, blocking_mem_open(&b, 8 * PAGE));
	for (i = 0; i < 32; i++)
		batch_map(&batch, at(8 * i), i ? self->mem : b.mem, 8 * PAGE);
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(260));
	ASSERT_EQ(0, call_begin_blocked(&many, &b));
	EXPECT_EQ(0, dma_map(self->w.container, at(1000), self->mem, 16 * PAGE, DMA_RW));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(-ENOMEM, call_result(&many));
	EXPECT_EQ(30, batch.done);
	EXPECT_EQ(256, mapped_pages(&self->w));
	blocking_mem_close(&b);
}

/* Nobody waits with mappings claimed: two calls that want each other's both end. */
TEST_F(batch_blocked, waits_for_a_mapping_that_is_coming_with_nothing_claimed)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = at(8), .size = PAGE };
	struct call other = { .body = call_unmap, .w = &self->w, .iova = at(0),
			      .size = PAGE };
	struct blocking_mem b;
	pid_t pid;

	map_page(self->mem, 0, 0);
	ASSERT_EQ(0, run(&self->w));
	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	batch.nr = 0;
	batch_unmap(&batch, at(0), PAGE);
	batch_unmap(&batch, at(8), PAGE);
	pid = fork();
	if (!pid)
		_exit(run(&self->w) ? 1 : 0);
	ASSERT_LT(0, pid);
	usleep(200000);
	/* The first of its unmaps is done, so this has nothing to wait for. */
	ASSERT_EQ(0, call_begin(&other));
	EXPECT_TRUE(call_ends(&other));
	EXPECT_EQ(0, call_result(&other));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	blocking_mem_close(&b);
	/* The child goes on to the second one. */
	usleep(200000);
	kill(pid, SIGKILL);
	EXPECT_EQ(0, mapped_pages(&self->w));
}

TEST_HARNESS_MAIN
