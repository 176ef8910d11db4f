/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs of contiguous pages among those that GUP pinned. Reading a struct page costs a cold line of
 * 64 bytes for each 4 KiB, so of a large folio two or three are read, and of small ones each.
 */
#ifndef VIB_RUN_H
#define VIB_RUN_H

#include <linux/mm.h>

#include "compat/mm.h"

enum {
	VIB_FOLIO_STEP = 8,		/* pages of a folio that are looked at in one go */
	VIB_FOLIO_MIN = 16,		/* smaller ones are looked at page by page */
};

/* Do VIB_FOLIO_STEP pages follow one another from @page on? */
static __always_inline bool vib_step_follows(struct page **at, struct page *page)
{
	return at[0] == page && at[1] == page + 1 && at[2] == page + 2 && at[3] == page + 3 &&
	       at[4] == page + 4 && at[5] == page + 5 && at[6] == page + 6 && at[7] == page + 7;
}

/* Return: how many of the @nr pages from pages[0] on are contiguous; @nr is not 0. */
static __always_inline unsigned int vib_count_following(struct page **pages, unsigned int nr)
{
	struct page **at = pages, **steps = pages + round_down(nr, VIB_FOLIO_STEP);
	struct page *page = pages[0];

	while (at != steps && vib_step_follows(at, page)) {
		at += VIB_FOLIO_STEP;
		page += VIB_FOLIO_STEP;
	}
	while (at != pages + nr && *at == page) {
		at++;
		page++;
	}
	return at - pages;
}

/* Return: pages of the folio of @page from there on; 0 for a small folio. */
static inline unsigned long vib_folio_rest(struct page *page)
{
	struct page *head = compound_head(page);
	unsigned long nr;

	if (!PageCompound(page))
		return 0;
	nr = compound_nr(head);
	return nr < VIB_FOLIO_MIN ? 0 : nr - (page_to_pfn(page) - page_to_pfn(head));
}

/*
 * Return: how many pages from pages[0] on are contiguous, and all reserved or all not. The loop is
 * the hottest of the module: the NULL behind the last page saves a bounds check, and the reserved
 * bits, rarely set, are collected and checked afterwards.
 */
static inline unsigned int vib_run_length(struct page **pages, bool reserved)
{
	unsigned long reserved_bit = BIT(PG_reserved), seen = 0;
	struct page **at = pages;
	struct page *page = pages[0];

	if (likely(!reserved)) {
		while (*++at == ++page)
			seen |= vib_compat_page_flags(page);
		if (likely(!(seen & reserved_bit)))
			return at - pages;
		at = pages;
		page = pages[0];
	}
	while (*++at == ++page && PageReserved(page) == reserved)
		;
	return at - pages;
}

/*
 * The same for @nr pages that begin with a large folio: a large one is reserved as a whole or not,
 * and its end ends the run. Of the struct pages it reads the first one and two of the folio: the
 * pointers tell the rest, as GUP holds the folio together.
 */
static inline unsigned int vib_folio_run_length(struct page **pages, unsigned int nr, bool reserved)
{
	unsigned long rest = vib_folio_rest(pages[0]);

	if (!rest)
		return vib_run_length(pages, reserved);
	return vib_count_following(pages, min_t(unsigned long, rest, nr));
}

#endif
