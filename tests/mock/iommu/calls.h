/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of the IOMMU core that tests make fail, and those that they count.
 */
#ifndef MOCK_CALLS_H
#define MOCK_CALLS_H

#include <linux/types.h>

/* Calls that can be made to fail. MOCK_ANY counts all of them together. */
enum mock_call {
	MOCK_ATTACH,
	MOCK_ALLOC,
	MOCK_MAP,
	MOCK_ANY,
	MOCK_CALLS,
};

/* Calls since the last reset: map_pages, unmap_pages, flushes of a range and of everything. */
struct mock_counts {
	u64 maps, unmaps;
	u64 syncs, flushes;
};

#endif
