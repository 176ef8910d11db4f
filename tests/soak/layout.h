/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the mappings of each shape lie in IOVA and in memory, and which of their
 * pages tell most.
 */
#ifndef VIB_SOAK_LAYOUT_H
#define VIB_SOAK_LAYOUT_H

#include <linux/types.h>
#include <stddef.h>

#include "stale.h"

#define TARGET_IOVA (1 * GIB)

/*
 * Pieces of @piece bytes each @stride apart, all of them of @mem bytes: of so
 * many that the pages on both sides of a cut are no other's. UNMAP_ALL is cut
 * behind each @cut pages; 0 if it is not.
 */
struct layout {
	unsigned int count;
	size_t piece, stride, mem;
	unsigned int cut;
};

const struct layout *layout_of(enum shape shape);

/* The n-th page that is mapped: where devices find it, and where in memory. */
__u64 layout_iova(const struct layout *layout, unsigned int n);
size_t layout_offset(const struct layout *layout, unsigned int n);
unsigned int layout_pages(const struct layout *layout);

/*
 * The last page before each cut and the first behind it, then both ends: how
 * many, at most AIMED_MAX.
 */
unsigned int layout_telling(const struct layout *layout, unsigned int *page);

/* Memory of its own for a mapping of that shape; NULL if there is none. */
char *layout_memory(enum shape shape);

#endif
