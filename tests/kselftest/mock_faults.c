// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation that MAP, UNMAP, dirty tracking and GET_INFO make fails once:
 * ours, the IOMMU driver's, and those of the page faults that pinning takes.
 * mock_sweep is the same for the IOMMU driver's calls, mock_faults_groups for
 * attach, detach and close.
 */
#include <sys/mman.h>

#include "fault_pieces.h"

/* MAP */

static int with_nothing(struct bed *bed)
{
	return begin_with(&bed->w, SLOT_A);
}

static int with_tracking(struct bed *bed)
{
	int ret = with_two_domains(bed);

	return ret ? ret : dirty_start(bed->w.container);
}

static int with_pages_alone(struct bed *bed)
{
	int ret = with_two_domains(bed);

	return ret ? ret : backend_param_set(BACKEND_BATCH, "disable_hugepages", 1);
}

static int map(struct bed *bed)
{
	return dma_map(bed->w.container, IOVA + GIB, bed->mem, MEM_SIZE, DMA_RW);
}

/* Memory without pages: those of an earlier round are thrown away. */
static int map_untouched(struct bed *bed)
{
	if (madvise(bed->mem, MEM_SIZE, MADV_DONTNEED))
		return -errno;
	return map(bed);
}

static int unmap(struct bed *bed)
{
	return dma_unmap(bed->w.container, IOVA + GIB, MEM_SIZE, 0, NULL);
}

static bool mapped_alone(struct bed *bed)
{
	(void)bed;
	return domains_hold(1, MEM_PAGES);
}

static bool mapped_in_both(struct bed *bed)
{
	(void)bed;
	return domains_hold(2, 2 * MEM_PAGES);
}

FIXTURE_VARIANT_ADD(fails, map)
{
	.deed = {
		.prepare = with_two_domains, .act = map, .done = mapped_in_both,
		.undo = unmap, .copies = true, .failures = 3,
	},
};

FIXTURE_VARIANT_ADD(fails, map_the_first)
{
	.deed = {
		.prepare = with_nothing, .act = map, .done = mapped_alone,
		.undo = unmap, .failures = 2,
	},
};

FIXTURE_VARIANT_ADD(fails, map_untouched)
{
	.deed = {
		.prepare = with_nothing, .act = map_untouched,
		.done = mapped_alone, .undo = unmap, .pages = true, .failures = 1,
	},
};

FIXTURE_VARIANT_ADD(fails, map_page_by_page)
{
	.deed = {
		.prepare = with_pages_alone, .act = map, .done = mapped_in_both,
		.undo = unmap, .failures = 2,
	},
};

FIXTURE_VARIANT_ADD(fails, map_tracked)
{
	.deed = {
		.prepare = with_tracking, .act = map, .done = mapped_in_both,
		.undo = unmap, .failures = 3,
	},
};

/* UNMAP: nothing may stop it, but that dirty pages cannot be reported */

static int with_a_mapping(struct bed *bed)
{
	int ret = with_two_domains(bed);

	return ret ? ret : map(bed);
}

/* More dirty bits than are handed over without memory to collect them in. */
enum { WIDE_PAGES = 1024, WIDE_WORDS = WIDE_PAGES / 64 };

static int map_wide(struct bed *bed)
{
	static char *wide;	/* of this test alone: it has a process of its own */

	if (!wide)
		wide = mem_thp(WIDE_PAGES * PAGE);
	if (!wide)
		return -ENOMEM;
	return dma_map(bed->w.container, IOVA + GIB, wide, WIDE_PAGES * PAGE, DMA_RW);
}

static int with_a_tracked_mapping(struct bed *bed)
{
	int ret = with_tracking(bed);

	return ret ? ret : map_wide(bed);
}

static int unmap_dirty(struct bed *bed)
{
	__u64 words[WIDE_WORDS];
	struct vfio_bitmap bitmap = bitmap_words(words, WIDE_WORDS);

	return dma_unmap_dirty(bed->w.container, IOVA + GIB, WIDE_PAGES * PAGE,
			       &bitmap, NULL);
}

static int unmap_all(struct bed *bed)
{
	return dma_unmap_all(bed->w.container, NULL);
}

static bool pieces_in_both(struct bed *bed)
{
	(void)bed;
	return domains_hold(2, MEM_PAGES);
}

static bool nothing_in_both(struct bed *bed)
{
	(void)bed;
	return domains_hold(2, 0);
}

FIXTURE_VARIANT_ADD(fails, unmap)
{
	.deed = {
		.prepare = with_a_mapping, .act = unmap, .done = pieces_in_both,
		.undo = map, .never_fails = true,
	},
};

FIXTURE_VARIANT_ADD(fails, unmap_all)
{
	.deed = {
		.prepare = with_two_domains, .act = unmap_all,
		.done = nothing_in_both, .undo = map_pieces,
		.never_fails = true,
	},
};

FIXTURE_VARIANT_ADD(fails, unmap_dirty)
{
	.deed = {
		.prepare = with_a_tracked_mapping, .act = unmap_dirty,
		.done = pieces_in_both, .undo = map_wide, .failures = 1,
	},
};

/* A live update: addresses are taken back, and given anew */

static int take_back(struct bed *bed)
{
	return dma_unmap(bed->w.container, IOVA + GIB, MEM_SIZE, UNMAP_VADDR, NULL);
}

static int give(struct bed *bed)
{
	return dma_map(bed->w.container, IOVA + GIB, bed->mem, MEM_SIZE, DMA_VADDR);
}

static int with_address_taken(struct bed *bed)
{
	int ret = with_a_mapping(bed);

	return ret ? ret : take_back(bed);
}

FIXTURE_VARIANT_ADD(fails, take_back)
{
	.deed = {
		.prepare = with_a_mapping, .act = take_back,
		.done = mapped_in_both, .undo = give, .never_fails = true,
	},
};

FIXTURE_VARIANT_ADD(fails, give)
{
	.deed = {
		.prepare = with_address_taken, .act = give,
		.done = mapped_in_both, .undo = take_back, .copies = true,
		.failures = 2,
	},
};

/* Dirty tracking, and what is only asked */

static bool tracks(struct bed *bed)
{
	__u64 word;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	return !dirty_get(bed->w.container, IOVA, PIECE_PAGES * PAGE, &bitmap);
}

static bool tracks_not(struct bed *bed)
{
	return !tracks(bed);
}

static int ask(struct bed *bed)
{
	static struct info info;

	return info_get(bed->w.container, &info);
}

static int nothing(struct bed *bed)
{
	(void)bed;
	return 0;
}

FIXTURE_VARIANT_ADD(fails, dirty_start)
{
	.deed = {
		.prepare = with_two_domains, .act = start, .done = tracks,
		.undo = stop, .failures = PIECES,
	},
};

FIXTURE_VARIANT_ADD(fails, dirty_stop)
{
	.deed = {
		.prepare = with_tracking, .act = stop, .done = tracks_not,
		.undo = start, .never_fails = true,
	},
};

FIXTURE_VARIANT_ADD(fails, get_info)
{
	.deed = {
		.prepare = with_two_domains, .act = ask, .done = pieces_in_both,
		.undo = nothing, .copies = true, .failures = 4,
	},
};

TEST_F(fails, at_every_allocation)
{
	fault_sweep(_metadata, &self->bed, &variant->deed);
}

/* Memory that cannot be had, whichever page it is, around what is pinned at once. */

enum { LARGE_PAGES = 33 * 1024 };	/* more than is entered at once, too */

FIXTURE(hole)
{
	struct bed bed;
	char *large;
};

FIXTURE_SETUP(hole)
{
	bed_begin(_metadata, &self->bed);
	self->large = mem_thp(LARGE_PAGES * PAGE);
	ASSERT_NE(NULL, self->large);
	ASSERT_EQ(0, with_two_domains(&self->bed));
}

FIXTURE_TEARDOWN(hole)
{
	bed_end(_metadata, &self->bed);
	mem_free(self->large, LARGE_PAGES * PAGE);
}

/* A map of @npages of which page @page cannot be had. */
static void map_hole(struct __test_metadata *_metadata, struct bed *self,
		     char *mem, unsigned int npages, unsigned int page)
{
	char *at = mem + page * PAGE;

	ASSERT_EQ(0, mprotect(at, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, dma_map(self->w.container, IOVA + GIB, mem,
				   npages * PAGE, DMA_RW))
		TH_LOG("page %u", page);
	ASSERT_EQ(0, mprotect(at, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_UNCHANGED();
}

TEST_F(hole, at_every_page)
{
	struct bed *bed = &self->bed;
	unsigned int page;

	ASSERT_EQ(0, state_read(&bed->w, &bed->before));
	for (page = 0; page < MEM_PAGES; page++)
		map_hole(_metadata, bed, bed->mem, MEM_PAGES, page);
	EXPECT_EQ(0, map(bed));
	EXPECT_TRUE(mapped_in_both(bed));
}

TEST_F(hole, at_the_edges_of_batches)
{
	static const unsigned int pages[] = {
		0, 1, 1022, 1023, 1024, 2045, 2046, 16384, 32767, 32768, 32769,
		LARGE_PAGES - 1,
	};
	struct bed *bed = &self->bed;
	unsigned int i;

	ASSERT_EQ(0, state_read(&bed->w, &bed->before));
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		map_hole(_metadata, bed, self->large, LARGE_PAGES, pages[i]);
	EXPECT_EQ(0, dma_map(bed->w.container, IOVA + GIB, self->large,
			     LARGE_PAGES * PAGE, DMA_RW));
	EXPECT_TRUE(domains_hold(2, MEM_PAGES + LARGE_PAGES));
}

TEST_HARNESS_MAIN
