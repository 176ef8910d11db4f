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
 * An entry that may not be written is left to gup.c, as GUP may have to copy the memory first; so
 * is what is not there yet, and memory that has to be moved, for which calls take turns. Of the
 * latter, the entry tells ZONE_MOVABLE, but not CMA: there GUP is asked for the one page out of
 * turn, as for few pages anyway; if it cannot move it, or has, all the rest of the range is left to
 * gup.c.
 */
#include "thp.h"

#include <linux/mm.h>

#include "compat/gup.h"
#include "compat/mm.h"
#include "compat/thp.h"

/* Return: how many pages from pin->vaddr on the same entry would map. */
static u64 rest_of_entry(const struct vib_pin *pin)
{
	return VIB_ENTRY_PAGES - (pin->vaddr >> PAGE_SHIFT & (VIB_ENTRY_PAGES - 1));
}

/* Return: the page at pin->vaddr if it is one of a huge page. @to_pin: and can stay there. */
static u64 entry_pfn(const struct vib_pin *pin, bool to_pin)
{
	return vib_compat_huge_pfn(vib_compat_untag_own((unsigned long)pin->vaddr), to_pin);
}

/* Is @page, which is pinned, of a folio as large as what an entry maps, and is that charged? */
static bool is_whole_folio(struct page *page)
{
	return vib_huge_pages(page) == VIB_ENTRY_PAGES && !PageReserved(page);
}

/*
 * Pins the next @n pages of one huge page, the first of which was @pfn. Return: the first, or NULL
 * with nothing pinned. Sets pin->torn if memory has to be moved, or was.
 */
static struct page *pin_entry(struct vib_pin *pin, u64 pfn, unsigned int n)
{
	unsigned int flags = FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
	struct page *page;
	int got;

	got = pin_user_pages_fast(pin->vaddr, 1, flags, &page);
	if (got == -ENOMEM || (got == 1 && page_to_pfn(page) != pfn))
		pin->torn = U64_MAX;
	if (got != 1)
		return NULL;
	/* The entry is looked at once the pin can be seen by who would change it. */
	smp_mb();
	if (is_whole_folio(page) && entry_pfn(pin, false) == page_to_pfn(page) &&
	    (n == 1 || !vib_compat_add_pins(compound_head(page), n - 1)))
		return page;
	unpin_user_page(page);
	return NULL;
}

long vib_thp_append(struct vib_pin *pin, struct vib_extents *out)
{
	u64 n = min(rest_of_entry(pin), pin->run), flags = VIB_EXT_PINNED;
	u64 pfn = VIB_NO_HUGE_PFN;
	struct page *page = NULL;
	int ret;

	if (!pin->uncharged) {
		n = min(n, pin->credit);
		flags |= VIB_EXT_ACCOUNTED;
	}
	if (n)
		pfn = entry_pfn(pin, true);
	if (pfn != VIB_NO_HUGE_PFN)
		page = pin_entry(pin, pfn, n);
	if (!page) {
		pin->torn = max(pin->torn, pin->vaddr + (rest_of_entry(pin) << PAGE_SHIFT));
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
	if (!(ext & VIB_EXT_PINNED) || entry_pfn(pin, false) != vib_ext_pfn(ext))
		return 0;
	/* A larger page of hugetlb has one pin, so it is compared as a whole. */
	if (ext & VIB_EXT_HUGE && vib_huge_pages(pfn_to_page(vib_ext_pfn(ext))) != VIB_ENTRY_PAGES)
		return 0;
	return min(rest_of_entry(pin), vib_ext_pages(ext));
}
