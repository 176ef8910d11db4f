// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transparent huge page changes in the moment in which MAP has seen it, and GUP is asked for a
 * page of it: what a device reaches is what is there afterwards. A probe makes the moment long.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/agree.h"

#define PROBE "/sys/kernel/debug/gup_pause/"

enum { IN_HUGE = HUGE_2M / PAGE, CHANGED = 300 };

#define WORLD thp_changes
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

/* Something that happens to huge memory. */
struct change {
	pthread_t thread;
	char *mem;
	bool done;		/* while GUP was held up */
	int (*how)(char *mem);
};

static volatile bool over;

static int hold_gup(bool on)
{
	return file_write(PROBE "hold", on ? "1" : "0");
}

static void *change_meanwhile(void *arg)
{
	struct change *change = arg;

	while (!over && file_read_long(PROBE "inside") == 0)
		usleep(1000);
	if (!over && !change->how(change->mem))
		change->done = file_read_long(PROBE "inside") == 1;
	hold_gup(false);
	return NULL;
}

/* Another page in the middle: GUP finds a page of the same folio as before all the same. */
static int replace_page(char *mem)
{
	char *page = mem + CHANGED * PAGE;

	if (madvise(page, PAGE, MADV_DONTNEED))
		return -1;
	*page = 1;
	return 0;
}

/* None of the pages are what they were. */
static int replace_all(char *mem)
{
	if (madvise(mem, HUGE_2M, MADV_DONTNEED))
		return -1;
	*mem = 1;
	return 0;
}

static void changes_during_map(struct __test_metadata *_metadata, struct world *w,
			       int (*how)(char *mem))
{
	struct change change = { .mem = mem_thp(2 * HUGE_2M), .how = how };
	struct edu *edu = world_edu(w, 0);
	char *mem = change.mem;
	int ret;

	NEED_THP();
	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, hold_gup(true));
	ASSERT_EQ(0, pthread_create(&change.thread, NULL, change_meanwhile, &change));
	ret = dma_map(w->container, IOVA, mem, 2 * HUGE_2M, DMA_RW);
	over = true;
	pthread_join(change.thread, NULL);
	ASSERT_EQ(0, ret);
	EXPECT_TRUE(change.done);
	EXPECT_EQ(w->locked + 2 * IN_HUGE, locked_pages());
	EXPECT_EQ(w->pinned + 2 * IN_HUGE, pinned_pages());
	EXPECT_EQ(0, device_agrees(edu, IOVA + CHANGED * PAGE, mem + CHANGED * PAGE));
	EXPECT_EQ(0, device_agrees(edu, IOVA, mem));
	EXPECT_EQ(0, device_agrees(edu, IOVA + HUGE_2M - PAGE, mem + HUGE_2M - PAGE));
	EXPECT_EQ(0, dma_unmap(w->container, IOVA, 2 * HUGE_2M, 0, NULL));
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
}

#define NEED_PROBE() do { \
	if (access(PROBE, F_OK)) { \
		ASSERT_FALSE(promised("pause")); \
		SKIP_TEST("no probe in GUP"); \
	} \
} while (0)

TEST_F(thp_changes, one_page_in_the_middle)
{
	NEED_PROBE();
	changes_during_map(_metadata, &self->w, replace_page);
}

TEST_F(thp_changes, the_whole_of_it)
{
	NEED_PROBE();
	changes_during_map(_metadata, &self->w, replace_all);
}

TEST_HARNESS_MAIN
