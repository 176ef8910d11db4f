// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's interrupt is a DMA write too. Where the IOMMU translates it (arm64),
 * the backend has to set aside the window that the kernel maps the interrupt
 * controller at, for each domain, and to leave it alone ever after; abi_map tests
 * that users cannot map there. On x86 the window is not translated, and the same
 * has to hold.
 */
#include "fixture.h"

#define WORLD interrupts
#define WORLD_GROUPS 2
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

static struct edu *device_with_irq(struct world *w, unsigned int slot)
{
	struct edu *edu = world_edu(w, slot);

	return edu && !edu_irq_on(edu) ? edu : NULL;
}

TEST_F(interrupts, arrive_with_nothing_mapped)
{
	struct edu *edu;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	edu = device_with_irq(&self->w, 0);
	ASSERT_NE(NULL, edu);
	EXPECT_EQ(0, edu_irq_roundtrip(edu));
	EXPECT_EQ(0, edu_irq_roundtrip(edu));
}

TEST_F(interrupts, arrive_after_everything_was_unmapped)
{
	struct edu *edu;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, MSI_WINDOW - PAGE, self->mem,
			     PAGE, DMA_RW));
	edu = device_with_irq(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, dma_map(self->w.container, MSI_WINDOW + MIB, self->mem,
			     PAGE, DMA_RW));
	EXPECT_EQ(0, edu_irq_roundtrip(edu));
	ASSERT_EQ(0, dma_unmap(self->w.container, 0, IOVA, 0, NULL));
	EXPECT_EQ(0, edu_irq_roundtrip(edu));
}

TEST_F(interrupts, arrive_from_a_group_that_joins_beside_mapped_memory)
{
	struct edu *edu;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	ASSERT_EQ(0, world_join(&self->w, 1));
	edu = device_with_irq(&self->w, 1);
	ASSERT_NE(NULL, edu);
	EXPECT_EQ(0, edu_irq_roundtrip(edu));
}

TEST_F(interrupts, arrive_from_two_groups)
{
	struct edu *first, *second;

	ASSERT_EQ(0, world_set_up(&self->w, 2));
	first = device_with_irq(&self->w, 0);
	ASSERT_NE(NULL, first);
	second = device_with_irq(&self->w, 1);
	ASSERT_NE(NULL, second);
	EXPECT_EQ(0, edu_irq_roundtrip(first));
	EXPECT_EQ(0, edu_irq_roundtrip(second));
}

/* The domain came with the group that goes. */
TEST_F(interrupts, arrive_from_a_group_that_joined_when_the_first_is_gone)
{
	struct edu *edu;

	ASSERT_EQ(0, world_set_up(&self->w, 2));
	ASSERT_NE(NULL, device_with_irq(&self->w, 0));
	edu = device_with_irq(&self->w, 1);
	ASSERT_NE(NULL, edu);
	world_close_device(&self->w, 0);
	world_close_group(&self->w, 0);
	EXPECT_EQ(0, edu_irq_roundtrip(edu));
}

TEST_HARNESS_MAIN
