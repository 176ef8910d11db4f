// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fills device memory again: a worker for each mapping with holes faults in their user addresses
 * and fills what it finds. While that fails it tries again after growing pauses; without holes it
 * does not run. Knows nothing of what made the holes.
 *
 * Only the worker replaces extents of a LIVE mapping that has device memory; a call that ends the
 * mapping, or gives it another address, stops the worker first.
 */
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/workqueue.h>

#include "bar.h"
#include "bar_state.h"
#include "engine.h"
#include "extent_walk.h"
#include "fill_lock.h"
#include "mm/pfnmap.h"
#include "trace/window.h"

/**
 * struct hole - a hole whose user addresses are being read
 * @bar: the mapping's device memory
 * @index: index of the hole among the mapping's extents
 * @iova: IOVA of its first byte
 * @pages: its length
 * @parts: what replaces it: extents and smaller holes
 * @found: pages of @parts that are no holes
 * @waiting: some of the smaller holes may be filled later
 */
struct hole {
	struct vib_bar *bar;
	u32 index;
	u64 iova;
	u64 pages;
	struct vib_extents parts;
	u64 found;
	bool waiting;
};

enum {
	PEEK_MAX = 512,			/* page table entries read at once */
};

/* Appends holes of @pages in all. */
static int push_hole(struct hole *hole, u64 pages)
{
	struct vib_extents *ex = &hole->parts;
	u64 most;

	for (; pages; pages -= most) {
		most = min_t(u64, pages, VIB_EXT_PAGES_MAX);
		if (vib_extents_reserve(ex, 1))
			return -ENOMEM;
		vib_extents_words(ex)[ex->nr++] = vib_ext_make(VIB_EXT_HOLE, most, 0);
	}
	return 0;
}

/* Reads up to @pages user addresses that have not ended. Return: how many were dealt with. */
static long read_part(struct hole *hole, u64 vaddr, u64 pages)
{
	struct vib_mapping *map = hole->bar->map;
	struct vib_pin pin = {
		.owner = map->owner,
		.vaddr = vaddr,
		.left = pages,
		.write = map->prot & IOMMU_WRITE,
	};
	u64 skip = pages;
	long got;
	int ret;

	ret = vib_extents_reserve(&hole->parts, PEEK_MAX);
	if (ret)
		return ret;
	got = vib_pfnmap_peek(&pin, &hole->parts, PEEK_MAX, &skip);
	if (got > 0) {
		hole->found += got;
		return got;
	}
	hole->waiting = true;
	ret = push_hole(hole, skip);
	return ret ? ret : (long)skip;
}

/* Return: how many pages from @at on, before @end, are all gone (@gone), or all there. */
static u64 same_pages(struct vib_bar *bar, u64 at, u64 end, bool gone)
{
	u64 next = gone ? find_next_zero_bit(bar->gone, end, at) :
			  find_next_bit(bar->gone, end, at);

	return min(next, end) - at;
}

/* Reads all user addresses of a hole. After an errno the hole stays as it is. */
static int read_hole(struct hole *hole)
{
	struct vib_bar *bar = hole->bar;
	u64 at = (hole->iova - bar->map->span.start) >> PAGE_SHIFT;
	u64 end = at + hole->pages;
	long done;
	u64 there;

	for (; at < end; at += done) {
		there = same_pages(bar, at, end, false);
		if (there) {
			done = read_part(hole, bar->base + (at << PAGE_SHIFT), there);
		} else {
			done = same_pages(bar, at, end, true);
			if (push_hole(hole, done))
				done = -ENOMEM;
		}
		if (done < 0)
			return done;
		cond_resched();
	}
	return 0;
}

static int fill_part(struct vib_bar *bar, u64 iova, u64 ext, bool *stuck)
{
	struct vib_extents one;

	vib_extents_init(&one);
	one.one = ext;
	one.nr = 1;
	return vib_fill_batch(bar->ioas, bar->map, iova, &one, 1, stuck);
}

/*
 * Fills what was found. What an IOMMU driver refuses stays a hole, and so does what the kernel took
 * since, which vib_bar_fill_begin() has punched; both are @waiting, since nothing else queues the
 * worker for them.
 */
static void fill_parts(struct hole *hole)
{
	struct vib_bar *bar = hole->bar;
	u64 *words = vib_extents_words(&hole->parts);
	u64 iova = hole->iova, read = hole->found, size;
	bool stuck = false;
	u32 i;

	hole->found = 0;
	for (i = 0; i < hole->parts.nr; i++, iova += size) {
		size = vib_ext_pages(words[i]) << PAGE_SHIFT;
		if (vib_ext_is_hole(words[i]))
			continue;
		/* A stuck part is no hole: the end of the mapping unfills it once more. */
		if (fill_part(bar, iova, words[i], &stuck) && !stuck) {
			words[i] = vib_ext_make(VIB_EXT_HOLE, vib_ext_pages(words[i]), 0);
			continue;
		}
		hole->found += vib_ext_pages(words[i]);
	}
	hole->waiting |= hole->found < read;
}

/* Makes @next the mapping's extents with the parts in the hole's place; it has room for them. */
static void splice_parts(struct hole *hole, struct vib_extents *next)
{
	struct vib_extents *old = &hole->bar->map->extents;
	u64 *from = vib_extents_words(old), *to = vib_extents_words(next);
	u32 parts = hole->parts.nr, rest = old->nr - hole->index - 1;

	memcpy(to, from, hole->index * sizeof(*to));
	memcpy(to + hole->index, vib_extents_words(&hole->parts), parts * sizeof(*to));
	memcpy(to + hole->index + parts, from + hole->index + 1, rest * sizeof(*to));
	next->nr = hole->index + parts + rest;
}

/* Fills the parts and makes @next, with them in the hole's place, the mapping's extents. */
static void fill_and_splice(struct hole *hole, struct vib_extents *next)
{
	struct vib_mapping *map = hole->bar->map;
	struct vib_ioas *ioas = hole->bar->ioas;

	lockdep_assert_held(&ioas->domains_rwsem);
	vib_bar_fill_begin(map, &hole->parts, hole->parts.nr, hole->iova);
	fill_parts(hole);
	mutex_lock(&ioas->tree_lock);
	splice_parts(hole, next);
	swap(map->extents, *next);
	mutex_unlock(&ioas->tree_lock);
	vib_bar_fill_end(map);
}

/*
 * Fills the parts into every domain and puts them in the hole's place, unless the last domain has
 * gone meanwhile: then the mapping is about to be only recorded, and must not get extents.
 */
static int fill_hole(struct hole *hole)
{
	struct vib_bar *bar = hole->bar;
	struct vib_mapping *map = bar->map;
	struct vib_ioas *ioas = bar->ioas;
	struct vib_extents next;
	bool alone;
	int ret;

	vib_extents_init(&next);
	ret = vib_extents_reserve(&next, map->extents.nr + hole->parts.nr);
	if (ret)
		return ret;
	ret = vib_fill_lock(ioas, map->span.last, &alone);
	if (ret)
		goto err_free;
	if (hole->index < map->first)
		hole->found = 0;
	else
		fill_and_splice(hole, &next);
	vib_fill_unlock(ioas, alone);
	if (hole->found)
		trace_vib_restore(ioas->handle, hole->iova,
				  hole->iova + ((hole->pages << PAGE_SHIFT) - 1), hole->found);
err_free:
	vib_extents_fini(&next);
	return ret;
}

/*
 * Deals with the first hole at or behind @iova. Return: the IOVA to go on at, 0 if there is none.
 */
static u64 restore_next(struct vib_bar *bar, u64 iova, bool *waiting)
{
	struct hole hole = { .bar = bar };
	struct vib_extent_walk walk;

	vib_for_each_extent(bar->map, &walk)
		if (walk.iova >= iova && vib_ext_is_hole(READ_ONCE(*walk.word)))
			break;
	if (walk.word == walk.stop)
		return 0;
	hole.index = walk.word - vib_extents_words(&bar->map->extents);
	hole.iova = walk.iova;
	hole.pages = vib_ext_pages(*walk.word);
	vib_extents_init(&hole.parts);
	if (read_hole(&hole) || (hole.found && fill_hole(&hole)))
		hole.waiting = true;
	vib_extents_fini(&hole.parts);
	*waiting |= hole.waiting;
	return hole.iova + (hole.pages << PAGE_SHIFT);
}

void vib_bar_restore(struct work_struct *work)
{
	struct vib_bar *bar = container_of(to_delayed_work(work), struct vib_bar, work);
	struct vib_mapping *map = bar->map;
	u64 iova = map->span.start;
	struct mem_cgroup *bill;
	bool waiting = false;

	/* If the process has gone, so have its addresses. */
	if (!vib_owner_hold(map->owner))
		return;
	/* As many extents as pages, if the client leaves every second one. */
	bill = vib_owner_bill_begin(map->owner);
	vib_bar_look(bar, true);
	do {
		iova = restore_next(bar, iova, &waiting);
	} while (iova);
	vib_owner_bill_end(bill);
	vib_owner_release(map->owner);
	if (!waiting)
		return;
	mutex_lock(&bar->ioas->bars_lock);
	vib_bar_queue(bar, min_t(unsigned int, 2 * bar->delay, VIB_RESTORE_MAX));
	mutex_unlock(&bar->ioas->bars_lock);
}
