// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins transparent huge pages with one call of GUP each. Reads current's page table. Charges
 * nothing.
 *
 * Of a huge page that one entry maps, GUP itself, on every kernel, looks at that entry alone: it
 * adds to the counts of the folio as many pins as it was asked for, and writes a pointer for each
 * page, which is what it costs. So it is asked for one page, and decides about that whatever there
 * is to decide: whether the memory may be written, has to be copied first because of a fork, or
 * moved, and whether a file's pages may be pinned at all. That is the same for all of a folio.
 * While the page is pinned, its folio is neither split, freed nor moved. So if the entry is read
 * then, maps the folio as a whole, and for writing, all its pages are where GUP would have found
 * them in that moment, and the folio gets the other pins.
 *
 * Pins of a folio are counted, not told apart by page, and each page of the range has one, as with
 * GUP. So nothing else here knows of huge pages: what becomes of the entry, of parts of the memory,
 * or of parts of the pins, is the same.
 *
 * An entry that may not be written is left to GUP, which may have to copy the memory first; so is
 * memory that has to be moved, for which calls take turns (gup.c), and what is not there yet.
 */
#include "thp.h"

#include <linux/mm.h>

#include "compat/mm.h"
#include "compat/thp.h"

enum {
	PAGES = PMD_SIZE >> PAGE_SHIFT,
};

/* Return: how many pages from pin->vaddr on the same entry would map. */
static u64 rest_of_entry(const struct vib_pin *pin)
{
	return PAGES - (pin->vaddr >> PAGE_SHIFT & (PAGES - 1));
}

static unsigned long entry_pfn(const struct vib_pin *pin)
{
	return vib_compat_huge_pfn(untagged_addr((unsigned long)pin->vaddr));
}

/* Is there a huge page that can stay where it is? */
static bool is_huge_here(const struct vib_pin *pin)
{
	unsigned long pfn = entry_pfn(pin);

	return pfn && pfn_valid(pfn) && page_zonenum(pfn_to_page(pfn)) != ZONE_MOVABLE;
}

/* Is @page, which is pinned, of a folio as large as what an entry maps, and is that charged? */
static bool is_whole_folio(struct page *page)
{
	return vib_huge_pages(page) == PAGES && !PageReserved(page);
}

/* Pins the next @n pages of one huge page. Return: the first, or NULL with nothing pinned. */
static struct page *pin_entry(struct vib_pin *pin, unsigned int n)
{
	unsigned int flags = FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
	struct page *page;

	if (pin_user_pages_fast(pin->vaddr, 1, flags, &page) != 1)
		return NULL;
	/* The entry is looked at once the pin can be seen by who would change it. */
	smp_mb();
	if (is_whole_folio(page) && entry_pfn(pin) == page_to_pfn(page) &&
	    (n == 1 || !vib_compat_add_pins(compound_head(page), n - 1)))
		return page;
	unpin_user_page(page);
	return NULL;
}

long vib_thp_append(struct vib_pin *pin, struct vib_extents *out)
{
	u64 n = min(rest_of_entry(pin), pin->run), flags = VIB_EXT_PINNED;
	struct page *page = NULL;
	int ret;

	if (!pin->uncharged) {
		n = min(n, pin->credit);
		flags |= VIB_EXT_ACCOUNTED;
	}
	if (n && is_huge_here(pin))
		page = pin_entry(pin, n);
	if (!page) {
		pin->torn = pin->vaddr + (rest_of_entry(pin) << PAGE_SHIFT);
		return 0;
	}
	ret = vib_extents_append(out, page_to_pfn(page), n, flags);
	if (WARN_ON_ONCE(ret)) {
		vib_compat_unpin_range(page, n, false);
		return ret;
	}
	if (!pin->uncharged) {
		pin->credit -= n;
		pin->accounted += n;
	}
	return n;
}

u64 vib_thp_same(const struct vib_pin *pin, u64 ext)
{
	if (!(ext & VIB_EXT_PINNED) || entry_pfn(pin) != vib_ext_pfn(ext))
		return 0;
	/* A larger page of hugetlb has one pin, so it is compared as a whole. */
	if (ext & VIB_EXT_HUGE && vib_huge_pages(pfn_to_page(vib_ext_pfn(ext))) != PAGES)
		return 0;
	return min(rest_of_entry(pin), vib_ext_pages(ext));
}
