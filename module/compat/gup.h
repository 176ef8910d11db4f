/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/mm.h>: how to pin pages, to fault in another task's, and to drop pins.
 */
#ifndef VIB_COMPAT_GUP_H
#define VIB_COMPAT_GUP_H

#include <linux/mm.h>

#include "mm.h"

typedef long (*vib_pin_remote_fn)(struct mm_struct *, unsigned long, unsigned long, unsigned int,
				  struct page **, int *);
typedef long (*vib_pin_remote_vmas_fn)(struct mm_struct *, unsigned long, unsigned long,
				       unsigned int, struct page **, struct vm_area_struct **,
				       int *);

/* Calls a function of GUP for another task; v6.5 (0b295316b3a9) dropped the vmas argument. */
#define VIB_GUP_REMOTE(fn, mm, start, npages, flags, pages) ({					\
	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(fn, vib_pin_remote_fn) &&					\
			 !VIB_IS_TYPE(fn, vib_pin_remote_vmas_fn),				\
			 #fn "() has a signature that this module does not know");		\
	VIB_IS_TYPE(fn, vib_pin_remote_fn) ?							\
	VIB_AS_TYPE(fn, vib_pin_remote_fn)(mm, start, npages, flags, pages, NULL) :		\
	VIB_AS_TYPE(fn, vib_pin_remote_vmas_fn)(mm, start, npages, flags, pages, NULL, NULL);	\
})

/* mmap_lock is held for read, and kept. */
static inline long vib_compat_pin_remote(struct mm_struct *mm, unsigned long start,
					 unsigned long npages, unsigned int flags,
					 struct page **pages)
{
	return VIB_GUP_REMOTE(pin_user_pages_remote, mm, start, npages, flags, pages);
}

/*
 * Pins the pages that current has there now. Never faults, sleeps or takes a lock. Return: how
 * many; always 0 on kernels that have no such call for modules.
 */
static inline int vib_compat_pin_present(unsigned long start, int npages, unsigned int flags,
					 struct page **pages)
{
#ifdef VIB_HAVE_PIN_FAST_ONLY
	return pin_user_pages_fast_only(start, npages, flags, pages);
#else
	return 0;
#endif
}

/*
 * Faults pages in without taking a reference. Return: how many are there, or an errno. mmap_lock is
 * held for read, and kept.
 */
static inline long vib_compat_populate(struct mm_struct *mm, unsigned long start,
				       unsigned long npages, unsigned int flags)
{
	return VIB_GUP_REMOTE(get_user_pages_remote, mm, start, npages, flags, NULL);
}

/* Drops a pin of each page of a list. */
static inline void vib_compat_unpin_list(struct page **pages, unsigned long n, bool dirty)
{
#ifdef VIB_HAVE_UNPIN_PAGES
	unpin_user_pages_dirty_lock(pages, n, dirty);
#else
#error "no way known to unpin pages on this kernel"
#endif
}

/* Drops the pins of @npages physically contiguous pages. */
static inline void vib_compat_unpin_range(struct page *page, unsigned long npages, bool dirty)
{
#ifdef VIB_HAVE_UNPIN_RANGE
	unpin_user_page_range_dirty_lock(page, npages, dirty);
#else
	struct page *batch[64];
	unsigned long i, n, at = 0;

	for (; npages; npages -= n, at += n) {
		n = min_t(unsigned long, npages, ARRAY_SIZE(batch));
		for (i = 0; i < n; i++)
			batch[i] = vib_compat_nth_page(page, at + i);
		vib_compat_unpin_list(batch, n, dirty);
	}
#endif
}

#endif
