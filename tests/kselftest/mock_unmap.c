// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an unmap costs and in which order it happens: each domain is synced once a
 * batch, nothing is let go before that, and a driver that takes out less in a call
 * than it was asked for is asked again.
 */
#include "mock_fixture.h"

FIXTURE_VARIANT(unmap)
{
	const char *order;	/* about instance 1 */
	int domains;
};

#define MOCK unmap
#include "mock_world.h"

FIXTURE_VARIANT_ADD(unmap, one_domain)
{
	.order = "fail any 0 0",
	.domains = 1,
};

FIXTURE_VARIANT_ADD(unmap, two_domains)
{
	.order = "instance 1 aperture 0 0x7fffffffff",
	.domains = 2,
};

/* Without a flush of the whole domain. */
FIXTURE_VARIANT_ADD(unmap, two_domains_and_one_flushes_ranges_only)
{
	.order = "instance 1 ops 2",
	.domains = 2,
};

/* Groups of two instances, nothing mapped. */
static int begin(struct world *w, const char *order)
{
	int ret = mock_order(order);

	ret = ret ? ret : begin_with(w, SLOT_A);
	return ret ? ret : world_join(w, SLOT_B);
}

/* Pages of @mem, @apart bytes from each other in IOVA. */
static int map_scattered(struct world *w, char *mem, __u64 apart)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < MEM_PAGES; i++)
		ret = dma_map(w->container, IOVA + i * apart, mem + i * PAGE,
			      PAGE, DMA_RW);
	return ret;
}

#define EXPECT_EMPTY() do {						\
	int nth_;							\
	for (nth_ = 0; nth_ < variant->domains; nth_++)			\
		EXPECT_EQ(0, mock_domain_count(nth_, "mapped"));	\
	EXPECT_EQ(self->w.pinned, pinned_pages());			\
	EXPECT_EQ(self->w.locked, locked_pages());			\
} while (0)

TEST_F(unmap, of_one_mapping_syncs_each_domain_once)
{
	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(variant->domains, mock_domains());
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, mock_count("syncs") + mock_count("flushes"));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
	EXPECT_EQ(variant->domains, mock_count("syncs"));
	EXPECT_EQ(0, mock_count("flushes"));
	EXPECT_EQ(variant->domains, mock_count("unmaps"));
	/* From all of them, before the first was flushed. */
	EXPECT_EQ(variant->domains, mock_count("together"));
	EXPECT_EMPTY();
}

TEST_F(unmap, of_neighbours_syncs_each_domain_once)
{
	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(0, map_scattered(&self->w, self->mem, PAGE));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(variant->domains, mock_count("syncs"));
	EXPECT_EQ(0, mock_count("flushes"));
	EXPECT_EMPTY();
}

/*
 * Far apart: one sync of it all, or a flush of everything and a sync that frees
 * the tables. Both at most once.
 */
TEST_F(unmap, of_scattered_mappings_flushes_each_domain_once)
{
	int nth;

	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(0, map_scattered(&self->w, self->mem, 4 * MIB));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(variant->domains, mock_count("syncs"));
	EXPECT_EQ(variant->domains, mock_count("together"));
	for (nth = 0; nth < variant->domains; nth++) {
		EXPECT_EQ(1, mock_domain_count(nth, "syncs"));
		EXPECT_GE(1, mock_domain_count(nth, "flushes"));
	}
	EXPECT_EMPTY();
}

TEST_F(unmap, of_a_range_leaves_the_others)
{
	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(0, map_scattered(&self->w, self->mem, 4 * MIB));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, 4 * 4 * MIB, 0, NULL));
	EXPECT_EQ(MEM_PAGES - 4, mock_domain_count(0, "mapped"));
	EXPECT_TRUE(mock_domains_agree());
	EXPECT_EQ(self->w.pinned + MEM_PAGES - 4, pinned_pages());
}

TEST_F(unmap, in_small_steps_is_complete)
{
	__u64 size;

	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, mock_order("unmap_max 3"));
	ASSERT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, &size));
	EXPECT_EQ(MEM_SIZE, size);
	EXPECT_LE(variant->domains * (MEM_PAGES / 3), mock_count("unmaps"));
	EXPECT_EQ(variant->domains, mock_count("syncs"));
	EXPECT_EMPTY();
}

/* No page of it is followed by its neighbour in memory. */
static char *mem_backwards(__u64 size)
{
	char *mem = mem_untouched(size);
	__u64 at;

	for (at = size; mem && at; at -= PAGE)
		mem[at - 1] = 1;
	return mem;
}

/*
 * More than is drained between two syncs, which is 512 MiB of such pages, as
 * neighbours and apart: nothing is forgotten where one slice ends and the next
 * begins, which is between two mappings, or within one.
 */
static void expect_two_slices(struct __test_metadata *_metadata,
			      struct world *w, int domains, __u64 size,
			      __u64 apart)
{
	const __u64 count = 512 * MIB / size + 2;
	/* From 2 MiB on, the same memory is pinned once. */
	const __u64 pinned = size < 2 * MIB ? count * size : size;
	char *mem = mem_backwards(size);
	long syncs;
	__u64 i, done;

	ASSERT_NE(NULL, mem);
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, dma_map(w->container, IOVA + i * apart, mem, size,
				     DMA_RW));
	EXPECT_EQ(w->pinned + (long)(pinned / PAGE), pinned_pages());
	syncs = mock_count("syncs");
	ASSERT_EQ(0, dma_unmap_all(w->container, &done));
	EXPECT_EQ(count * size, done);
	EXPECT_EQ(2 * domains, mock_count("syncs") - syncs);
	mem_free(mem, size);
}

TEST_F(unmap, of_more_than_a_slice_is_complete)
{
	static const __u64 sizes[] = { MIB, 3 * MIB / 2, 24 * MIB };
	int i;

	ASSERT_EQ(0, begin(&self->w, variant->order));
	for (i = 0; i < 3; i++) {
		expect_two_slices(_metadata, &self->w, variant->domains,
				  sizes[i], sizes[i]);
		expect_two_slices(_metadata, &self->w, variant->domains,
				  sizes[i], 4 * sizes[i]);
		EXPECT_EMPTY();
	}
}

/* Large pages are taken out as they were put in. */
TEST_F(unmap, of_huge_pages_splits_none)
{
	const __u64 size = 8 * MIB;
	char *mem = mem_thp(size);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, size, DMA_RW));
	EXPECT_EQ(size / PAGE, mock_domain_count(0, "mapped"));
	EXPECT_GE(16 * variant->domains, mock_count("maps"));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(variant->domains, mock_count("syncs"));
	EXPECT_EMPTY();
	mem_free(mem, size);
}

/* An end that cuts neither page nor extent: shifted by a page in memory. */
TEST_F(unmap, of_unaligned_huge_pages_is_complete)
{
	const __u64 size = 8 * MIB;
	char *mem = mem_thp(size);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA + PAGE, mem + PAGE,
			     size - PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA + size, mem,
			     size - PAGE, DMA_RW));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EMPTY();
	mem_free(mem, size);
}

/* Closing frees the domains as they are. */
TEST_F(unmap, is_not_needed_at_close)
{
	ASSERT_EQ(0, begin(&self->w, variant->order));
	ASSERT_EQ(0, map_scattered(&self->w, self->mem, 4 * MIB));
	EXPECT_EQ(NULL, world_close(&self->w));
	EXPECT_EQ(0, mock_count("unmaps"));
	EXPECT_EQ(0, mock_count("syncs") + mock_count("flushes"));
	EXPECT_EQ(mock_count("allocs"), mock_count("frees"));
}

TEST_HARNESS_MAIN
