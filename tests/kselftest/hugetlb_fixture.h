/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of memory of hugetlb share: its pages, and what is pinned and charged for them. The
 * file says its WORLD afterwards, which EXPECT_HELD() reads as self->w.
 */
#ifndef VIB_TEST_HUGETLB_FIXTURE_H
#define VIB_TEST_HUGETLB_FIXTURE_H

#include <linux/mman.h>
#include <linux/vfio.h>
#include <sys/mman.h>

#include "fixture.h"

#define FAR (4 * GIB)
#define IN_2M ((long)(HUGE_2M / PAGE))

/* Huge pages of 2 MiB that a test may have; MANY are more than the 64 that are unpinned at once. */
enum { POOL = 8, MANY = 69 };

/* @mem's pages have been taken from the pool when this returns. */
static inline char *pages_2m(size_t size, int kind)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 kind | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/*
 * Expects @pages charged, and pinned as @huge huge pages by us, as @pages by type1; @single of
 * ours are pinned singly.
 */
#define EXPECT_HELD(pages, huge, single) do { \
	bool _ours = self->w.mode->backend == BACKEND_BATCH; \
	long _pages = pages, _pins = _ours ? (huge) + (single) : _pages; \
\
	EXPECT_EQ(self->w.locked + _pages, locked_pages()); \
	EXPECT_EQ(self->w.pinned + _pins, pinned_pages()); \
} while (0)

static inline int map_at(struct world *w, __u64 iova, const char *mem, __u64 size)
{
	return dma_map(w->container, iova, mem, size, DMA_RW);
}

static inline int unmap_at(struct world *w, __u64 iova, __u64 size)
{
	return dma_unmap(w->container, iova, size, 0, NULL);
}

/* The pool as it was before the tests gets its pages back at the end. */
static inline void with_pool(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, hugepages_set(POOL));
}

#endif
