// SPDX-License-Identifier: GPL-2.0-only
/*
 * As mock_faults, of mappings whose extents and dirty bitmaps are larger than the
 * slab's objects (8 KiB): allocations of pages fail, too, and vmalloc stands in for
 * some. And an UNMAP whose request or answer cannot be read or written.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fault_pieces.h"

/* An extent for each page: it is one page, over and over. */

enum { SCATTERED_PAGES = 1500 };

#define SCATTERED_SIZE (SCATTERED_PAGES * PAGE)

static char *page_repeated(void)
{
	static char *mem;	/* of this test alone: it has a process of its own */

	if (!mem)
		mem = mem_repeated(SCATTERED_SIZE);
	return mem;
}

static int map_scattered(struct sweep *sweep)
{
	char *mem = page_repeated();

	if (!mem)
		return -ENOMEM;
	return dma_map(sweep->w.container, IOVA + GIB, mem, SCATTERED_SIZE, DMA_RW);
}

static int unmap_scattered(struct sweep *sweep)
{
	return dma_unmap(sweep->w.container, IOVA + GIB, SCATTERED_SIZE, 0, NULL);
}

static int with_nothing(struct sweep *sweep)
{
	return begin_with(&sweep->w, SLOT_A);
}

static bool scattered_alone(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(1, SCATTERED_PAGES);
}

/* Only for the mapping itself there is no other way; vmalloc holds the extents. */
FIXTURE_VARIANT_ADD(fails, map_scattered)
{
	.deed = {
		.prepare = with_nothing, .act = map_scattered,
		.done = scattered_alone, .undo = unmap_scattered,
		.pages = true, .failures = 1,
	},
};

static int with_group_b_and_scattered(struct sweep *sweep)
{
	int ret = with_group_b_unlike(sweep);

	return ret ? ret : map_scattered(sweep);
}

static bool scattered_in_both(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(2, MEM_PAGES + SCATTERED_PAGES);
}

FIXTURE_VARIANT_ADD(fails, attach_scattered)
{
	.deed = {
		.prepare = with_group_b_and_scattered, .act = join_b,
		.done = scattered_in_both, .undo = leave_b,
		.pages = true, .failures = 4,
	},
};

/* Huge pages, which have a way of their own to be pinned: at either end a part of one. */

enum { HUGETLB_PAGES = 3 * 512 - 100 };

static int map_hugetlb(struct sweep *sweep)
{
	static char *mem;

	if (!mem)
		mem = mem_hugetlb(3 * HUGE_2M);
	if (!mem)
		return -EAGAIN;
	return dma_map(sweep->w.container, IOVA + GIB, mem + 60 * PAGE,
		       HUGETLB_PAGES * PAGE, DMA_RW);
}

static int unmap_hugetlb(struct sweep *sweep)
{
	return dma_unmap(sweep->w.container, IOVA + GIB, HUGETLB_PAGES * PAGE, 0, NULL);
}

static bool hugetlb_alone(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(1, HUGETLB_PAGES);
}

FIXTURE_VARIANT_ADD(fails, map_hugetlb)
{
	.deed = {
		.prepare = with_nothing, .act = map_hugetlb,
		.done = hugetlb_alone, .undo = unmap_hugetlb,
		.pages = true, .failures = 1,
	},
};

/* A dirty bitmap of more than 8 KiB */

enum { HUGE_PAGES = 129 * 512 };

static int with_huge(struct sweep *sweep)
{
	char *mem = mem_thp(HUGE_PAGES * PAGE);
	int ret = mem ? with_pieces(sweep) : -ENOMEM;

	return ret ? ret : dma_map(sweep->w.container, IOVA + GIB, mem,
				   HUGE_PAGES * PAGE, DMA_RW);
}

/* All of it is dirty, as a domain holds it. */
static bool tracks(struct sweep *sweep)
{
	static __u64 words[HUGE_PAGES / 64];
	struct vfio_bitmap bitmap = bitmap_words(words, HUGE_PAGES / 64);

	words[HUGE_PAGES / 64 - 1] = 0;
	return !dirty_get(sweep->w.container, IOVA + GIB, HUGE_PAGES * PAGE, &bitmap) &&
	       words[0] == ~0ULL && words[HUGE_PAGES / 64 - 1] == ~0ULL;
}

FIXTURE_VARIANT_ADD(fails, dirty_start_huge)
{
	.deed = {
		.prepare = with_huge, .act = start, .done = tracks,
		.undo = stop, .pages = true, .failures = PIECES,
	},
};

TEST_F(fails, at_every_allocation)
{
	fault_sweep(_metadata, &self->sweep, &variant->deed);
}

/*
 * What an UNMAP answers: dirty bits before the mappings go, sizes when they are
 * gone. So a copy that fails leaves all or nothing.
 */

FIXTURE(answer)
{
	struct sweep sweep;
};

FIXTURE_SETUP(answer)
{
	sweep_begin(_metadata, &self->sweep);
	ASSERT_EQ(0, fault_set_up(true, false));
	ASSERT_EQ(0, with_two_domains(&self->sweep));
	ASSERT_EQ(0, dirty_start(self->sweep.w.container));
}

FIXTURE_TEARDOWN(answer)
{
	sweep_end(_metadata, &self->sweep);
}

/* More bits than are handed over without memory to collect them in. */
enum { WIDE_PAGES = 1024, WIDE_WORDS = WIDE_PAGES / 64 };

static int unmap_wide(struct sweep *sweep, __u64 *words)
{
	struct vfio_bitmap bitmap = bitmap_words(words, WIDE_WORDS);

	words[WIDE_WORDS - 1] = 0;
	return dma_unmap_dirty(sweep->w.container, IOVA + GIB, WIDE_PAGES * PAGE,
			       &bitmap, NULL);
}

/* Lets the @n-th failure come, before the unmap; whether there was one. */
static bool answer_round(struct __test_metadata *_metadata, struct sweep *self,
			 unsigned int n, unsigned int *kept)
{
	__u64 words[WIDE_WORDS];
	bool fired;
	int ret;

	ASSERT_EQ(0, fault_arm(n));
	ret = unmap_wide(self, words);
	fired = fault_fired();
	if (ret) {
		EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT);
		EXPECT_TRUE(domains_hold(2, MEM_PAGES + WIDE_PAGES));
		EXPECT_EQ(self->before.locked + WIDE_PAGES, locked_pages());
		ASSERT_EQ(0, unmap_wide(self, words));
		++*kept;
	}
	EXPECT_EQ(~0ULL, words[WIDE_WORDS - 1]);
	EXPECT_UNCHANGED();
	ASSERT_TRUE(_metadata->passed)
		TH_LOG("failure %u: %d", n, ret);
	return fired;
}

TEST_F(answer, an_unmap_is_done_or_not_begun)
{
	char *wide = mem_thp(WIDE_PAGES * PAGE);
	unsigned int n = 0, kept = 0;
	struct sweep *sweep = &self->sweep;

	ASSERT_NE(NULL, wide);
	ASSERT_EQ(0, state_read(&sweep->w, &sweep->before));
	do {
		ASSERT_GT(FAULTS_MAX, ++n);
		ASSERT_EQ(0, dma_map(sweep->w.container, IOVA + GIB, wide,
				     WIDE_PAGES * PAGE, DMA_RW));
	} while (answer_round(_metadata, sweep, n, &kept));
	TH_LOG("%u calls failed before the unmap", kept);
	/* The bitmap's place, the bits; without memory they go in small pieces. */
	EXPECT_LE(2, kept);
}

/* Where the request of a call lies: its words are not read by what injected faults reach. */
struct place {
	size_t at;		/* in the first page of two */
	int first;		/* protection of the first page */
	int second;
	bool done;		/* the call faults, but the mapping is gone */
};

/* UNMAP from a request that lies so, of what is mapped; the bits go to @words. */
static int unmap_from(struct sweep *sweep, const struct place *place, __u64 *words)
{
	struct vfio_bitmap bitmap = bitmap_words(words, WIDE_WORDS);
	char *pages = mem_small(2 * PAGE);
	struct vfio_iommu_type1_dma_unmap *unmap = (void *)(pages + place->at);

	if (!pages)
		return -ENOMEM;
	unmap->argsz = sizeof(*unmap) + sizeof(bitmap);
	unmap->flags = UNMAP_DIRTY;
	unmap->iova = IOVA + GIB;
	unmap->size = WIDE_PAGES * PAGE;
	memcpy(unmap + 1, &bitmap, sizeof(bitmap));
	if (mprotect(pages, PAGE, place->first) || mprotect(pages + PAGE, PAGE, place->second))
		return -errno;
	return vfio_ioctl(sweep->w.container, VFIO_IOMMU_UNMAP_DMA, unmap);
}

TEST_F(answer, a_request_that_is_not_there_leaves_all_or_nothing)
{
	const size_t unmap_size = sizeof(struct vfio_iommu_type1_dma_unmap);
	const struct place places[] = {
		{ .at = 0, .first = PROT_NONE, .second = PROT_READ },
		{ .at = PAGE - unmap_size, .first = PROT_READ | PROT_WRITE, .second = PROT_NONE },
		{ .at = 0, .first = PROT_READ, .second = PROT_READ, .done = true },
	};
	char *wide = mem_thp(WIDE_PAGES * PAGE);
	struct sweep *sweep = &self->sweep;
	__u64 words[WIDE_WORDS] = {};
	unsigned int i;

	ASSERT_NE(NULL, wide);
	ASSERT_EQ(0, dma_map(sweep->w.container, IOVA + GIB, wide, WIDE_PAGES * PAGE, DMA_RW));
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		EXPECT_EQ(-EFAULT, unmap_from(sweep, &places[i], words))
			TH_LOG("place %u", i);
		EXPECT_TRUE(domains_hold(2, MEM_PAGES + (places[i].done ? 0 : WIDE_PAGES)))
			TH_LOG("place %u", i);
		EXPECT_EQ(places[i].done ? ~0ULL : 0, words[WIDE_WORDS - 1])
			TH_LOG("place %u", i);
	}
}

TEST_HARNESS_MAIN
