/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of the IOMMU API that the mock sees broken. It counts and carries on.
 */
#ifndef MOCK_ERRORS_H
#define MOCK_ERRORS_H

/* What a user of the IOMMU API did wrong. */
enum mock_error {
	MOCK_E_UNMAP_UNMAPPED,	/* unmap of what was never mapped */
	MOCK_E_UNMAP_SPLIT,	/* unmap of a part of a larger page */
	MOCK_E_UNMAP_ATTACHING,	/* unmap while a device comes: a driver may free levels */
	MOCK_E_UNMAP_BACKWARDS,	/* unmap below the one before it, with no flush between */
	MOCK_E_MAP_TWICE,	/* map over a translation */
	MOCK_E_MAP_UNFLUSHED,	/* map over one that is gone but not flushed */
	MOCK_E_MAP_OUTSIDE,	/* map outside the aperture */
	MOCK_E_MAP_BESIDE,	/* map beside one that needs a further level of the page table */
	MOCK_E_MAP_UNPINNED,	/* map of a page that nobody keeps */
	MOCK_E_MAP_UNCACHED,	/* map without IOMMU_CACHE */
	MOCK_E_FREE_ATTACHED,	/* domain freed under a device */
	MOCK_E_FLUSH_PGSIZE,	/* flush of entries of another page size than it says */
	MOCK_E_TABLE_UNFLUSHED,	/* page table freed before the flush that covers it */
	MOCK_E_TABLE_LEAKED,	/* page table not freed when its domain is */
	MOCK_E_PAGE_UNFLUSHED,	/* page let go before the flush that covers it */
	MOCK_E_PAGE_TRANSLATED,	/* page let go while a domain translates to it */
	MOCK_E_FOREIGN_OPS,	/* attach to a domain of other operations */
	MOCK_E_UNLIKE_LIVE,	/* first attach of an unlike instance to a filled domain */
	MOCK_ERRORS,
};

/* Counts. mock_lock is held. */
void mock_wrong(enum mock_error error);

#endif
