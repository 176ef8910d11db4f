/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/mm.h>: how to read the PFN behind an address of a PFNMAP vma.
 */
#ifndef VIB_COMPAT_PFNMAP_H
#define VIB_COMPAT_PFNMAP_H

#include <linux/mm.h>

/**
 * struct vib_pfnmap - what stands behind one address of a PFNMAP vma
 * @pfn: the PFN of that address
 * @writable: may it be written
 * @pages: how many pages from the address on are known to be contiguous, at least 1
 */
struct vib_pfnmap {
	unsigned long pfn;
	bool writable;
	unsigned long pages;
};

#if defined(VIB_HAVE_FOLLOW_PFNMAP)
/* Reads the page table; -EINVAL where nothing is mapped. mmap_lock is held for read. */
static inline int vib_compat_follow_pfnmap(struct vm_area_struct *vma, unsigned long addr,
					   struct vib_pfnmap *out)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	out->pfn = args.pfn;
	out->writable = args.writable;
#ifdef VIB_HAVE_PFNMAP_MASK
	out->pages = ((~args.addr_mask) + 1 - (addr & ~args.addr_mask)) >> PAGE_SHIFT;
#elif defined(VIB_HAVE_PFNMAP_NO_MASK)
	out->pages = 1;
#else
#error "struct follow_pfnmap_args has a shape that this module does not know"
#endif
	follow_pfnmap_end(&args);
	return 0;
}
#elif defined(VIB_HAVE_FOLLOW_PTE)
typedef int (*vib_follow_pte_mm_fn)(struct mm_struct *, unsigned long, pte_t **, spinlock_t **);
typedef int (*vib_follow_pte_vma_fn)(struct vm_area_struct *, unsigned long, pte_t **,
				     spinlock_t **);

static inline int vib_compat_follow_pfnmap(struct vm_area_struct *vma, unsigned long addr,
					   struct vib_pfnmap *out)
{
	spinlock_t *ptl;
	pte_t *pte;
	int ret;

	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(follow_pte, vib_follow_pte_mm_fn) &&
			 !VIB_IS_TYPE(follow_pte, vib_follow_pte_vma_fn),
			 "follow_pte() has a signature that this module does not know");
	if (VIB_IS_TYPE(follow_pte, vib_follow_pte_vma_fn))
		ret = VIB_AS_TYPE(follow_pte, vib_follow_pte_vma_fn)(vma, addr, &pte, &ptl);
	else
		ret = VIB_AS_TYPE(follow_pte, vib_follow_pte_mm_fn)(vma->vm_mm, addr, &pte, &ptl);
	if (ret)
		return ret;
	/* follow_pte() returned with the page table locked, without telling sparse. */
	__acquire(ptl);
	out->pfn = pte_pfn(*pte);
	out->writable = pte_write(*pte);
	out->pages = 1;
	pte_unmap_unlock(pte, ptl);
	return 0;
}
#else
#error "no way known to read a PFNMAP page table entry on this kernel"
#endif

#endif
