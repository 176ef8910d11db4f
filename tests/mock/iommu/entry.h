/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An entry of the mock IOMMU's page table.
 */
#ifndef MOCK_ENTRY_H
#define MOCK_ENTRY_H

#include <linux/iommu.h>
#include <linux/xarray.h>

#include "state.h"

/* An entry: is it translated, log2 of its page size in 4 KiB pages, access, frame number. */
enum {
	ENTRY_MAPPED = 1,
	ENTRY_ORDER_SHIFT = 1,
	ENTRY_ORDER_MASK = 0x3f,
	ENTRY_PROT_SHIFT = 7,
	ENTRY_PROT_MASK = IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE,
	ENTRY_PFN_SHIFT = 10,
};

static inline void *make_entry(unsigned long pfn, unsigned int order, int prot)
{
	return xa_mk_value(pfn << ENTRY_PFN_SHIFT | (prot & ENTRY_PROT_MASK) << ENTRY_PROT_SHIFT |
			   order << ENTRY_ORDER_SHIFT | ENTRY_MAPPED);
}

static inline bool is_mapped(const void *entry)
{
	return entry && xa_to_value(entry) & ENTRY_MAPPED;
}

static inline unsigned long entry_pages(const void *entry)
{
	return 1UL << (xa_to_value(entry) >> ENTRY_ORDER_SHIFT & ENTRY_ORDER_MASK);
}

/* Return: how many 4 KiB pages an entry stands for, of a page of so many. */
static inline unsigned long entry_step(unsigned long nr)
{
	return mock.coarse ? nr : 1;
}

static inline unsigned int entry_prot(const void *entry)
{
	return xa_to_value(entry) >> ENTRY_PROT_SHIFT & ENTRY_PROT_MASK;
}

static inline unsigned long entry_pfn(const void *entry)
{
	return xa_to_value(entry) >> ENTRY_PFN_SHIFT;
}

#endif
