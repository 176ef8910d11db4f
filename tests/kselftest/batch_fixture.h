/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of VFIO_IOMMU_BATCH_DMA share: one call's operations, a page each, at IOVA. Behind
 * fixture.h, once in each program.
 */
#ifndef VIB_TEST_BATCH_FIXTURE_H
#define VIB_TEST_BATCH_FIXTURE_H

#include "lib/batch.h"

/* Each test has a process of its own. */
static struct batch batch;

static inline __u64 at(unsigned int page)
{
	return IOVA + page * PAGE;
}

static inline void map_page(char *mem, unsigned int iova_page, unsigned int page)
{
	batch_map(&batch, at(iova_page), mem + page * PAGE, PAGE);
}

static inline int run(struct world *w)
{
	return batch_run(w->container, &batch);
}

/* In pages; takes it away. */
static inline long mapped_pages(struct world *w)
{
	__u64 size;

	return dma_unmap_all(w->container, &size) ? -1 : (long)(size / PAGE);
}

#endif
