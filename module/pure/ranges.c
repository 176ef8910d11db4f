// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic of IOVA ranges. Knows nothing of groups, apertures or what a region is reserved for.
 * Invariant: ranges are sorted, disjoint, and start <= last in each; neighbours may touch.
 */
#include "ranges.h"

void vib_ranges_fini(struct vib_ranges *ranges)
{
	kfree(ranges->range);
	vib_ranges_init(ranges);
}

int vib_ranges_reserve(struct vib_ranges *ranges, u32 cap)
{
	struct vib_range *range;

	if (cap <= ranges->cap)
		return 0;
	range = kmalloc_array(cap, sizeof(*range), GFP_KERNEL_ACCOUNT);
	if (!range)
		return -ENOMEM;
	if (ranges->nr)
		memcpy(range, ranges->range, ranges->nr * sizeof(*range));
	kfree(ranges->range);
	ranges->range = range;
	ranges->cap = cap;
	return 0;
}

void vib_ranges_set(struct vib_ranges *ranges, u64 start, u64 last)
{
	if (WARN_ON_ONCE(!ranges->cap || start > last))
		return;
	ranges->range[0].start = start;
	ranges->range[0].last = last;
	ranges->nr = 1;
}

void vib_ranges_clip(struct vib_ranges *ranges, u64 start, u64 last)
{
	u32 from, to = 0;

	for (from = 0; from < ranges->nr; from++) {
		struct vib_range r = ranges->range[from];

		r.start = max(r.start, start);
		r.last = min(r.last, last);
		if (r.start <= r.last)
			ranges->range[to++] = r;
	}
	ranges->nr = to;
}

/* Opens a gap in range @i so that [start, last], which lies strictly inside, falls out. */
static int split_range(struct vib_ranges *ranges, u32 i, u64 start, u64 last)
{
	struct vib_range *r = ranges->range + i;

	if (ranges->nr == ranges->cap)
		return -ENOSPC;
	memmove(r + 1, r, (ranges->nr - i) * sizeof(*r));
	r[0].last = start - 1;
	r[1].start = last + 1;
	ranges->nr++;
	return 0;
}

int vib_ranges_cut(struct vib_ranges *ranges, u64 start, u64 last)
{
	u32 from, to = 0;

	for (from = 0; from < ranges->nr; from++) {
		struct vib_range r = ranges->range[from];

		if (r.start < start && last < r.last)
			return split_range(ranges, from, start, last);
		if (r.last >= start && r.start <= last) {
			if (r.start < start)
				r.last = start - 1;
			else if (r.last > last)
				r.start = last + 1;
			else
				continue;
		}
		ranges->range[to++] = r;
	}
	ranges->nr = to;
	return 0;
}

bool vib_ranges_meet(const struct vib_ranges *ranges, u64 start, u64 last)
{
	u32 i;

	for (i = 0; i < ranges->nr; i++)
		if (ranges->range[i].start <= last && start <= ranges->range[i].last)
			return true;
	return false;
}

bool vib_ranges_within(const struct vib_ranges *ranges, u64 start, u64 last)
{
	return !ranges->nr ||
	       (start <= ranges->range[0].start && ranges->range[ranges->nr - 1].last <= last);
}

bool vib_ranges_hold(const struct vib_ranges *ranges, u64 start, u64 last)
{
	u32 i;

	for (i = 0; i < ranges->nr; i++)
		if (ranges->range[i].start <= start && last <= ranges->range[i].last)
			return true;
	return false;
}
