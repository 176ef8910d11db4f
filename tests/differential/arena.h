/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory a container's mappings point at: one stretch of addresses with a
 * region of each kind in it. Two arenas have the same layout and nothing in
 * common, so what the kernel does to one is not seen in the other, and the same
 * operation means the same in both.
 *
 * Pages that a device may write begin with a stamp that tells their place.
 */
#ifndef VIB_DIFF_ARENA_H
#define VIB_DIFF_ARENA_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

enum region_id {
	REGION_SMALL,		/* 4 KiB pages, touched */
	REGION_THP,
	REGION_MEMFD,
	REGION_READONLY,	/* touched, then without PROT_WRITE */
	REGION_SPONGE,		/* every eighth page is not there */
	REGION_NONE,		/* PROT_NONE */
	REGION_ZERO,		/* never written by the process */
	REGION_BAR,		/* a device's */
	REGIONS,
};

struct region {
	const char *name;
	__u64 offset;
	__u64 size;
	bool stamped;
};

struct arena {
	char *base;		/* NULL: not there */
};

extern const struct region arena_regions[REGIONS];

/* 0 or -errno. The BAR's region is empty until arena_put_bar(). */
int arena_open(struct arena *arena);
void arena_close(struct arena *arena);

/* Maps BAR 0 of the open VFIO device at its place. */
int arena_put_bar(struct arena *arena, int device);

/* The region that [offset, offset + size) lies in, or NULL. */
const struct region *arena_region(__u64 offset, __u64 size);

/* "small+0x3000" */
void arena_describe(__u64 offset, char *text, size_t size);

/* Drops what a refused map has populated of the region that nobody writes. */
void arena_untouch(struct arena *arena);

/* Drops the pages in the range, if it is one where that is of interest. */
void arena_zap(struct arena *arena, __u64 offset, __u64 size);

/*
 * Restores the stamps. The offsets of pages that had none go to @found, @max at
 * most: how many there were.
 */
unsigned int arena_restamp(struct arena *arena, __u64 *found,
			   unsigned int max);

#endif
