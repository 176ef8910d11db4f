/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that says where a test expects two answers: ours, which is
 * that of the newest kernel on every kernel, and that of vfio_iommu_type1 of
 * the running kernel. Whatever does not stand here is the same for both, and
 * what stands here is checked on both: a row that type1 does not show fails.
 */
#ifndef VIB_TEST_DIFFERENCES_H
#define VIB_TEST_DIFFERENCES_H

#include "lib/backend.h"

enum difference_id {
	/* type1 caught up with these in a later kernel */
	DIFF_UNMAP_ALL,
	DIFF_UPDATE_VADDR,
	DIFF_VADDR_OF_NOTHING,
	DIFF_FOREIGN_UNMAP,
	DIFF_MAP_WRAP,
	DIFF_UNMAP_WRAP,
	DIFF_UNMAP_LAST_PAGE,
	DIFF_DIRTY_WRAP,
	DIFF_DIRTY_LAST_PAGE,
	DIFF_LAST_PAGE_STAYS,
	DIFF_PIN_WRAP,
	DIFF_INFO_WRITTEN,
	DIFF_INFO_WINDOWS_OFFSET,
	DIFF_NESTING,
	/* type1 shows these on every kernel so far */
	DIFF_RAM_TAKES_ENTRY,
	DIFF_DMA_AVAIL,
	DIFF_CAPABILITIES,
	DIFF_ENOSPC_AND_RESERVED,
	DIFF_USERFAULT,
	DIFF_DIRTY_PGSIZE_0,
	DIFF_DIRTY_STALE_BITS,
	DIFF_PIN_WHILE_UNMAPPED,
	DIFF_JOIN_BEYOND_OLD,
	DIFF_JOIN_BEYOND,
	DIFF_WINDOWS_WITHOUT_GROUP,
	DIFF_BAR_STAYS,
	DIFF_CHARGED_AGAIN,
	/* what the type id alone tells */
	DIFF_OWN_ID,
	DIFF_OWN_IS_NOT_TYPE1,
	DIFFERENCES,
};

/* The value of a row that must not even be tried on type1. */
#define DIFF_UNDEFINED (-1000000L)

struct difference {
	const char *what;
	const char *why;
	unsigned int until;	/* KERNEL() from which type1 agrees with us */
	long type1;
	long ours;
};

const struct difference *difference_get(enum difference_id id);

/* What @mode must show on the running kernel. */
long expected(const struct mode *mode, enum difference_id id);

#endif
