// SPDX-License-Identifier: GPL-2.0-only
/*
 * What groups allow: apertures, reserved regions, coherency. GET_INFO is always
 * the intersection over all groups; whatever would take a mapping's place away is
 * refused with EINVAL, and then everything is as before.
 */
#include "mock_fixture.h"

#define MOCK limits
#include "mock_world.h"

/* Above what 39 bits reach. */
#define FAR 0x10000000000ULL
#define BITS_39 0x7fffffffffULL
#define BITS_48 0xffffffffffffULL
#define BITS_64 0xffffffffffffffffULL

/* enum iommu_resv_type */
enum { DIRECT = 0, RELAXABLE = 1, RESERVED = 2, MSI = 3 };

static struct info_window only_window(struct info *info)
{
	return info->nwindows == 1 ? info->window[0] :
	       (struct info_window){ .start = 1, .last = 0 };
}

#define EXPECT_WINDOW(first_, last_) do {				\
	struct info info_;						\
	struct info_window win_;					\
	ASSERT_EQ(0, info_get(self->w.container, &info_));		\
	win_ = only_window(&info_);					\
	EXPECT_EQ(first_, win_.start);					\
	EXPECT_EQ(last_, win_.last);					\
} while (0)

TEST_F(limits, windows_are_the_aperture_of_the_only_instance)
{
	ASSERT_EQ(0, mock_order("instance 0 aperture 0x100000 0x%llx", BITS_39));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	EXPECT_WINDOW(0x100000, BITS_39);
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, 0xff000, self->mem,
				   2 * PAGE, DMA_RW));
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, BITS_39 + 1 - PAGE,
				   self->mem, 2 * PAGE, DMA_RW));
	EXPECT_EQ(0, dma_map(self->w.container, BITS_39 + 1 - PAGE, self->mem,
			     PAGE, DMA_RW));
}

TEST_F(limits, windows_are_the_intersection_and_widen_again)
{
	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x%llx", BITS_39));
	ASSERT_EQ(0, mock_order("instance 2 aperture 0x1000000 0x%llx", BITS_48));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	EXPECT_WINDOW(0, BITS_48);
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_WINDOW(0, BITS_39);
	ASSERT_EQ(0, world_join(&self->w, SLOT_C));
	EXPECT_WINDOW(0x1000000, BITS_39);
	ASSERT_EQ(0, leave(&self->w, SLOT_B));
	EXPECT_WINDOW(0x1000000, BITS_48);
	EXPECT_EQ(0, dma_map(self->w.container, FAR, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, leave(&self->w, SLOT_C));
	EXPECT_WINDOW(0, BITS_48);
}

TEST_F(limits, coherency_is_that_of_all)
{
	ASSERT_EQ(0, mock_order("instance 1 coherent 0"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	EXPECT_EQ(1, container_extension(self->w.container, VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_EQ(0, container_extension(self->w.container, VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, leave(&self->w, SLOT_B));
	EXPECT_EQ(1, container_extension(self->w.container, VFIO_DMA_CC_IOMMU));
}

TEST_F(limits, coherency_is_that_of_all_whichever_comes_first)
{
	ASSERT_EQ(0, mock_order("instance 0 coherent 0"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	EXPECT_EQ(0, container_extension(self->w.container, VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_EQ(0, container_extension(self->w.container, VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_EQ(1, container_extension(self->w.container, VFIO_DMA_CC_IOMMU));
}

TEST_F(limits, an_aperture_that_leaves_a_mapping_out_is_einval)
{
	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x%llx", BITS_39));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, self->mem, PAGE, DMA_RW));
	REMEMBER();
	EXPECT_EQ(-EINVAL, world_join(&self->w, SLOT_B));
	EXPECT_UNCHANGED();

	/* nothing stands in the way any more */
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, PAGE, 0, NULL));
	EXPECT_EQ(0, world_join(&self->w, SLOT_B));
}

/* No address suits both. */
TEST_F(limits, apertures_that_exclude_each_other_are_einval)
{
	ASSERT_EQ(0, mock_order("instance 1 aperture 0x%llx 0x%llx", FAR, BITS_48));
	ASSERT_EQ(0, mock_order("instance 0 aperture 0 0x%llx", BITS_39));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	REMEMBER();
	EXPECT_EQ(-EINVAL, world_join(&self->w, SLOT_B));
	EXPECT_UNCHANGED();
}

/* Said before anything is attached, whichever domain it would go to. */
TEST_F(limits, a_region_reserved_where_a_mapping_is_is_einval)
{
	static const unsigned int slots[] = { SLOT_A2, SLOT_B };
	unsigned int i;

	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mock_order("reset"));
		ASSERT_EQ(0, mock_order("instance %u reserved 0x%llx 0x%llx %u", i,
					IOVA + MEM_SIZE - PAGE,
					IOVA + 2 * MEM_SIZE, RESERVED));
		REMEMBER();
		EXPECT_EQ(-EINVAL, world_join(&self->w, slots[i]));
		EXPECT_UNCHANGED();
		EXPECT_EQ(0, mock_instance_count(i, "attaches"));
		EXPECT_EQ(0, mock_count("allocs"));
	}
}

TEST_F(limits, a_relaxable_region_is_no_obstacle)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("instance 0 reserved 0x%llx 0x%llx %u", IOVA,
				IOVA + MEM_SIZE - 1, RELAXABLE));
	EXPECT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_WINDOW(0, BITS_48);
}

/* What begins where nothing is usable anyway may still end in a range. */
TEST_F(limits, a_reserved_region_that_begins_in_a_hole_shrinks_the_range_behind_it)
{
	struct info info;

	ASSERT_EQ(0, mock_order("instance 0 reserved 0x1000000 0x1ffffff %u", RESERVED));
	ASSERT_EQ(0, mock_order("instance 1 reserved 0x1800000 0x27fffff %u", RESERVED));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_EQ(2, info.nwindows);
	EXPECT_EQ(0xffffff, info.window[0].last);
	EXPECT_EQ(0x2800000, info.window[1].start);
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, 0x2000000, self->mem, PAGE, DMA_RW));
}

TEST_F(limits, reserved_regions_are_no_windows_while_the_group_is_there)
{
	struct info info;

	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, mock_order("instance 0 reserved 0x1000000 0x1ffffff %u", MSI));
	ASSERT_EQ(0, mock_order("instance 0 reserved 0x8000000 0x8000fff %u", RESERVED));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_EQ(3, info.nwindows);
	EXPECT_EQ(0xffffff, info.window[0].last);
	EXPECT_EQ(0x2000000, info.window[1].start);
	EXPECT_EQ(0x7ffffff, info.window[1].last);
	EXPECT_EQ(0x8001000, info.window[2].start);
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, 0x7fff000, self->mem,
				   2 * PAGE, DMA_RW));
	ASSERT_EQ(0, leave(&self->w, SLOT_A2));
	EXPECT_WINDOW(0, BITS_48);
	EXPECT_EQ(0, dma_map(self->w.container, 0x7fff000, self->mem,
			     2 * PAGE, DMA_RW));
}

/* The group is refused at the last moment, after its attach. */
TEST_F(limits, a_region_that_leaves_no_window_is_einval)
{
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, mock_order("instance 1 reserved 0 0x%llx %u", BITS_48, RESERVED));
	REMEMBER();
	EXPECT_EQ(-EINVAL, world_join(&self->w, SLOT_B));
	EXPECT_UNCHANGED();
}

/*
 * A driver may change the domain's geometry at any attach, also of a group that
 * joins directly. What it reports then counts.
 */
TEST_F(limits, an_attach_that_narrows_the_domain_narrows_the_windows)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("instance 0 aperture 0 0x%llx", BITS_39));
	ASSERT_EQ(0, mock_order("instance 0 assign 1"));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_EQ(1, mock_domains());
	EXPECT_WINDOW(0, BITS_39);
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, FAR, self->mem, PAGE, DMA_RW));

	/* it stays so: the driver does not take it back */
	ASSERT_EQ(0, leave(&self->w, SLOT_A2));
	EXPECT_WINDOW(0, BITS_39);
}

/* Wider for the second, but the first was promised no more than it had. */
TEST_F(limits, an_attach_that_widens_the_domain_does_not_widen_the_windows)
{
	ASSERT_EQ(0, mock_order("instance 0 aperture 0 0x%llx", BITS_39));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("instance 0 aperture 0 0x%llx", BITS_48));
	ASSERT_EQ(0, mock_order("instance 0 assign 1"));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_WINDOW(0, BITS_39);
	/* nor when they are worked out again */
	ASSERT_EQ(0, world_join(&self->w, SLOT_A3));
	ASSERT_EQ(0, leave(&self->w, SLOT_A3));
	EXPECT_WINDOW(0, BITS_39);
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_WINDOW(0, BITS_48);
}

/*
 * The mapping stays in the domain and can be unmapped, and the group that did the
 * harm is out; only the geometry is the driver's affair.
 */
TEST_F(limits, an_attach_that_narrows_below_a_mapping_is_einval)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, mock_order("instance 0 aperture 0 0x%llx", BITS_39));
	ASSERT_EQ(0, mock_order("instance 0 assign 1"));
	EXPECT_EQ(-EINVAL, world_join(&self->w, SLOT_A2));
	EXPECT_EQ(1, mock_domains());
	EXPECT_EQ(MEM_PAGES + 1, mock_domain_count(0, "mapped"));
	EXPECT_EQ(1, mock_instance_count(INST_A, "detaches"));
	EXPECT_EQ(0, dma_unmap(self->w.container, FAR, PAGE, 0, NULL));
	EXPECT_EQ(MEM_PAGES, mock_domain_count(0, "mapped"));
	EXPECT_EQ(0, dma_map(self->w.container, IOVA + MEM_SIZE, self->mem,
			     PAGE, DMA_RW));
}

/* Where the byte behind a range has the address 0. */

static int with_64_bits(struct world *w)
{
	int ret = mock_order("instance 0 aperture 0 0x%llx", BITS_64);

	if (!ret)
		ret = mock_order("instance 1 aperture 0x1000 0x%llx", BITS_64);
	return ret ? ret : begin_with(w, SLOT_A);
}

/* The last page, and two pages before it. */
static int map_at_the_end(struct world *w, char *mem)
{
	int ret = dma_map(w->container, -3 * PAGE, mem, 2 * PAGE, DMA_RW);

	return ret ? ret : dma_map(w->container, -PAGE, mem, PAGE, DMA_RW);
}

TEST_F(limits, the_last_page_of_2_64_is_mapped_and_unmapped)
{
	__u64 done;

	ASSERT_EQ(0, with_64_bits(&self->w));
	EXPECT_WINDOW(0, BITS_64);
	REMEMBER();
	ASSERT_EQ(0, map_at_the_end(&self->w, self->mem));
	EXPECT_EQ(-EEXIST, dma_map(self->w.container, -PAGE, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(3, mock_domain_count(0, "mapped"));
	EXPECT_EQ(self->w.pinned + 3, pinned_pages());
	EXPECT_EQ(0, dma_unmap(self->w.container, -PAGE, PAGE, 0, &done));
	EXPECT_EQ(PAGE, done);
	EXPECT_EQ(2, mock_domain_count(0, "mapped"));
	EXPECT_EQ(self->w.pinned + 2, pinned_pages());

	ASSERT_EQ(0, dma_map(self->w.container, -PAGE, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, -4 * PAGE, 4 * PAGE, 0, &done));
	EXPECT_EQ(3 * PAGE, done);
	ASSERT_EQ(0, map_at_the_end(&self->w, self->mem));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(3 * PAGE, done);
	EXPECT_UNCHANGED();
}

TEST_F(limits, the_last_page_of_2_64_has_its_dirty_bit)
{
	__u64 word = 0, done;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	ASSERT_EQ(0, with_64_bits(&self->w));
	REMEMBER();
	ASSERT_EQ(0, map_at_the_end(&self->w, self->mem));
	ASSERT_EQ(0, dirty_start(self->w.container));
	EXPECT_EQ(0, dirty_get(self->w.container, -4 * PAGE, 4 * PAGE, &bitmap));
	EXPECT_EQ(0xe, word);
	word = 0;
	EXPECT_EQ(0, dirty_get(self->w.container, -PAGE, PAGE, &bitmap));
	EXPECT_EQ(1, word);
	word = 0;
	EXPECT_EQ(0, dma_unmap_dirty(self->w.container, -4 * PAGE, 4 * PAGE,
				     &bitmap, &done));
	EXPECT_EQ(3 * PAGE, done);
	EXPECT_EQ(0xe, word);
	ASSERT_EQ(0, dirty_stop(self->w.container));
	EXPECT_UNCHANGED();
}

TEST_F(limits, the_last_page_of_2_64_goes_to_a_second_domain)
{
	ASSERT_EQ(0, with_64_bits(&self->w));
	REMEMBER();
	ASSERT_EQ(0, map_at_the_end(&self->w, self->mem));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_EQ(2, mock_domains());
	EXPECT_TRUE(mock_domains_agree());
	EXPECT_EQ(3, mock_domain_count(1, "mapped"));
	EXPECT_WINDOW(PAGE, BITS_64);
	EXPECT_EQ(0, dma_unmap(self->w.container, -PAGE, PAGE, 0, NULL));
	EXPECT_EQ(2, mock_domain_count(0, "mapped"));
	EXPECT_EQ(2, mock_domain_count(1, "mapped"));
	ASSERT_EQ(0, leave(&self->w, SLOT_B));
	EXPECT_WINDOW(0, BITS_64);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_UNCHANGED();
}

TEST_HARNESS_MAIN
