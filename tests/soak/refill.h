/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another owner for freed pages: takes memory, fills it with a pattern, and
 * tells later whether anything else wrote there. Which physical pages it got
 * is read from /proc/self/pagemap (root), so a test knows that it really holds
 * the pages it asks about.
 */
#ifndef VIB_SOAK_REFILL_H
#define VIB_SOAK_REFILL_H

#include <linux/types.h>
#include <stddef.h>

enum { REFILL_CHUNK = 4 << 20, REFILL_MAX = 64 };

struct refill {
	char *chunk[REFILL_MAX];
	unsigned int nr;
};

/* Physical page number behind @at in this process, 0 if there is none. */
__u64 pfn_of(const void *at);

/*
 * Takes chunks until it holds all of the @n pages @pfn, or @max chunks; how
 * many of the pages it has got.
 */
unsigned int refill_take(struct refill *refill, const __u64 *pfn,
			 unsigned int n, unsigned int max);

/* Pages with something other than the pattern. */
unsigned int refill_damaged(const struct refill *refill);

void refill_drop(struct refill *refill);

/* The same for memory that somebody else owns. */
void refill_fill(char *mem, size_t size);
unsigned int refill_damaged_in(const char *mem, size_t size);

#endif
