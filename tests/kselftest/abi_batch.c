// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_BATCH_DMA as a structure and an array: what is refused before anything is
 * done, and memory of either that cannot be read or written.
 */
#include <sys/mman.h>

#include "fixture.h"
#include "batch_fixture.h"

#define KERNEL_POINTER 0xffff888000000000ULL

#define WORLD abi_batch
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

static int raw(struct world *w, struct vfio_iommu_batch_dma dma)
{
	return vfio_ioctl(w->container, VFIO_IOMMU_BATCH_DMA, &dma);
}

TEST_F(abi_batch, structure_that_is_wrong_is_einval)
{
	struct vfio_iommu_batch_dma good = {
		.argsz = sizeof(good), .op_size = sizeof(batch.op[0]),
		.nr_ops = 1, .ops = (unsigned long)batch.op,
	};
	struct vfio_iommu_batch_dma bad;

	map_page(self->mem, 0, 0);
	bad = good;
	bad.argsz--;
	EXPECT_EQ(-EINVAL, raw(&self->w, bad));
	bad = good;
	bad.flags = 2;
	EXPECT_EQ(-EINVAL, raw(&self->w, bad));
	bad = good;
	bad.op_size--;
	EXPECT_EQ(-EINVAL, raw(&self->w, bad));
	bad = good;
	bad.reserved = 1;
	EXPECT_EQ(-EINVAL, raw(&self->w, bad));
	bad = good;
	bad.nr_ops = VFIO_IOMMU_BATCH_DMA_MAX + 1;
	EXPECT_EQ(-EINVAL, raw(&self->w, bad));
	bad = good;
	bad.ops = KERNEL_POINTER;
	EXPECT_EQ(-EFAULT, raw(&self->w, bad));
	bad = good;
	bad.argsz += 8;
	EXPECT_EQ(0, raw(&self->w, bad));
	EXPECT_EQ(1, mapped_pages(&self->w));
}

/* What is no operation refuses the call before anything is done. */
TEST_F(abi_batch, operation_that_is_none_is_einval)
{
	static const struct vfio_iommu_batch_op bad[] = {
		{ .flags = 0, .iova = IOVA, .size = PAGE },
		{ .flags = 8, .iova = IOVA, .size = PAGE },
		{ .flags = 5, .iova = IOVA, .size = PAGE },
		{ .flags = 4, .iova = IOVA, .size = PAGE, .vaddr = PAGE },
		{ .flags = 4, .iova = IOVA, .size = PAGE, .reserved = 1 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		batch.nr = 0;
		map_page(self->mem, 40, 0);
		batch.op[batch.nr++] = bad[i];
		EXPECT_EQ(-EINVAL, run(&self->w))
			TH_LOG("row %u", i);
		EXPECT_EQ(0, batch.done);
		EXPECT_EQ(0, mapped_pages(&self->w));
	}
}

TEST_F(abi_batch, array_that_ends_early_is_efault_and_nothing_done)
{
	char *pages = mem_small(2 * PAGE);
	struct vfio_iommu_batch_dma dma = {
		.argsz = sizeof(dma), .op_size = sizeof(batch.op[0]), .nr_ops = 200,
	};
	unsigned int i;

	ASSERT_NE(NULL, pages);
	for (i = 0; i < 200; i++)
		map_page(self->mem, i, i % MEM_PAGES);
	memcpy(pages, batch.op, PAGE);
	ASSERT_EQ(0, munmap(pages + PAGE, PAGE));
	dma.ops = (unsigned long)pages;
	EXPECT_EQ(-EFAULT, raw(&self->w, dma));
	/* That comes before what is wrong with an operation. */
	((struct vfio_iommu_batch_op *)pages)->reserved = 1;
	EXPECT_EQ(-EFAULT, raw(&self->w, dma));
	EXPECT_EQ(0, mapped_pages(&self->w));
}

TEST_F(abi_batch, array_may_be_read_only)
{
	void *page = mem_small(PAGE);
	struct vfio_iommu_batch_dma dma = {
		.argsz = sizeof(dma), .op_size = sizeof(batch.op[0]), .nr_ops = 1,
		.ops = (unsigned long)page,
	};

	ASSERT_NE(NULL, page);
	map_page(self->mem, 0, 0);
	memcpy(page, batch.op, sizeof(batch.op[0]));
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
	EXPECT_EQ(0, raw(&self->w, dma));
	EXPECT_EQ(1, mapped_pages(&self->w));
}

/* The structure cannot be written back: EFAULT, and what is done stays. */
TEST_F(abi_batch, structure_that_is_read_only_is_efault_after_the_deed)
{
	struct vfio_iommu_batch_dma *dma = (void *)mem_small(PAGE);

	ASSERT_NE(NULL, dma);
	map_page(self->mem, 0, 0);
	*dma = (struct vfio_iommu_batch_dma) {
		.argsz = sizeof(*dma), .op_size = sizeof(batch.op[0]), .nr_ops = 1,
		.ops = (unsigned long)batch.op,
	};
	ASSERT_EQ(0, mprotect(dma, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->w.container, VFIO_IOMMU_BATCH_DMA, dma));
	EXPECT_EQ(1, mapped_pages(&self->w));
}

TEST_HARNESS_MAIN
