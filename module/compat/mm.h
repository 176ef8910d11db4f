/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences of <linux/mm.h>: address spaces, vmas and pages. Pins are in gup.h.
 */
#ifndef VIB_COMPAT_MM_H
#define VIB_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/sched/mm.h>

#ifndef CONFIG_MMU_NOTIFIER
#error "this kernel has no MMU notifiers (CONFIG_MMU_NOTIFIER=n), which tell of BARs that go away"
#endif

/* While set, memory that is allocated for current can stay where it is when it is pinned. */
static inline unsigned int vib_compat_pinnable_save(void)
{
#ifdef VIB_HAVE_MEMALLOC_PIN
	return memalloc_pin_save();
#elif defined(VIB_HAVE_MEMALLOC_NOCMA)
	return memalloc_nocma_save();
#else
#error "no way known to allocate memory that can be pinned on this kernel"
#endif
}

static inline void vib_compat_pinnable_restore(unsigned int flags)
{
#ifdef VIB_HAVE_MEMALLOC_PIN
	memalloc_pin_restore(flags);
#else
	memalloc_nocma_restore(flags);
#endif
}

/* The page @n pages after @page in memory. Without a vmemmap the next section's are elsewhere. */
static inline struct page *vib_compat_nth_page(struct page *page, unsigned long n)
{
#if defined(CONFIG_SPARSEMEM) && !defined(CONFIG_SPARSEMEM_VMEMMAP)
	return pfn_to_page(page_to_pfn(page) + n);
#else
	return page + n;
#endif
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

/* Pages of hugetlb memory that are mapped now. */
static inline unsigned long vib_compat_hugetlb_usage(struct mm_struct *mm)
{
#ifdef CONFIG_HUGETLB_PAGE
	return atomic_long_read(&mm->hugetlb_usage);
#else
	return 0;
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

/* The same for an address of current's, without a lock. */
static inline unsigned long vib_compat_untag_own(unsigned long addr)
{
	return untagged_addr(addr);
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

#endif
