/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/mm.h>: how to see which pages are there now, and of what kind they are.
 */
#ifndef VIB_COMPAT_PRESENT_H
#define VIB_COMPAT_PRESENT_H

#include <linux/hugetlb.h>

#include "mm.h"

/*
 * Is it a page of anonymous memory, shmem or hugetlb? v6.12 (32f51ead3d7e) made folios of the
 * flags.
 */
static inline bool vib_compat_swap_backed(struct page *page)
{
#ifdef VIB_HAVE_PAGE_SWAP_BACKED
	return PageSwapBacked(compound_head(page)) || PageHuge(page);
#elif defined(VIB_HAVE_FOLIO_SWAP_BACKED)
	return folio_test_swapbacked(page_folio(page)) || folio_test_hugetlb(page_folio(page));
#else
#error "no way known to tell anonymous memory from that of files on this kernel"
#endif
}

/* Is it a page of anonymous memory? */
static inline bool vib_compat_page_anon(struct page *page)
{
#ifdef VIB_HAVE_PAGE_SWAP_BACKED
	return PageAnon(compound_head(page));
#else
	return folio_test_anon(page_folio(page));
#endif
}

/*
 * Takes a reference to each page that current has there now. Never faults, sleeps or takes a lock.
 * Return: how many.
 */
static inline int vib_compat_get_present(unsigned long start, int npages, bool write,
					 struct page **pages)
{
#ifdef VIB_HAVE_GUP_FAST_ONLY
	return get_user_pages_fast_only(start, npages, write ? FOLL_WRITE : 0, pages);
#else
#error "no way known to look at a page without faulting on this kernel"
#endif
}

#endif
