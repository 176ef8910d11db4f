// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of a list of mappings goes in one slice. Knows nothing of domains and pins. Invariant:
 * every extent of the list is in exactly one slice, in the order of its IOVA.
 */
#include "slice.h"

#include <linux/mm.h>

enum {
	/* 16 GiB of pages of 4 KiB. */
	SLICE_PAGES = 1 << 22,
	/* 512 MiB of scattered 4 KiB pages, each of which takes a driver call. */
	SLICE_ENTRIES = SZ_512M >> PAGE_SHIFT,
	/* Pages that an entry counts for. */
	ENTRY_PAGES = SLICE_PAGES / SLICE_ENTRIES,
	/*
	 * An extent counts for at most this many entries: between its first and last 2 MiB, entries
	 * are large ones or, if IOVA and PFN are not aligned alike, consecutive small ones, which
	 * cost little.
	 */
	EXTENT_ENTRIES = 2 * (SZ_2M >> PAGE_SHIFT),
};

/* An extent's share of SLICE_PAGES: its pages, or more if it has many page table entries. */
static s64 cost_of(u64 pages, u64 most_entries)
{
	if (pages <= most_entries)
		return ENTRY_PAGES * pages;
	return max(pages, ENTRY_PAGES * most_entries);
}

/* Takes extents from @first on while any of @left is there. Return: the index behind the last. */
static u32 cut_part(struct vib_mapping *map, u32 first, s64 *left)
{
	u64 most = map->flags & VIB_F_PAGEWISE ? VIB_EXT_PAGES_MAX : EXTENT_ENTRIES;
	struct vib_stretch st;
	u32 i;

	vib_for_each_stretch(&st, &map->extents, first, map->extents.nr) {
		for (i = 0; i < st.nr && *left > 0; i++)
			*left -= cost_of(vib_ext_pages(st.words[i]), most);
		first += i;
		if (*left <= 0)
			break;
	}
	return first;
}

/* An upper bound of the cost of all extents, without looking at each. */
static __always_inline s64 cost_at_most(const struct vib_mapping *map)
{
	u64 pages = vib_span_size(&map->span) >> PAGE_SHIFT;

	if (pages > EXTENT_ENTRIES && !(map->flags & VIB_F_PAGEWISE))
		return cost_of(pages, (u64)map->extents.nr * EXTENT_ENTRIES);
	return cost_of(pages, pages);
}

/* cut_part() from the first extent on; the extents of a mapping that fits are not looked at. */
static __always_inline u32 cut_mapping(struct vib_mapping *map, s64 *left)
{
	s64 cost = cost_at_most(map);

	if (cost > *left)
		return cut_part(map, 0, left);
	*left -= cost;
	return map->extents.nr;
}

static u64 extents_size(struct vib_mapping *map, u32 first, u32 end)
{
	return vib_extents_pages_in(&map->extents, first, end) << PAGE_SHIFT;
}

/* Return: the IOVA behind the slice. Extents cover less than the span only after a failed map. */
static u64 stop_of(const struct vib_slice *slice)
{
	struct vib_mapping *last = slice->last;
	u64 start = last == slice->map ? slice->iova : last->span.start;

	if (slice->end == last->extents.nr && !(last->flags & VIB_F_PARTIAL))
		return last->span.last + 1;
	return start + extents_size(last, vib_slice_first(slice, last), slice->end);
}

void vib_slice_begin(struct vib_slice *slice, struct list_head *list)
{
	slice->list = list;
	slice->map = list_first_entry(list, struct vib_mapping, node);
	slice->first = 0;
	slice->iova = slice->map->span.start;
}

void vib_slice_cut(struct vib_slice *slice)
{
	struct vib_mapping *map = slice->map;
	s64 left = SLICE_PAGES;
	u32 end = slice->first ? cut_part(map, slice->first, &left) : cut_mapping(map, &left);
	u64 size = 0, mappings = 0;
	u16 flags = 0;

	for (;;) {
		flags |= map->flags;
		if (likely(!(map->flags & VIB_F_STUCK)))
			map->first = end;
		if (end < map->extents.nr)
			break;
		mappings++;
		size += vib_span_size(&map->span);
		if (list_is_last(&map->node, slice->list))
			break;
		map = list_next_entry(map, node);
		end = cut_mapping(map, &left);
	}
	/* Nothing of this mapping fitted: the slice ends with the one before. */
	if (!end && map->extents.nr && map != slice->map) {
		map = list_prev_entry(map, node);
		end = map->extents.nr;
	}
	slice->last = map;
	slice->end = end;
	slice->stop = stop_of(slice);
	slice->size = size;
	slice->mappings = mappings;
	slice->flags = flags;
}

bool vib_slice_next(struct vib_slice *slice)
{
	struct vib_mapping *last = slice->last;

	if (slice->end < last->extents.nr) {
		slice->map = last;
		slice->first = slice->end;
		slice->iova = slice->stop;
		return true;
	}
	if (list_is_last(&last->node, slice->list))
		return false;
	slice->map = list_next_entry(last, node);
	slice->first = 0;
	slice->iova = slice->map->span.start;
	return true;
}
