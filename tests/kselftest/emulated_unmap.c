// SPDX-License-Identifier: GPL-2.0-only
/*
 * An unmap of pages that an emulated device has pinned: the device is told, and
 * may pin, copy and unpin before it answers. And what counts as dirty while only
 * emulated devices are there: what they have pinned, and what they have written.
 */
#include "emulated_fixture.h"

#define EMULATED unmap
#include "emulated_world.h"

#define OTHER (IOVA + GIB)

static int map(struct world *w, __u64 iova, const void *mem, __u64 size)
{
	return dma_map(w->container, iova, mem, size, DMA_RW);
}

/* Unmaps [iova, size), which must succeed and be all of @bytes. */
static void unmaps(struct __test_metadata *_metadata, struct world *w,
		   __u64 iova, __u64 size, __u64 bytes)
{
	__u64 unmapped;

	EXPECT_EQ(0, dma_unmap(w->container, iova, size, 0, &unmapped));
	EXPECT_EQ(bytes, unmapped);
}

TEST_F(unmap, device_is_told_and_unpins)
{
	struct mock_told told;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 7, MOCK_WRITE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 2, MOCK_WRITE));
	unmaps(_metadata, &self->w, IOVA, MEM_SIZE, MEM_SIZE);
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(1, told.calls);
	EXPECT_EQ(IOVA, told.iova);
	EXPECT_EQ(MEM_SIZE, told.size);
	EXPECT_EQ(0, told.held);
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

TEST_F(unmap, device_is_not_told_of_what_nobody_has_pinned)
{
	struct mock_told told;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE));
	ASSERT_EQ(0, map(&self->w, OTHER, self->mem, 4 * PAGE));
	ASSERT_EQ(0, emulated_pin(self->e, OTHER, 1, MOCK_WRITE));
	unmaps(_metadata, &self->w, IOVA, 4 * PAGE, 4 * PAGE);
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(0, told.calls);
	EXPECT_EQ(1, told.held);
}

TEST_F(unmap, device_is_told_of_each_mapping)
{
	struct mock_told told;
	unsigned int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, map(&self->w, IOVA + i * MIB, self->mem,
				 4 * PAGE));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, emulated_pin(self->e, IOVA + i * MIB, 2,
					  MOCK_READ));
	unmaps(_metadata, &self->w, IOVA, 4 * MIB, 16 * PAGE);
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(3, told.calls);
	EXPECT_EQ(4 * PAGE, told.size);
	EXPECT_EQ(0, told.held);
}

TEST_F(unmap, every_device_is_told)
{
	struct mock_told told;

	ASSERT_EQ(0, add_second(&self->w, self->e));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(&self->e[0], IOVA, 3, MOCK_READ));
	ASSERT_EQ(0, emulated_pin(&self->e[1], IOVA, 3, MOCK_READ));
	unmaps(_metadata, &self->w, IOVA, MEM_SIZE, MEM_SIZE);
	ASSERT_EQ(0, emulated_told(&self->e[0], &told));
	EXPECT_EQ(0, told.held);
	EXPECT_LE(1, told.calls);
	ASSERT_EQ(0, emulated_told(&self->e[1], &told));
	EXPECT_EQ(0, told.held);
	EXPECT_LE(1, told.calls);
}

/* Another holds the pages too, so there is something to tell. */
TEST_F(unmap, device_that_is_closed_is_not_told)
{
	struct mock_told told;

	ASSERT_EQ(0, add_second(&self->w, self->e));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(&self->e[0], IOVA, 3, MOCK_READ));
	ASSERT_EQ(0, emulated_pin(&self->e[1], IOVA, 2, MOCK_READ));
	emulated_close_device(&self->e[0]);
	EXPECT_EQ(2, charged(&self->w));
	unmaps(_metadata, &self->w, IOVA, MEM_SIZE, MEM_SIZE);
	EXPECT_EQ(0, charged(&self->w));
	ASSERT_EQ(0, emulated_told(&self->e[1], &told));
	EXPECT_EQ(1, told.calls);
	ASSERT_EQ(0, emulated_open(&self->e[0], 0));
	ASSERT_EQ(0, emulated_told(&self->e[0], &told));
	EXPECT_EQ(0, told.calls);
}

TEST_F(unmap, all_of_it)
{
	__u64 unmapped;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE));
	ASSERT_EQ(0, map(&self->w, OTHER, self->mem, 8 * PAGE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 4, MOCK_READ));
	ASSERT_EQ(0, emulated_pin(self->e, OTHER, 8, MOCK_READ));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &unmapped));
	EXPECT_EQ(12 * PAGE, unmapped);
	EXPECT_EQ(0, charged(&self->w));
}

/* No lock may be held that these need. */
TEST_F(unmap, told_device_pins_and_copies_elsewhere)
{
	struct mock_told told;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE));
	ASSERT_EQ(0, map(&self->w, OTHER, self->mem + 8 * PAGE, PAGE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 4, MOCK_READ));
	ASSERT_EQ(0, emulated_react(self->e, MOCK_PIN_THERE | MOCK_RW_THERE,
				    OTHER));
	unmaps(_metadata, &self->w, IOVA, 4 * PAGE, 4 * PAGE);
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(1, told.calls);
	EXPECT_EQ(0, told.pin_ret);
	EXPECT_EQ(0, told.rw_ret);
	EXPECT_EQ(1, told.held);
	EXPECT_TRUE(holds(self->e, OTHER, 8));
	EXPECT_EQ(1, charged(&self->w));
}

TEST_F(unmap, told_device_pins_and_copies_there)
{
	struct mock_told told;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 1, MOCK_READ));
	ASSERT_EQ(0, emulated_react(self->e, MOCK_PIN_THERE | MOCK_RW_THERE,
				    IOVA + PAGE));
	unmaps(_metadata, &self->w, IOVA, 4 * PAGE, 4 * PAGE);
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(expected(self->w.mode, DIFF_PIN_WHILE_UNMAPPED),
		  told.pin_ret);
	EXPECT_EQ(expected(self->w.mode, DIFF_PIN_WHILE_UNMAPPED),
		  told.rw_ret);
	EXPECT_EQ(0, told.held);
	EXPECT_EQ(0, charged(&self->w));
}

/* Bits of MEM_PAGES pages from IOVA on. */
static __u64 dirty_bits(struct __test_metadata *_metadata, struct world *w)
{
	__u64 bits = 0;
	struct vfio_bitmap bitmap = bitmap_words(&bits, 1);

	EXPECT_EQ(0, dirty_get(w->container, IOVA, MEM_SIZE, &bitmap));
	return bits;
}

TEST_F(unmap, pinned_pages_are_dirty_at_every_query)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 2 * PAGE, 2, MOCK_WRITE));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0xc, dirty_bits(_metadata, &self->w));
	EXPECT_EQ(0xc, dirty_bits(_metadata, &self->w));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 9 * PAGE, 1, MOCK_READ));
	EXPECT_EQ(0x20c, dirty_bits(_metadata, &self->w));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + 2 * PAGE, 2));
	/* It may have been written until now. */
	EXPECT_EQ(0x20c, dirty_bits(_metadata, &self->w));
	EXPECT_EQ(0x200, dirty_bits(_metadata, &self->w));
	ASSERT_EQ(0, dirty_stop(self->w.container));
}

TEST_F(unmap, written_pages_are_dirty_once)
{
	static char data[3 * PAGE];

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_write(self->e, IOVA, data, PAGE));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, dirty_bits(_metadata, &self->w));
	ASSERT_EQ(0, emulated_read(self->e, IOVA, data, PAGE));
	EXPECT_EQ(0, dirty_bits(_metadata, &self->w));
	ASSERT_EQ(0, emulated_write(self->e, IOVA + 5 * PAGE - 1, data, 2));
	ASSERT_EQ(0, emulated_write(self->e, IOVA + 60 * PAGE, data,
				    3 * PAGE));
	EXPECT_EQ(0x7000000000000030, dirty_bits(_metadata, &self->w));
	EXPECT_EQ(0, dirty_bits(_metadata, &self->w));
}

TEST_F(unmap, tells_what_was_dirty)
{
	__u64 bits = 0, unmapped;
	struct vfio_bitmap bitmap = bitmap_words(&bits, 1);

	ASSERT_EQ(0, dirty_start(self->w.container));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 1, MOCK_WRITE));
	ASSERT_EQ(0, emulated_write(self->e, IOVA + 3 * PAGE, self->mem, 8));
	EXPECT_EQ(0, dma_unmap_dirty(self->w.container, IOVA, MEM_SIZE,
				     &bitmap, &unmapped));
	EXPECT_EQ(MEM_SIZE, unmapped);
	EXPECT_EQ(0xa, bits);
	EXPECT_EQ(0, charged(&self->w));
}

TEST_HARNESS_MAIN
