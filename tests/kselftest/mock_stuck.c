// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that does not unmap what it mapped: it takes out less than asked, or
 * nothing. What a domain still translates stays pinned until the domain is freed,
 * and is told once, as a kernel warning that whoever starts this must expect.
 * The mock itself watches that no page goes before its translation.
 */
#include "mock_fixture.h"
#include "batch_fixture.h"

FIXTURE_VARIANT(stuck)
{
	unsigned int page;	/* of the mapping at IOVA */
};

#define MOCK stuck
#include "mock_world.h"

/* Nothing is unmapped. */
FIXTURE_VARIANT_ADD(stuck, first_page)
{
	.page = 0,
};

/* A short unmap. */
FIXTURE_VARIANT_ADD(stuck, page_in_the_middle)
{
	.page = 10,
};

FIXTURE_VARIANT_ADD(stuck, last_page)
{
	.page = MEM_PAGES - 1,
};

static int make_stuck(unsigned int page)
{
	return mock_order("stuck 0x%llx", IOVA + page * PAGE);
}

/* Pages pinned since the test began. */
static long held(const struct world *w)
{
	return pinned_pages() - w->pinned;
}

/* After a map that failed: what is translated, if anything, is pinned until the group leaves. */
static void expect_kept(struct __test_metadata *_metadata, struct world *w, bool some)
{
	long mapped = mock_domain_count(0, "mapped");

	EXPECT_EQ(some, mapped > 0);
	EXPECT_LE(mapped, held(w));
	EXPECT_EQ(some, held(w) > 0);
	ASSERT_EQ(0, leave(w, SLOT_A));
	EXPECT_EQ(0, held(w));
}

TEST_F(stuck, stays_pinned_until_the_domain_is_freed)
{
	__u64 size;

	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, make_stuck(variant->page));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, &size));
	EXPECT_EQ(MEM_SIZE, size);
	EXPECT_EQ(1, mock_domain_count(0, "mapped"));
	EXPECT_LE(1, held(&self->w));
	EXPECT_GE(MEM_PAGES, held(&self->w));
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_EQ(0, held(&self->w));
	EXPECT_EQ(0, mock_domains());
}

TEST_F(stuck, does_not_keep_other_mappings)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA + GIB, self->mem, MEM_SIZE,
			     DMA_RW));
	ASSERT_EQ(0, make_stuck(variant->page));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(1, mock_domain_count(0, "mapped"));
	EXPECT_GE(MEM_PAGES, held(&self->w));
	/* what is not in the way can be used as before */
	EXPECT_EQ(0, dma_map(self->w.container, IOVA + GIB, self->mem, MEM_SIZE,
			     DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA + GIB, MEM_SIZE, 0, NULL));
	EXPECT_GE(MEM_PAGES, held(&self->w));
}

/* "entries_left" of the container; -ENOENT when there is none. */
static long left_entries(void)
{
	static char text[MOCK_TEXT];
	char *at;

	if (containers_read(text, sizeof(text)) < 0)
		return -EIO;
	at = strstr(text, "entries_left: ");
	return at ? atol(at + strlen("entries_left: ")) : -ENOENT;
}

/* A BAR charges nothing, so its mapping is an entry, also while it is stuck. */
TEST_F(stuck, bar_goes_on_being_an_entry)
{
	struct edu *edu;
	long left;

	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	edu = world_edu(&self->w, SLOT_A);
	ASSERT_NE(NULL, edu);
	ASSERT_LE(MEM_SIZE, edu->bar_size);
	left = left_entries();
	ASSERT_LT(0, left);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, edu->bar, MEM_SIZE, DMA_RW));
	EXPECT_EQ(left - 1, left_entries());
	ASSERT_EQ(0, make_stuck(variant->page));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(1, mock_domain_count(0, "mapped"));
	EXPECT_EQ(left - 1, left_entries());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(left - 1, left_entries());
	world_close_device(&self->w, SLOT_A);
}

/* It was unmapped, so an unmap by the rules of type id 1 does not end at it. */
TEST_F(stuck, does_not_end_an_unmap_of_type_id_1)
{
	__u64 size;

	self->w.mode = mode_get(MODE_BATCH_CLAIMED_V1);
	ASSERT_EQ(0, mode_claim(self->w.mode));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA + MEM_SIZE, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, make_stuck(variant->page));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA + PAGE, MEM_SIZE, 0, &size));
	EXPECT_EQ(MEM_SIZE, size);
	EXPECT_EQ(0, mode_claim(mode_get(MODE_BATCH)));
}

/* Devices would reach the old page, so its place is not free. */
TEST_F(stuck, is_not_mapped_over)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, make_stuck(variant->page));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
	REMEMBER();
	EXPECT_GT(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_UNCHANGED();
	EXPECT_EQ(1, mock_domain_count(0, "mapped"));
}

TEST_F(stuck, is_not_filled_into_a_further_domain)
{
	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x7fffffffff"));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, make_stuck(variant->page));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_EQ(0, mock_domain_count(1, "mapped"));
	EXPECT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_EQ(1, mock_domains());
	EXPECT_EQ(0, mock_domain_count(0, "mapped"));
}

/* In both domains; each of them goes with its last group. */
TEST_F(stuck, stays_pinned_as_long_as_one_domain_has_it)
{
	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x7fffffffff"));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	ASSERT_EQ(0, make_stuck(variant->page));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(1, mock_domain_count(0, "mapped"));
	EXPECT_EQ(1, mock_domain_count(1, "mapped"));
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_LE(1, held(&self->w));
	ASSERT_EQ(0, leave(&self->w, SLOT_B));
	EXPECT_EQ(0, held(&self->w));
}

/* A map that fails at its last page must be taken back, and cannot be. */
TEST_F(stuck, in_a_map_that_failed_stays_pinned)
{
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, make_stuck(variant->page));
	ASSERT_EQ(0, mock_order("fail map %u %d", MEM_PAGES, ENOMEM));
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "disable_hugepages", 1));
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
				   DMA_RW));
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "disable_hugepages", 0));
	EXPECT_EQ(1, mock_count("fired"));
	/* the last page was not entered */
	EXPECT_EQ(variant->page < MEM_PAGES - 1, mock_domain_count(0, "mapped"));
	EXPECT_LE(mock_domain_count(0, "mapped"), held(&self->w));
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_EQ(0, held(&self->w));
}

/* The same of one of many maps in a call: it is not tried again in its own place. */
TEST_F(stuck, in_one_of_many_maps_has_the_errno_of_its_driver)
{
	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x7fffffffff"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	map_page(self->mem, 0, 0);
	map_page(self->mem, 1, 1);
	ASSERT_EQ(0, make_stuck(1));
	/* Each goes into both domains. */
	ASSERT_EQ(0, mock_order("fail map 4 %d", ENOMEM));
	EXPECT_EQ(-ENOMEM, run(&self->w));
	EXPECT_EQ(1, batch.done);
	EXPECT_EQ(1, mock_count("fired"));
	EXPECT_EQ(2, mock_domain_count(0, "mapped"));
	EXPECT_EQ(1, mock_domain_count(1, "mapped"));
	EXPECT_EQ(2, held(&self->w));
}

/*
 * The IOMMU core takes back what a call of it entered before it failed, and does
 * not look whether that works. One extent that takes several calls of the driver:
 * 15 small pages first, then 64 KiB ones.
 */
TEST_F(stuck, where_the_core_takes_back_one_extent_stays_pinned)
{
	char *mem = mem_thp(2 * MIB);
	const __u64 start = IOVA + PAGE;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mock_order("instance 0 pgsizes 0x11000"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, mock_order("stuck 0x%llx", start + variant->page * PAGE));
	ASSERT_EQ(0, mock_order("fail map 2 %d", ENOMEM));
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, start, mem + PAGE, MEM_SIZE,
				   DMA_RW));
	EXPECT_EQ(1, mock_count("fired"));
	expect_kept(_metadata, &self->w, variant->page < 15);
	mem_free(mem, 2 * MIB);
}

/* The same of a list of extents. */
TEST_F(stuck, where_the_core_takes_back_a_list_stays_pinned)
{
	char *mem = mem_scattered(MEM_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, make_stuck(variant->page));
	ASSERT_EQ(0, mock_order("fail map 15 %d", ENOMEM));
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA, mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(1, mock_count("fired"));
	expect_kept(_metadata, &self->w, variant->page < 14);
	mem_free(mem, MEM_SIZE);
}

/* A group that joins finds nothing of a domain that could not be filled. */
TEST_F(stuck, in_a_fill_that_failed_goes_with_the_domain)
{
	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x7fffffffff"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "disable_hugepages", 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "disable_hugepages", 0));
	REMEMBER();
	ASSERT_EQ(0, make_stuck(variant->page));
	ASSERT_EQ(0, mock_order("fail map %u %d", MEM_PAGES, ENOMEM));
	EXPECT_EQ(-ENOMEM, world_join(&self->w, SLOT_B));
	EXPECT_EQ(1, mock_count("fired"));
	EXPECT_UNCHANGED();
	ASSERT_EQ(0, mock_order("stuck 0xffffffffffffffff"));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(0, held(&self->w));
}

TEST_HARNESS_MAIN
