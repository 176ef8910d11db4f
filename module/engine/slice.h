/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Slices: what of a list of mappings is unfilled between two syncs.
 *
 * A slice may be thousands of small mappings or a part of a large one. It holds at most 131,072
 * page-table entries, roughly, which bounds the time under domains_rwsem, and 16 GiB, which bounds
 * what one flush holds back (and the rest of the extent that one ends in).
 *
 * Locking: domains_rwsem is held for read by vib_slice_cut(); the list is the caller's.
 */
#ifndef VIB_SLICE_H
#define VIB_SLICE_H

#include "mapping.h"

struct vib_ioas;
struct vib_range;

/**
 * struct vib_slice - consecutive extents of the mappings of a list
 * @list: the mappings, in the order of their IOVA
 * @map: the first one
 * @first: index of its first extent in the slice
 * @iova: IOVA of that extent
 * @last: the last mapping
 * @end: index behind its last extent in the slice
 * @stop: IOVA behind that extent
 * @size: bytes of the mappings that end with the slice
 * @mappings: how many these are
 * @flags: VIB_F_*, of any of the mappings and of the one behind
 */
struct vib_slice {
	struct list_head *list;
	struct vib_mapping *map;
	u32 first;
	u64 iova;
	struct vib_mapping *last;
	u32 end;
	u64 stop;
	u64 size;
	unsigned long mappings;
	u16 flags;
};

/* Index of the first extent of @map that belongs to the slice; @map has some in it. */
static inline u32 vib_slice_first(const struct vib_slice *slice, const struct vib_mapping *map)
{
	return map == slice->map ? slice->first : 0;
}

/* Starts in front of the first slice of @list, which is not empty. */
void vib_slice_begin(struct vib_slice *slice, struct list_head *list);

/*
 * Takes in what fits from slice->map on, at least one extent if that has any, and moves @first of
 * each mapping behind it: the caller unfills the slice next, with domains_rwsem still held.
 */
void vib_slice_cut(struct vib_slice *slice);

/*
 * Takes the slice out of every domain and flushes these (slice_unfill.c). Extends @stuck by what
 * drivers did not take out. Return: the number of flushes. domains_rwsem is held for read.
 */
unsigned int vib_slice_unfill(struct vib_ioas *ioas, const struct vib_slice *slice,
			      struct vib_range *stuck);

/* Moves behind the slice. Return: false at the end of the list. */
bool vib_slice_next(struct vib_slice *slice);

#endif
