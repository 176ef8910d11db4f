// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_MAP_DMA: every argument check, its errno and its place in the
 * order. What memory can be mapped is memory_kinds.c, what it costs is
 * accounting.c, moving it is vaddr.c.
 */
#include "fixture.h"

#define BAD_POINTER ((void *)8)

#define WORLD abi_map
#define WORLD_GROUPS 1
#include "world_fixture.h"

static int map_page(struct world *w, __u64 iova, const char *mem, __u32 flags)
{
	return dma_map(w->container, iova, mem, PAGE, flags);
}

/* Refused, and nothing is mapped anywhere afterwards. */
#define EXPECT_REFUSED(error, call) do { \
	__u64 found = ~0ULL; \
	EXPECT_EQ(error, call); \
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &found)); \
	EXPECT_EQ(0, found); \
} while (0)

TEST_F(abi_map, fault_on_the_argument_is_efault)
{
	EXPECT_REFUSED(-EFAULT, vfio_ioctl(self->w.container,
					   VFIO_IOMMU_MAP_DMA, BAD_POINTER));
}

static int map_argsz(struct world *w, const char *mem, __u32 argsz,
		     __u32 flags)
{
	struct vfio_iommu_type1_dma_map map[2] = { {
		.argsz = argsz,
		.flags = flags,
		.vaddr = (unsigned long)mem,
		.iova = IOVA,
		.size = PAGE,
	} };

	return vfio_ioctl(w->container, VFIO_IOMMU_MAP_DMA, map);
}

TEST_F(abi_map, short_argsz_is_einval)
{
	EXPECT_REFUSED(-EINVAL, map_argsz(&self->w, self->mem, 0, DMA_RW));
	EXPECT_REFUSED(-EINVAL, map_argsz(&self->w, self->mem, 31, DMA_RW));
}

TEST_F(abi_map, long_argsz_is_accepted)
{
	EXPECT_EQ(0, map_argsz(&self->w, self->mem, 64, DMA_RW));
}

TEST_F(abi_map, unknown_flag_is_einval)
{
	EXPECT_REFUSED(-EINVAL, map_argsz(&self->w, self->mem, 32,
					  DMA_RW | 1u << 3));
	EXPECT_REFUSED(-EINVAL, map_argsz(&self->w, self->mem, 32,
					  DMA_RW | 1u << 31));
}

TEST_F(abi_map, size_0_is_einval)
{
	EXPECT_REFUSED(-EINVAL, dma_map(self->w.container, IOVA, self->mem, 0,
					DMA_RW));
}

TEST_F(abi_map, iova_wrap)
{
	EXPECT_REFUSED(expected(self->w.mode, DIFF_MAP_WRAP),
		       dma_map(self->w.container, -PAGE, self->mem, 2 * PAGE,
			       DMA_RW));
}

TEST_F(abi_map, vaddr_wrap)
{
	if (sizeof(void *) < sizeof(__u64))
		SKIP_TEST("an address of 32 bits does not wrap at 2^64");
	EXPECT_REFUSED(expected(self->w.mode, DIFF_MAP_WRAP),
		       dma_map(self->w.container, IOVA, (char *)-PAGE,
			       2 * PAGE, DMA_RW));
}

TEST_F(abi_map, wrap_comes_before_the_flags_and_alignment)
{
	long wrap = expected(self->w.mode, DIFF_MAP_WRAP);

	EXPECT_REFUSED(wrap, dma_map(self->w.container, -PAGE, self->mem,
				     2 * PAGE, 0));
	EXPECT_REFUSED(wrap, dma_map(self->w.container, -PAGE + 1, self->mem,
				     2 * PAGE, DMA_RW));
}

/* Usable where the IOMMU translates 64 bits, outside its aperture elsewhere. */
TEST_F(abi_map, last_page_of_2_64_is_no_wrap)
{
	struct info info;
	__u64 done;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	if (!info_inside(&info, -PAGE, -1)) {
		EXPECT_REFUSED(-EINVAL, map_page(&self->w, -PAGE, self->mem,
						 DMA_RW));
		return;
	}
	if (expected(self->w.mode, DIFF_LAST_PAGE_STAYS))
		SKIP(return, "type1 of this kernel would keep it for ever");
	ASSERT_EQ(0, map_page(&self->w, -PAGE, self->mem, DMA_RW));
	EXPECT_EQ(-EEXIST, map_page(&self->w, -PAGE, self->mem, DMA_RW));
	ASSERT_EQ(0, dma_unmap(self->w.container, -PAGE, PAGE, 0, &done));
	EXPECT_EQ(PAGE, done);
}

TEST_F(abi_map, neither_read_nor_write_is_einval)
{
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, IOVA, self->mem, 0));
}

TEST_F(abi_map, read_or_write_with_vaddr_is_einval)
{
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, IOVA, self->mem,
					 DMA_VADDR | DMA_READ));
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, IOVA, self->mem,
					 DMA_VADDR | DMA_WRITE));
}

TEST_F(abi_map, misaligned_size_iova_or_vaddr_is_einval)
{
	EXPECT_REFUSED(-EINVAL, dma_map(self->w.container, IOVA, self->mem,
					PAGE - 1, DMA_RW));
	EXPECT_REFUSED(-EINVAL, dma_map(self->w.container, IOVA, self->mem,
					PAGE + PAGE / 2, DMA_RW));
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, IOVA + 1, self->mem,
					 DMA_RW));
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, IOVA, self->mem + 8,
					 DMA_RW));
}

TEST_F(abi_map, vaddr_update_of_nothing_is_enoent)
{
	EXPECT_REFUSED(expected(self->w.mode, DIFF_VADDR_OF_NOTHING),
		       map_page(&self->w, IOVA, self->mem, DMA_VADDR));
}

TEST_F(abi_map, vaddr_update_misaligned_is_einval_before_enoent)
{
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, IOVA + 1, self->mem,
					 DMA_VADDR));
}

TEST_F(abi_map, vaddr_update_of_a_valid_mapping_is_einval)
{
	ASSERT_EQ(0, map_page(&self->w, IOVA, self->mem, DMA_RW));
	EXPECT_EQ(-EINVAL, map_page(&self->w, IOVA, self->mem, DMA_VADDR));
}

TEST_F(abi_map, overlap_is_eexist)
{
	int container = self->w.container;

	ASSERT_EQ(0, dma_map(container, IOVA, self->mem, 4 * PAGE, DMA_RW));
	/* the same, inside, over either end, around */
	EXPECT_EQ(-EEXIST, dma_map(container, IOVA, self->mem, 4 * PAGE,
				   DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(container, IOVA + PAGE, self->mem, PAGE,
				   DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(container, IOVA - PAGE, self->mem,
				   2 * PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(container, IOVA + 3 * PAGE, self->mem,
				   2 * PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(container, IOVA - PAGE, self->mem,
				   6 * PAGE, DMA_RW));
}

TEST_F(abi_map, neighbours_do_not_overlap)
{
	ASSERT_EQ(0, map_page(&self->w, IOVA, self->mem, DMA_RW));
	EXPECT_EQ(0, map_page(&self->w, IOVA + PAGE, self->mem, DMA_RW));
	EXPECT_EQ(0, map_page(&self->w, IOVA - PAGE, self->mem, DMA_RW));
}

TEST_F(abi_map, misaligned_is_einval_before_eexist)
{
	ASSERT_EQ(0, map_page(&self->w, IOVA, self->mem, DMA_RW));
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, IOVA, self->mem,
				   PAGE + 1, DMA_RW));
}

TEST_F(abi_map, reserved_window_is_einval)
{
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, MSI_WINDOW, self->mem,
					 DMA_RW));
	/* over its start and over its end */
	EXPECT_REFUSED(-EINVAL, dma_map(self->w.container, MSI_WINDOW - PAGE,
					self->mem, 2 * PAGE, DMA_RW));
	EXPECT_REFUSED(-EINVAL, dma_map(self->w.container,
					MSI_WINDOW + MIB - PAGE, self->mem,
					2 * PAGE, DMA_RW));
}

TEST_F(abi_map, both_sides_of_the_reserved_window_are_usable)
{
	EXPECT_EQ(0, map_page(&self->w, MSI_WINDOW - PAGE, self->mem, DMA_RW));
	EXPECT_EQ(0, map_page(&self->w, MSI_WINDOW + MIB, self->mem, DMA_RW));
}

TEST_F(abi_map, overlap_is_eexist_before_the_reserved_window)
{
	ASSERT_EQ(0, map_page(&self->w, MSI_WINDOW - PAGE, self->mem, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(self->w.container, MSI_WINDOW - PAGE,
				   self->mem, 2 * PAGE, DMA_RW));
}

TEST_F(abi_map, last_page_of_the_aperture_is_usable_and_no_more)
{
	struct info info;
	__u64 last;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_LT(0, info.nwindows);
	last = info.window[info.nwindows - 1].last;
	if (last == ~0ULL)
		SKIP(return, "nothing lies behind an aperture of 64 bits");
	EXPECT_REFUSED(-EINVAL, map_page(&self->w, last + 1, self->mem,
					 DMA_RW));
	EXPECT_REFUSED(-EINVAL, dma_map(self->w.container, last + 1 - PAGE,
					self->mem, 2 * PAGE, DMA_RW));
	EXPECT_EQ(0, map_page(&self->w, last + 1 - PAGE, self->mem, DMA_RW));
}

TEST_F(abi_map, iova_0_is_usable)
{
	EXPECT_EQ(0, map_page(&self->w, 0, self->mem, DMA_RW));
}

TEST_F(abi_map, vaddr_0_is_efault_if_nothing_is_there)
{
	EXPECT_REFUSED(-EFAULT, map_page(&self->w, IOVA, NULL, DMA_RW));
}

TEST_F(abi_map, kernel_address_is_efault)
{
	EXPECT_REFUSED(-EFAULT, map_page(&self->w, IOVA,
					 (char *)0xffff888000000000ULL,
					 DMA_RW));
}

TEST_F(abi_map, one_page_may_be_mapped_many_times)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, map_page(&self->w, IOVA + i * PAGE, self->mem,
				      DMA_RW));
}

TEST_F(abi_map, read_only_and_write_only_are_allowed)
{
	EXPECT_EQ(0, map_page(&self->w, IOVA, self->mem, DMA_READ));
	EXPECT_EQ(0, map_page(&self->w, IOVA + PAGE, self->mem, DMA_WRITE));
}

TEST_HARNESS_MAIN
