// SPDX-License-Identifier: GPL-2.0-only
/*
 * Window arithmetic. Knows nothing of groups, apertures or what a region is reserved for.
 * Invariant: ranges are sorted, disjoint, and start <= last in each; neighbours may touch.
 */
#include "windows.h"

void vib_windows_fini(struct vib_windows *win)
{
	kfree(win->range);
	vib_windows_init(win);
}

int vib_windows_reserve(struct vib_windows *win, u32 cap)
{
	struct vib_range *range;

	if (cap <= win->cap)
		return 0;
	range = kmalloc_array(cap, sizeof(*range), GFP_KERNEL_ACCOUNT);
	if (!range)
		return -ENOMEM;
	if (win->nr)
		memcpy(range, win->range, win->nr * sizeof(*range));
	kfree(win->range);
	win->range = range;
	win->cap = cap;
	return 0;
}

void vib_windows_set(struct vib_windows *win, u64 start, u64 last)
{
	if (WARN_ON_ONCE(!win->cap || start > last))
		return;
	win->range[0].start = start;
	win->range[0].last = last;
	win->nr = 1;
}

void vib_windows_clip(struct vib_windows *win, u64 start, u64 last)
{
	u32 from, to = 0;

	for (from = 0; from < win->nr; from++) {
		struct vib_range r = win->range[from];

		r.start = max(r.start, start);
		r.last = min(r.last, last);
		if (r.start <= r.last)
			win->range[to++] = r;
	}
	win->nr = to;
}

/* Opens a gap in range @i so that [start, last], which lies strictly inside, falls out. */
static int split(struct vib_windows *win, u32 i, u64 start, u64 last)
{
	struct vib_range *r = win->range + i;

	if (win->nr == win->cap)
		return -ENOSPC;
	memmove(r + 1, r, (win->nr - i) * sizeof(*r));
	r[0].last = start - 1;
	r[1].start = last + 1;
	win->nr++;
	return 0;
}

int vib_windows_cut(struct vib_windows *win, u64 start, u64 last)
{
	u32 from, to = 0;

	for (from = 0; from < win->nr; from++) {
		struct vib_range r = win->range[from];

		if (r.start < start && last < r.last)
			return split(win, from, start, last);
		if (r.last >= start && r.start <= last) {
			if (r.start < start)
				r.last = start - 1;
			else if (r.last > last)
				r.start = last + 1;
			else
				continue;
		}
		win->range[to++] = r;
	}
	win->nr = to;
	return 0;
}

bool vib_windows_meet(const struct vib_windows *win, u64 start, u64 last)
{
	u32 i;

	for (i = 0; i < win->nr; i++)
		if (win->range[i].start <= last && start <= win->range[i].last)
			return true;
	return false;
}

bool vib_windows_within(const struct vib_windows *win, u64 start, u64 last)
{
	return !win->nr ||
	       (start <= win->range[0].start && win->range[win->nr - 1].last <= last);
}

bool vib_windows_hold(const struct vib_windows *win, u64 start, u64 last)
{
	u32 i;

	for (i = 0; i < win->nr; i++)
		if (win->range[i].start <= start && last <= win->range[i].last)
			return true;
	return false;
}
