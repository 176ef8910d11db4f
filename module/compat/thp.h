/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a huge page stands in current's page table, and how its pins are counted.
 */
#ifndef VIB_COMPAT_THP_H
#define VIB_COMPAT_THP_H

#include <linux/mm.h>
#include <linux/vmstat.h>

/*
 * Where interrupts that are off on one CPU keep page tables from being freed, as that waits for an
 * interrupt of each CPU that uses them, or for RCU: GUP itself relies on it. x86-64 and arm64 are
 * such, and have no other shapes of huge pages than are looked for here. On any other kernel, and
 * on a later one that differs from those known in a fact below, such memory is pinned page by page.
 */
#if defined(CONFIG_TRANSPARENT_HUGEPAGE) && (defined(CONFIG_X86_64) || defined(CONFIG_ARM64)) && \
	(defined(CONFIG_HAVE_GUP_FAST) || defined(CONFIG_HAVE_FAST_GUP)) && \
	defined(VIB_HAVE_WALK_IRQS_OFF) && defined(VIB_HAVE_LOCKLESS_WALK) && \
	((defined(VIB_HAVE_ADD_PINS) && defined(VIB_HAVE_ADD_PINS_FOLIO)) || \
	 defined(VIB_HAVE_FOLIO_PINCOUNT) || defined(VIB_HAVE_COMPOUND_PINCOUNT))
#define VIB_READS_PAGE_TABLE 1
#else
#define VIB_READS_PAGE_TABLE 0
#endif

/* No entry has such a PFN. */
#define VIB_NO_HUGE_PFN U64_MAX

#if VIB_READS_PAGE_TABLE

enum {
	VIB_ENTRY_PAGES = PMD_SIZE >> PAGE_SHIFT,
};

/* The entry for @addr that is the one of a huge page, or points to a table. Interrupts are off. */
static inline pmd_t vib_compat_read_pmd(unsigned long addr)
{
	pgd_t *pgdp = pgd_offset(current->mm, addr), pgd = READ_ONCE(*pgdp);
	p4d_t *p4dp, p4d;
	pud_t *pudp, pud;

	if (pgd_none(pgd))
		return __pmd(0);
	p4dp = p4d_offset_lockless(pgdp, pgd, addr);
	p4d = READ_ONCE(*p4dp);
	if (p4d_none(p4d))
		return __pmd(0);
	pudp = pud_offset_lockless(p4dp, p4d, addr);
	pud = READ_ONCE(*pudp);
	if (!pud_present(pud) || pud_leaf(pud))
		return __pmd(0);
	return READ_ONCE(*pmd_offset_lockless(pudp, pud, addr));
}

/*
 * Can memory that an entry maps be pinned for long where it is? There may be none, but device
 * memory. A struct page stays while interrupts are off, as GUP itself relies on. CMA cannot be told
 * here.
 */
static inline bool vib_compat_can_stay(pmd_t pmd)
{
	return pfn_valid(pmd_pfn(pmd)) && page_zonenum(pmd_page(pmd)) != ZONE_MOVABLE;
}

/*
 * Return: the PFN at @addr if one entry of current's page table maps a huge page there that current
 * may write: what GUP, asked to pin for writing without a lock, asks of such an entry, apart from
 * what kind of memory it is, which GUP or the pin has decided. Otherwise VIB_NO_HUGE_PFN. With
 * @to_pin, only if the page can stay where it is.
 */
static inline u64 vib_compat_huge_pfn(unsigned long addr, bool to_pin)
{
	u64 pfn = VIB_NO_HUGE_PFN;
	unsigned long irq;
	pmd_t pmd;

	if (addr >= current->mm->task_size)
		return VIB_NO_HUGE_PFN;
	local_irq_save(irq);
	pmd = vib_compat_read_pmd(addr);
	if (pmd_present(pmd) && pmd_trans_huge(pmd) && pmd_access_permitted(pmd, true) &&
	    (!to_pin || vib_compat_can_stay(pmd)))
		pfn = pmd_pfn(pmd) + ((addr & ~PMD_MASK) >> PAGE_SHIFT);
	local_irq_restore(irq);
	return pfn;
}

/*
 * Adds @n pins to a large folio (of more than two pages) that GUP has pinned for the caller; they
 * are undone as GUP's. Up to v6.12 no function of the kernel does it. Return: 0 or an errno.
 */
static inline int vib_compat_add_pins(struct page *head, unsigned int n)
{
#if defined(VIB_HAVE_ADD_PINS) && defined(VIB_HAVE_ADD_PINS_FOLIO)
	return folio_add_pins(page_folio(head), n);
#else
#if defined(VIB_HAVE_FOLIO_PINCOUNT)
	atomic_t *pins = &page_folio(head)->_pincount;
#else
	atomic_t *pins = compound_pincount_ptr(head);
#endif
	page_ref_add(head, n);
	atomic_add(n, pins);
	mod_node_page_state(page_pgdat(head), NR_FOLL_PIN_ACQUIRED, n);
	return 0;
#endif
}

#else

enum {
	VIB_ENTRY_PAGES = 1,
};

static inline u64 vib_compat_huge_pfn(unsigned long addr, bool to_pin)
{
	return VIB_NO_HUGE_PFN;
}

static inline int vib_compat_add_pins(struct page *head, unsigned int n)
{
	return -EOPNOTSUPP;
}

#endif
#endif
