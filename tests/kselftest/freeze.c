// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system is suspended while clients have containers: as far as its tasks are frozen,
 * which is where a call may be in the way. What waits for a page fault cannot be frozen,
 * whoever serves it: suspending is refused, and the call goes on as if nothing had been.
 */
#include <unistd.h>

#include "fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

#define POWER "/sys/power/"
#define DELAY "/sys/module/suspend/parameters/pm_test_delay"

enum { LATE_PAGES = 8 };

#define LATE_SIZE (LATE_PAGES * PAGE)

#define WORLD freeze
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

/* What the kernel says of being suspended, no further than its tasks, for a second. */
static int freeze_tasks(struct __test_metadata *_metadata)
{
	int ret;

	ASSERT_EQ(0, file_write(POWER "pm_freeze_timeout", "2000"));
	ASSERT_EQ(0, file_write(DELAY, "1"));
	ASSERT_EQ(0, file_write(POWER "pm_test", "freezer"));
	ret = file_write(POWER "state", "freeze");
	ASSERT_EQ(0, file_write(POWER "pm_test", "none"));
	return ret;
}

TEST_F(freeze, mappings_are_there_afterwards)
{
	struct edu *edu;

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	mem_fill(self->mem, PAGE, 3);
	EXPECT_EQ(0, freeze_tasks(_metadata));
	EXPECT_EQ(0, edu_copy(edu, IOVA + PAGE, IOVA));
	EXPECT_TRUE(mem_is(self->mem + PAGE, EDU_CHUNK, 3));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
}

TEST_F(freeze, map_that_waits_goes_on)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = LATE_SIZE };
	struct blocking_mem b;

	if (expected(self->w.mode, DIFF_USERFAULT))
		SKIP_TEST("%s does not wait for such memory", self->w.mode->name);
	ASSERT_EQ(0, blocking_mem_open(&b, LATE_SIZE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	EXPECT_EQ(-EBUSY, freeze_tasks(_metadata));
	EXPECT_FALSE(map.done);
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	EXPECT_EQ(LATE_PAGES, locked_pages() - self->w.locked);
	blocking_mem_close(&b);
}

/* Who waits for such a call, in our own queue, waits on. */
#define WORLD freeze_behind
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

TEST_F(freeze_behind, unmap_that_waits_for_the_map_goes_on)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = LATE_SIZE };
	struct call unmap = { .body = call_unmap, .w = &self->w, .iova = IOVA,
			      .size = LATE_SIZE };
	struct blocking_mem b;

	ASSERT_EQ(0, blocking_mem_open(&b, LATE_SIZE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(-EBUSY, freeze_tasks(_metadata));
	EXPECT_FALSE(unmap.done);
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(LATE_SIZE, unmap.unmapped);
	blocking_mem_close(&b);
}

TEST_HARNESS_MAIN
