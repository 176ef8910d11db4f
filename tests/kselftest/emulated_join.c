// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated devices and a real group in one container: with the first real group
 * every mapping is pinned and charged, once; without it only what devices have
 * pinned. A real group that cannot come leaves everything as it was.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "emulated_fixture.h"

#define EMULATED join
#include "emulated_world.h"

/* type1 charges each mapping. */
#define EMULATED join_ours
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

#define OTHER (IOVA + GIB)
#define LARGE (2 * MIB)

enum { JOINS = 2000, LARGE_PAGES = LARGE / PAGE };

static int map(struct world *w, __u64 iova, const void *mem, __u64 size)
{
	return dma_map(w->container, iova, mem, size, DMA_RW);
}

/* The real group, with its device, goes; the container stays. */
static void leave(struct world *w)
{
	world_close_device(w, 0);
	world_close_group(w, 0);
}

static long pinned(const struct world *w)
{
	return pinned_pages() - w->pinned;
}

TEST_F(join, mappings_are_pinned_and_charged_once)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 3, MOCK_WRITE));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	EXPECT_LE(MEM_PAGES, pinned(&self->w));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 2 * PAGE, 3, MOCK_WRITE));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA, 2));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	leave(&self->w);
	EXPECT_EQ(3, charged(&self->w));
	EXPECT_EQ(3, pinned(&self->w));
	EXPECT_TRUE(holds(self->e, IOVA + 4 * PAGE, 4));
}

/* The most frequent UNMAP has a way of its own. */
TEST_F(join, device_is_told_of_a_page)
{
	struct mock_told told;

	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, PAGE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 1, MOCK_WRITE));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, PAGE, 0, NULL));
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(1, told.calls);
	EXPECT_EQ(0, told.held);
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, pinned(&self->w));
}

/* Two mappings of the same memory, of which the device has pinned a page. */
TEST_F(join_ours, the_same_memory_is_pinned_once)
{
	char *mem = mem_small(LARGE);
	struct world *w = &self->w;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(w, IOVA, mem, LARGE));
	ASSERT_EQ(0, map(w, OTHER, mem, LARGE));
	ASSERT_EQ(0, emulated_pin(&self->e[0], IOVA, 1, MOCK_READ));
	EXPECT_EQ(1, charged(w));
	ASSERT_EQ(0, world_join(w, 0));
	EXPECT_EQ(LARGE_PAGES, charged(w));
	EXPECT_EQ(LARGE_PAGES + 1, pinned(w));
	*(__u64 *)(mem + PAGE) = STAMP;
	EXPECT_EQ(0, edu_copy(world_edu(w, 0), OTHER + 2 * PAGE, IOVA + PAGE));
	EXPECT_EQ(STAMP, *(__u64 *)(mem + 2 * PAGE));
	/* what is mapped later finds it, too */
	ASSERT_EQ(0, map(w, OTHER + LARGE, mem, LARGE));
	EXPECT_EQ(LARGE_PAGES, charged(w));
	ASSERT_EQ(0, dma_unmap(w->container, IOVA, LARGE, 0, NULL));
	EXPECT_EQ(LARGE_PAGES, charged(w));
	leave(w);
	EXPECT_EQ(0, charged(w));
	EXPECT_EQ(0, pinned(w));
}

/* In part pinned by a device, and by the huge page while there is a real group. */
TEST_F(join, pages_inside_a_huge_page)
{
	const long all = HUGE_2M / PAGE;
	char *mem = mem_hugetlb(HUGE_2M);

	ASSERT_NE(NULL, mem);
	stamp_pages(mem, 8);
	ASSERT_EQ(0, map(&self->w, IOVA, mem, HUGE_2M));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 3, MOCK_WRITE));
	EXPECT_EQ(3, charged(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(all, charged(&self->w));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 3 * PAGE, 2, MOCK_WRITE));
	EXPECT_EQ(all, charged(&self->w));
	leave(&self->w);
	EXPECT_EQ(4, charged(&self->w));
	EXPECT_EQ(4, pinned(&self->w));
	EXPECT_TRUE(holds(self->e, IOVA + 4 * PAGE, 4));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + PAGE, 2));
	EXPECT_EQ(2, pinned(&self->w));
}

/* A device that pins and unpins all the time. */
struct busy_device {
	const struct emulated *e;
	volatile bool end;
	unsigned long times;
};

static void *pin_all_along(void *arg)
{
	struct busy_device *busy = arg;

	while (!busy->end && !emulated_pin(busy->e, IOVA, MEM_PAGES,
					   MOCK_WRITE) &&
	       !emulated_unpin(busy->e, IOVA, MEM_PAGES))
		busy->times++;
	return arg;
}

/*
 * The kernel warns when more is taken from the account than is on it. So pages are
 * charged ahead, by the device's call as by that of the group that leaves; for a
 * moment both have, and each page may be there twice.
 */
TEST_F(join, account_is_right_while_pages_come_and_go)
{
	struct busy_device busy = { .e = self->e };
	pthread_t thread;
	unsigned int i;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, pthread_create(&thread, NULL, pin_all_along, &busy));
	for (i = 0; i < JOINS; i++) {
		ASSERT_EQ(0, world_join(&self->w, 0));
		EXPECT_LE(MEM_PAGES, charged(&self->w));
		leave(&self->w);
		EXPECT_GE(2 * MEM_PAGES, charged(&self->w));
	}
	EXPECT_FALSE(busy.end);
	busy.end = true;
	pthread_join(thread, NULL);
	EXPECT_LT(JOINS / 10, busy.times);
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, pinned(&self->w));
}

TEST_F(join, devices_reach_the_same_memory)
{
	struct edu *edu;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 1, MOCK_WRITE));
	ASSERT_EQ(0, world_join(&self->w, 0));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, edu_copy(edu, IOVA + PAGE, IOVA + 7 * PAGE));
	EXPECT_TRUE(holds(self->e, IOVA + PAGE, 7));
}

TEST_F(join, again_and_again)
{
	struct edu *edu;
	unsigned int i;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, world_join(&self->w, 0));
		EXPECT_EQ(MEM_PAGES, charged(&self->w));
		leave(&self->w);
		EXPECT_EQ(0, charged(&self->w));
		EXPECT_EQ(0, pinned(&self->w));
	}
	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, map(&self->w, OTHER, self->mem, PAGE));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, edu_copy(edu, OTHER, IOVA + 9 * PAGE));
	EXPECT_EQ(STAMP + 9, *(__u64 *)self->mem);
}

TEST_F(join, mapping_made_with_a_real_group_outlives_it)
{
	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 2, MOCK_READ));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	leave(&self->w);
	EXPECT_EQ(2, charged(&self->w));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 8 * PAGE, 1, MOCK_READ));
	EXPECT_TRUE(holds(self->e, IOVA + 8 * PAGE, 8));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
	EXPECT_EQ(0, charged(&self->w));
}

TEST_F(join, unmap_with_both)
{
	struct mock_told told;

	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 2, MOCK_READ));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(1, told.calls);
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(0, pinned(&self->w));
}

/* After a failed join. */
static void unchanged(struct __test_metadata *_metadata, struct world *w,
		      struct emulated *e, long charge, long pins)
{
	EXPECT_EQ(charge, charged(w));
	EXPECT_EQ(pins, pinned(w));
	world_close_group(w, 0);
	EXPECT_EQ(0, emulated_pin(e, IOVA, 1, MOCK_READ));
	EXPECT_EQ(0, emulated_unpin(e, IOVA, 1));
}

/* A failed join: @error, and nothing has changed. */
static void fails(struct __test_metadata *_metadata, struct world *w,
		  struct emulated *e, int error)
{
	long charge = charged(w), pins = pinned(w);

	EXPECT_EQ(error, world_join(w, 0));
	unchanged(_metadata, w, e, charge, pins);
}

TEST_F(join, fails_where_no_memory_is)
{
	ASSERT_EQ(0, munmap(self->mem + 40 * PAGE, PAGE));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 3, MOCK_READ));
	fails(_metadata, &self->w, self->e, -EFAULT);
	EXPECT_EQ(3, charged(&self->w));
}

TEST_F(join, fails_over_the_limit)
{
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 3, MOCK_READ));
	ASSERT_EQ(0, limit_locked_pages(MEM_PAGES - 4));
	fails(_metadata, &self->w, self->e, -ENOMEM);
	EXPECT_EQ(3, charged(&self->w));
}

/* What devices have pinned stays charged, though it would not be today. */
TEST_F(join, fails_over_a_limit_that_has_been_lowered)
{
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 3, MOCK_READ));
	ASSERT_EQ(0, limit_locked_pages(-3));
	EXPECT_EQ(-ENOMEM, world_join(&self->w, 0));
	EXPECT_EQ(3, charged(&self->w));
	EXPECT_EQ(3, pinned(&self->w));
}

/* What is pinned already is not charged again, so it fits exactly. */
TEST_F(join, fits_the_limit_exactly)
{
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 3, MOCK_READ));
	ASSERT_EQ(0, limit_locked_pages(MEM_PAGES - 3));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
}

TEST_F(join, fails_where_the_group_has_a_hole)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, map(&self->w, MSI_WINDOW, self->mem, PAGE));
	fails(_metadata, &self->w, self->e, -EINVAL);
	EXPECT_EQ(0, dma_unmap(self->w.container, MSI_WINDOW, PAGE, 0, NULL));
	EXPECT_EQ(0, world_join(&self->w, 0));
}

TEST_F(join, fails_beyond_what_the_group_reaches)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, map(&self->w, 1ULL << 60, self->mem, PAGE));
	fails(_metadata, &self->w, self->e,
	      expected(self->w.mode, kernel_running() < KERNEL(6, 19) ?
		       DIFF_JOIN_BEYOND_OLD : DIFF_JOIN_BEYOND));
}

TEST_F(join, info_follows_the_real_group)
{
	int container = self->w.container;
	struct info info;

	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, info_get(container, &info));
	EXPECT_LT(0, info.nwindows);
	EXPECT_EQ(0, container_extension(container, VFIO_UPDATE_VADDR));
	EXPECT_EQ(-EINVAL, map(&self->w, MSI_WINDOW, self->mem, PAGE));
	leave(&self->w);
	ASSERT_EQ(0, info_get(container, &info));
	EXPECT_EQ(expected(self->w.mode, DIFF_WINDOWS_WITHOUT_GROUP),
		  info.nwindows);
	EXPECT_EQ(0, map(&self->w, MSI_WINDOW, self->mem, PAGE));
}

TEST_F(join, emulated_group_leaves)
{
	int container = self->w.container;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 3, MOCK_READ));
	ASSERT_EQ(0, world_join(&self->w, 0));
	emulated_close(self->e);
	EXPECT_EQ(MEM_PAGES, charged(&self->w));
	EXPECT_EQ(0, dma_unmap(container, IOVA, MEM_SIZE, 0, NULL));
	EXPECT_EQ(0, charged(&self->w));
}

TEST_F(join, addresses_can_be_taken_back_when_it_has_left)
{
	int container = self->w.container;

	NEED_VADDR(self->w.mode);
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, world_join(&self->w, 0));
	emulated_close(self->e);
	EXPECT_EQ(1, container_extension(container, VFIO_UPDATE_VADDR));
	EXPECT_EQ(0, dma_unmap(container, IOVA, MEM_SIZE, UNMAP_VADDR, NULL));
	EXPECT_EQ(0, dma_map(container, IOVA, self->mem, MEM_SIZE,
			     DMA_VADDR));
}

/* While an address is taken back, no emulated device may come. */
TEST_F(join, emulated_group_waits_for_addresses)
{
	int container = self->w.container;

	NEED_VADDR(self->w.mode);
	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	emulated_close(self->e);
	ASSERT_EQ(0, dma_unmap(container, IOVA, MEM_SIZE, UNMAP_VADDR, NULL));
	EXPECT_EQ(-EBUSY, emulated_join(self->e, 0, container));
	ASSERT_EQ(0, dma_map(container, IOVA, self->mem, MEM_SIZE,
			     DMA_VADDR));
	emulated_close(self->e);
	EXPECT_EQ(0, emulated_join(self->e, 0, container));
}

static __u64 dirty_bits(struct __test_metadata *_metadata, struct world *w)
{
	__u64 bits = 0;
	struct vfio_bitmap bitmap = bitmap_words(&bits, 1);

	EXPECT_EQ(0, dirty_get(w->container, IOVA, MEM_SIZE, &bitmap));
	return bits;
}

/* A real device writes where it likes, so all is dirty, once more at its end. */
TEST_F(join, all_is_dirty_with_a_real_group)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 1, MOCK_READ));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(2, dirty_bits(_metadata, &self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(~0ULL, dirty_bits(_metadata, &self->w));
	EXPECT_EQ(~0ULL, dirty_bits(_metadata, &self->w));
	leave(&self->w);
	EXPECT_EQ(~0ULL, dirty_bits(_metadata, &self->w));
	EXPECT_EQ(2, dirty_bits(_metadata, &self->w));
}

TEST_HARNESS_MAIN
