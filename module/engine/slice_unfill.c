// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes a slice out of every domain, then flushes each: where a driver only queues what it is told
 * until a flush (virtio-iommu), all of it is done in one go. Neighbours in IOVA are unmapped in one
 * call.
 */
#include "slice.h"

#include "iommu/domain_unfill.h"
#include "states.h"
#include "trace/trace.h"

enum {
	/* A slice is taken out of as many domains before the first is flushed. */
	AT_ONCE = 4,
};

/* Takes a slice out of a domain, neighbours in one call. */
static void unfill_whole(const struct vib_slice *slice, struct vib_unfill *unfill)
{
	struct vib_mapping *map, *next;
	u64 start = slice->iova;
	unsigned long steps = 0;

	for (map = slice->map; map != slice->last; map = next) {
		next = list_next_entry(map, node);
		if (next->span.start == map->span.last + 1)
			continue;
		vib_unfill_range(unfill, start, map->span.last + 1 - start);
		start = next->span.start;
		vib_ioas_step(&steps);
	}
	if (slice->stop != start)
		vib_unfill_range(unfill, start, slice->stop - start);
}

/* Takes extents out, the first of which is at @iova. Return: the IOVA behind the last one. */
static u64 unfill_memory(struct vib_unfill *unfill, u64 iova, const struct vib_stretch *st,
			 unsigned long *steps)
{
	u64 size;
	u32 i;

	for (i = 0; i < st->nr; i++, iova += size) {
		size = vib_ext_pages(st->words[i]) << PAGE_SHIFT;
		if (!vib_ext_is_hole(st->words[i]))
			vib_unfill_range(unfill, iova, size);
		vib_ioas_step(steps);
	}
	return iova;
}

/* The same, extent by extent, for mappings that may have holes. */
static void unfill_around_holes(const struct vib_slice *slice, struct vib_unfill *unfill)
{
	struct vib_mapping *map = slice->map;
	u64 iova = slice->iova;
	unsigned long steps = 0;

	for (;; map = list_next_entry(map, node), iova = map->span.start) {
		u32 end = map == slice->last ? slice->end : map->extents.nr;
		struct vib_stretch st;

		vib_for_each_stretch(&st, &map->extents, vib_slice_first(slice, map), end)
			iova = unfill_memory(unfill, iova, &st, &steps);
		if (map == slice->last)
			return;
	}
}

/* Takes the slice out of one domain, which is not flushed yet. */
static void unfill_slice(struct vib_domain *dom, const struct vib_slice *slice,
			 struct vib_unfill *unfill)
{
	vib_unfill_begin(unfill, dom);
	if (unlikely(slice->flags & VIB_F_DEVICE))
		unfill_around_holes(slice, unfill);
	else
		unfill_whole(slice, unfill);
}

/*
 * Flushes what was taken out of one domain. Extends @stuck by what the driver did not take out.
 * Return: the number of flushes.
 */
static unsigned int sync_slice(struct vib_ioas *ioas, const struct vib_slice *slice,
			       struct vib_unfill *unfill, struct vib_range *stuck)
{
	unsigned int syncs = vib_unfill_sync(unfill);

	trace_vib_sync(ioas->handle, unfill->dom->id, slice->iova, slice->stop - 1, syncs);
	stuck->start = min(stuck->start, unfill->stuck.start);
	stuck->last = max(stuck->last, unfill->stuck.last);
	return syncs;
}

/* Takes the slice out of the only domain. */
static unsigned int unfill_alone(struct vib_ioas *ioas, const struct vib_slice *slice,
				 struct vib_range *stuck)
{
	struct vib_unfill unfill;

	unfill_slice(list_first_entry(&ioas->domains, struct vib_domain, node), slice, &unfill);
	return sync_slice(ioas, slice, &unfill, stuck);
}

static noinline_for_stack unsigned int unfill_several(struct vib_ioas *ioas,
						      const struct vib_slice *slice,
						      struct vib_range *stuck)
{
	struct vib_unfill unfill[AT_ONCE];
	unsigned int nr = 0, syncs = 0, i;
	struct vib_domain *dom;

	list_for_each_entry(dom, &ioas->domains, node) {
		unfill_slice(dom, slice, &unfill[nr++]);
		if (nr < AT_ONCE && !list_is_last(&dom->node, &ioas->domains))
			continue;
		for (i = 0; i < nr; i++)
			syncs += sync_slice(ioas, slice, &unfill[i], stuck);
		nr = 0;
	}
	return syncs;
}

unsigned int vib_slice_unfill(struct vib_ioas *ioas, const struct vib_slice *slice,
			      struct vib_range *stuck)
{
	/* Mostly; the rest costs some more. */
	if (likely(list_is_singular(&ioas->domains)))
		return unfill_alone(ioas, slice, stuck);
	return unfill_several(ioas, slice, stuck);
}
