// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation that MAP, UNMAP, dirty tracking and GET_INFO make fails once:
 * ours, the IOMMU driver's, and those of the page faults that pinning takes.
 * mock_sweep is the same for the IOMMU driver's calls, mock_faults_groups for
 * attach, detach and close. The requests of MAP and UNMAP are read in words, which
 * injected faults do not reach: abi_map, abi_unmap and mock_faults_large have real ones.
 */
#include <sys/mman.h>

#include "fault_pieces.h"

/* MAP */

static int with_nothing(struct sweep *sweep)
{
	return begin_with(&sweep->w, SLOT_A);
}

static int with_tracking(struct sweep *sweep)
{
	int ret = with_two_domains(sweep);

	return ret ? ret : dirty_start(sweep->w.container);
}

static int with_pages_alone(struct sweep *sweep)
{
	int ret = with_two_domains(sweep);

	return ret ? ret : backend_param_set(BACKEND_BATCH, "disable_hugepages", 1);
}

static int map(struct sweep *sweep)
{
	return dma_map(sweep->w.container, IOVA + GIB, sweep->mem, MEM_SIZE, DMA_RW);
}

/* Memory without pages: those of an earlier round are thrown away. */
static int map_untouched(struct sweep *sweep)
{
	if (madvise(sweep->mem, MEM_SIZE, MADV_DONTNEED))
		return -errno;
	return map(sweep);
}

static int unmap(struct sweep *sweep)
{
	return dma_unmap(sweep->w.container, IOVA + GIB, MEM_SIZE, 0, NULL);
}

static bool mapped_alone(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(1, MEM_PAGES);
}

static bool mapped_in_both(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(2, 2 * MEM_PAGES);
}

FIXTURE_VARIANT_ADD(fails, map)
{
	.deed = {
		.prepare = with_two_domains, .act = map, .done = mapped_in_both,
		.undo = unmap, .failures = 2,
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

/* UNMAP: nothing may stop it, nor the report of dirty pages */

static int with_a_mapping(struct sweep *sweep)
{
	int ret = with_two_domains(sweep);

	return ret ? ret : map(sweep);
}

/* More dirty bits than are handed over at once without memory to collect them in. */
enum { WIDE_PAGES = 1024, WIDE_WORDS = WIDE_PAGES / 64 };

static int map_wide(struct sweep *sweep)
{
	static char *wide;	/* of this test alone: it has a process of its own */

	if (!wide)
		wide = mem_thp(WIDE_PAGES * PAGE);
	if (!wide)
		return -ENOMEM;
	return dma_map(sweep->w.container, IOVA + GIB, wide, WIDE_PAGES * PAGE, DMA_RW);
}

static int with_a_tracked_mapping(struct sweep *sweep)
{
	int ret = with_tracking(sweep);

	return ret ? ret : map_wide(sweep);
}

static int unmap_dirty(struct sweep *sweep)
{
	__u64 words[WIDE_WORDS];
	struct vfio_bitmap bitmap = bitmap_words(words, WIDE_WORDS);

	return dma_unmap_dirty(sweep->w.container, IOVA + GIB, WIDE_PAGES * PAGE,
			       &bitmap, NULL);
}

static int unmap_all(struct sweep *sweep)
{
	return dma_unmap_all(sweep->w.container, NULL);
}

static bool pieces_in_both(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(2, MEM_PAGES);
}

static bool nothing_in_both(struct sweep *sweep)
{
	(void)sweep;
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
		.done = pieces_in_both, .undo = map_wide, .never_fails = true,
	},
};

/* A live update: addresses are taken back, and given anew */

static int take_back(struct sweep *sweep)
{
	return dma_unmap(sweep->w.container, IOVA + GIB, MEM_SIZE, UNMAP_VADDR, NULL);
}

static int give(struct sweep *sweep)
{
	return dma_map(sweep->w.container, IOVA + GIB, sweep->mem, MEM_SIZE, DMA_VADDR);
}

static int with_address_taken(struct sweep *sweep)
{
	int ret = with_a_mapping(sweep);

	return ret ? ret : take_back(sweep);
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
		.done = mapped_in_both, .undo = take_back, .failures = 1,
	},
};

/* Dirty tracking, and what is only asked */

static bool tracks(struct sweep *sweep)
{
	__u64 word;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);

	return !dirty_get(sweep->w.container, IOVA, PIECE_PAGES * PAGE, &bitmap);
}

static bool tracks_not(struct sweep *sweep)
{
	return !tracks(sweep);
}

static int ask(struct sweep *sweep)
{
	static struct info info;

	return info_get(sweep->w.container, &info);
}

static int nothing(struct sweep *sweep)
{
	(void)sweep;
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
	fault_sweep(_metadata, &self->sweep, &variant->deed);
}

/* Memory that cannot be had, whichever page it is, around what is pinned at once. */

enum { LARGE_PAGES = 33 * 1024 };	/* more than is entered at once, too */

FIXTURE(hole)
{
	struct sweep sweep;
	char *large;
};

FIXTURE_SETUP(hole)
{
	sweep_begin(_metadata, &self->sweep);
	self->large = mem_thp(LARGE_PAGES * PAGE);
	ASSERT_NE(NULL, self->large);
	ASSERT_EQ(0, with_two_domains(&self->sweep));
}

FIXTURE_TEARDOWN(hole)
{
	sweep_end(_metadata, &self->sweep);
	mem_free(self->large, LARGE_PAGES * PAGE);
}

/* A map of @npages of which page @page cannot be had. */
static void map_hole(struct __test_metadata *_metadata, struct sweep *self,
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
	struct sweep *sweep = &self->sweep;
	unsigned int page;

	ASSERT_EQ(0, state_read(&sweep->w, &sweep->before));
	for (page = 0; page < MEM_PAGES; page++)
		map_hole(_metadata, sweep, sweep->mem, MEM_PAGES, page);
	EXPECT_EQ(0, map(sweep));
	EXPECT_TRUE(mapped_in_both(sweep));
}

TEST_F(hole, at_the_edges_of_batches)
{
	static const unsigned int pages[] = {
		0, 1, 1022, 1023, 1024, 2045, 2046, 16384, 32767, 32768, 32769,
		LARGE_PAGES - 1,
	};
	struct sweep *sweep = &self->sweep;
	unsigned int i;

	ASSERT_EQ(0, state_read(&sweep->w, &sweep->before));
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		map_hole(_metadata, sweep, self->large, LARGE_PAGES, pages[i]);
	EXPECT_EQ(0, dma_map(sweep->w.container, IOVA + GIB, self->large,
			     LARGE_PAGES * PAGE, DMA_RW));
	EXPECT_TRUE(domains_hold(2, MEM_PAGES + LARGE_PAGES));
}

TEST_HARNESS_MAIN
