/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/mm.h>: how to pin another task's pages, and how to read the PFN behind an
 * address of a PFNMAP vma.
 */
#ifndef VIB_COMPAT_MM_H
#define VIB_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/sched/mm.h>

#ifndef CONFIG_MMU_NOTIFIER
#error "this kernel has no MMU notifiers (CONFIG_MMU_NOTIFIER=n), which tell of BARs that go away"
#endif

typedef long (*vib_pin_remote_fn)(struct mm_struct *, unsigned long, unsigned long, unsigned int,
				  struct page **, int *);
typedef long (*vib_pin_remote_vmas_fn)(struct mm_struct *, unsigned long, unsigned long,
				       unsigned int, struct page **, struct vm_area_struct **,
				       int *);

/* v6.5 (0b295316b3a9) dropped the vmas argument. Caller holds mmap_lock for read and keeps it. */
static inline long vib_compat_pin_remote(struct mm_struct *mm, unsigned long start,
					 unsigned long npages, unsigned int flags,
					 struct page **pages)
{
	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(pin_user_pages_remote, vib_pin_remote_fn) &&
			 !VIB_IS_TYPE(pin_user_pages_remote, vib_pin_remote_vmas_fn),
			 "pin_user_pages_remote() has a signature that this module does not know");
	if (VIB_IS_TYPE(pin_user_pages_remote, vib_pin_remote_fn))
		return VIB_AS_TYPE(pin_user_pages_remote, vib_pin_remote_fn)(mm, start, npages,
									     flags, pages, NULL);
	return VIB_AS_TYPE(pin_user_pages_remote, vib_pin_remote_vmas_fn)(mm, start, npages, flags,
									  pages, NULL, NULL);
}

/*
 * Faults pages in without taking a reference. Return: how many are there, or an errno. The same
 * change of signature; mmap_lock is held for read and kept.
 */
static inline long vib_compat_populate(struct mm_struct *mm, unsigned long start,
				       unsigned long npages, unsigned int flags)
{
	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(get_user_pages_remote, vib_pin_remote_fn) &&
			 !VIB_IS_TYPE(get_user_pages_remote, vib_pin_remote_vmas_fn),
			 "get_user_pages_remote() has a signature that this module does not know");
	if (VIB_IS_TYPE(get_user_pages_remote, vib_pin_remote_fn))
		return VIB_AS_TYPE(get_user_pages_remote, vib_pin_remote_fn)(mm, start, npages,
									     flags, NULL, NULL);
	return VIB_AS_TYPE(get_user_pages_remote, vib_pin_remote_vmas_fn)(mm, start, npages, flags,
									  NULL, NULL, NULL);
}

/* Has current a memory policy of its own? */
static inline bool vib_compat_has_mempolicy(void)
{
#ifdef CONFIG_NUMA
	return current->mempolicy;
#else
	return false;
#endif
}

/* v6.4 (428e106ae1ad): tags are stripped by the rules of the mm asked about. mmap_lock is held. */
static inline unsigned long vib_compat_untag(struct mm_struct *mm, unsigned long addr)
{
#ifdef untagged_addr_remote
	return untagged_addr_remote(mm, addr);
#elif defined(VIB_HAVE_UNTAG_CURRENT)
	return untagged_addr(addr);
#else
#error "no way known to take the tag off another task's address on this kernel"
#endif
}

static inline struct vm_area_struct *vib_compat_vma_lookup(struct mm_struct *mm, unsigned long addr)
{
#ifdef VIB_HAVE_VMA_LOOKUP
	return vma_lookup(mm, addr);
#elif defined(VIB_HAVE_VMA_INTERSECTION)
	return find_vma_intersection(mm, addr, addr + 1);
#else
#error "no way known to find the vma of an address on this kernel"
#endif
}

/* The flag word; v6.18 made a structure of it. */
static inline unsigned long vib_compat_page_flags(const struct page *page)
{
#ifdef VIB_HAVE_MEMDESC_FLAGS
	return page->flags.f;
#elif defined(VIB_HAVE_PAGE_FLAGS)
	return page->flags;
#else
#error "the flags of struct page have a shape that this module does not know"
#endif
}

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

/* Drops the pins of @npages physically contiguous pages. */
static inline void vib_compat_unpin_range(struct page *page, unsigned long npages, bool dirty)
{
#ifdef VIB_HAVE_UNPIN_RANGE
	unpin_user_page_range_dirty_lock(page, npages, dirty);
#elif defined(VIB_HAVE_UNPIN_PAGES)
	struct page *batch[64];
	unsigned long i, n;

	for (; npages; npages -= n, page += n) {
		n = min_t(unsigned long, npages, ARRAY_SIZE(batch));
		for (i = 0; i < n; i++)
			batch[i] = page + i;
		unpin_user_pages_dirty_lock(batch, n, dirty);
	}
#else
#error "no way known to unpin pages on this kernel"
#endif
}

#endif
