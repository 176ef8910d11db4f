/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that nobody has touched is faulted in.
 *
 * Locking: both may sleep and take mmap_lock for read, so none of ours may be held.
 */
#ifndef VIB_POPULATE_H
#define VIB_POPULATE_H

#include <linux/types.h>

struct mm_struct;

/*
 * Faults [vaddr, end) of @mm in, by any thread, on the account of current and of @mm. Return: false
 * if some of it cannot be, or not without danger that it takes for ever; also on a fatal signal.
 */
bool vib_populate(struct mm_struct *mm, u64 vaddr, u64 end);

/* Return: the size of hugetlb's pages at @vaddr, PAGE_SIZE elsewhere; 0 on a fatal signal. */
u64 vib_populate_page_size(struct mm_struct *mm, u64 vaddr);

#endif
