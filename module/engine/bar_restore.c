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
#include "mm/watch.h"
#include "pure/extents_move.h"
#include "trace/window.h"

/**
 * struct hole - holes that follow one another, whose user addresses are being read
 * @bar: the mapping's device memory
 * @index: index of the first hole among the mapping's extents
 * @words: how many they are
 * @iova: IOVA of their first byte
 * @pages: their length
 * @parts: what replaces them: extents and smaller holes
 * @found: pages of @parts that are no holes
 * @read: how many of @parts, and
 * @read_pages: of @pages, were read; the rest is the next hole
 * @spliced: @parts are in their place
 */
struct hole {
	struct vib_bar *bar;
	u32 index;
	u32 words;
	u64 iova;
	u64 pages;
	struct vib_extents parts;
	u64 found;
	u32 read;
	u64 read_pages;
	bool spliced;
};

/**
 * struct tour - one look at all holes of a mapping
 * @index: index of the next extent to look at
 * @iova: its IOVA
 * @misses: reads that found nothing
 * @waiting: some of the holes may be filled later
 */
struct tour {
	u32 index;
	u64 iova;
	u64 misses;
	bool waiting;
};

enum {
	PEEK_MAX = 512,			/* page table entries read at once */
	PARTS_MAX = 1024,		/* extents filled at once, while a callback has to wait */
};

/* Appends holes of @pages in all. */
static int push_hole(struct hole *hole, u64 pages)
{
	struct vib_extents *ex = &hole->parts;
	u64 most;

	for (; pages; pages -= most) {
		most = min_t(u64, pages, VIB_EXT_PAGES_MAX);
		if (vib_extents_put(ex, vib_ext_make(VIB_EXT_HOLE, most, 0)))
			return -ENOMEM;
	}
	return 0;
}

/* The same, as a part of the last hole as far as that can grow. */
static int extend_hole(struct hole *hole, u64 pages)
{
	u64 *last = hole->parts.nr ? vib_extents_last(&hole->parts) : NULL;
	u64 more = 0;

	if (last && vib_ext_is_hole(*last)) {
		more = min_t(u64, pages, VIB_EXT_PAGES_MAX - vib_ext_pages(*last));
		*last = vib_ext_make(VIB_EXT_HOLE, vib_ext_pages(*last) + more, 0);
	}
	return push_hole(hole, pages - more);
}

/* Reads up to @pages user addresses that have not ended. Return: how many were dealt with. */
static long read_part(struct hole *hole, struct tour *tour, u64 vaddr, u64 pages)
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
	tour->misses++;
	tour->waiting = true;
	ret = extend_hole(hole, skip);
	return ret ? ret : (long)skip;
}

/* Return: how many pages from @at on, before @end, are all gone (@gone), or all there. */
static u64 same_pages(struct vib_bar *bar, u64 at, u64 end, bool gone)
{
	u64 next = gone ? find_next_zero_bit(bar->gone, end, at) :
			  find_next_bit(bar->gone, end, at);

	return min(next, end) - at;
}

/* Reads user addresses of a hole, until it is enough. After an errno the hole stays as it is. */
static int read_hole(struct hole *hole, struct tour *tour)
{
	struct vib_bar *bar = hole->bar;
	u64 start = (hole->iova - bar->map->span.start) >> PAGE_SHIFT;
	u64 end = start + hole->pages, at, there;
	long done;

	for (at = start; at < end && hole->parts.nr < PARTS_MAX; at += done) {
		there = same_pages(bar, at, end, false);
		if (there) {
			done = read_part(hole, tour, bar->base + (at << PAGE_SHIFT), there);
		} else {
			done = same_pages(bar, at, end, true);
			if (extend_hole(hole, done))
				done = -ENOMEM;
		}
		if (done < 0)
			return done;
		/* To fault in one page of a BAR is to fault in all: the next would do so again. */
		if (READ_ONCE(bar->shaken))
			return -EAGAIN;
		cond_resched();
	}
	hole->read = hole->parts.nr;
	hole->read_pages = at - start;
	return push_hole(hole, end - at);
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
static void fill_parts(struct hole *hole, struct tour *tour)
{
	u64 iova = hole->iova, read = hole->found, size, *word;
	struct vib_bar *bar = hole->bar;
	struct vib_stretch st;
	bool stuck = false;

	hole->found = 0;
	vib_for_each_stretch(&st, &hole->parts, 0, hole->parts.nr)
		for (word = st.words; word < st.words + st.nr; word++, iova += size) {
			size = vib_ext_pages(*word) << PAGE_SHIFT;
			if (vib_ext_is_hole(*word))
				continue;
			/* A stuck part is no hole: the end of the mapping unfills it once more. */
			if (fill_part(bar, iova, *word, &stuck) && !stuck)
				*word = vib_ext_make(VIB_EXT_HOLE, vib_ext_pages(*word), 0);
			else
				hole->found += vib_ext_pages(*word);
		}
	tour->waiting |= hole->found < read;
}

/* Do the parts take as much room as the holes? */
static bool fits_in_place(const struct hole *hole)
{
	return hole->parts.nr == hole->words;
}

/*
 * Makes @next the mapping's extents with the parts in the holes' place; it has room for them.
 * Copies all there are, while tree_lock is held.
 */
static void splice_parts(struct hole *hole, struct vib_extents *next)
{
	struct vib_extents *old = &hole->bar->map->extents;

	lockdep_assert_held(&hole->bar->ioas->tree_lock);
	vib_extents_copy(next, old, 0, hole->index);
	vib_extents_copy(next, &hole->parts, 0, hole->parts.nr);
	vib_extents_copy(next, old, hole->index + hole->words, old->nr);
	swap(*old, *next);
}

/* Fills the parts and makes them, in the holes' place, the mapping's extents. */
static void fill_and_splice(struct hole *hole, struct tour *tour, struct vib_extents *next)
{
	struct vib_mapping *map = hole->bar->map;
	struct vib_ioas *ioas = hole->bar->ioas;

	lockdep_assert_held(&ioas->domains_rwsem);
	vib_bar_fill_begin(map, &hole->parts, hole->parts.nr, hole->iova);
	fill_parts(hole, tour);
	mutex_lock(&ioas->tree_lock);
	if (fits_in_place(hole))
		vib_extents_replace(&map->extents, hole->index, &hole->parts);
	else
		splice_parts(hole, next);
	mutex_unlock(&ioas->tree_lock);
	/* Before a callback goes on that takes it away: so the trace has the order of things. */
	if (hole->found)
		trace_vib_restore(ioas->handle, hole->iova,
				  hole->iova + ((hole->read_pages << PAGE_SHIFT) - 1), hole->found);
	vib_bar_fill_end(map);
	hole->spliced = true;
}

/*
 * Fills the parts into every domain and puts them in the holes' place, unless the last domain has
 * gone meanwhile: then the mapping is about to be only recorded, and must not get extents.
 */
static int fill_hole(struct hole *hole, struct tour *tour)
{
	struct vib_bar *bar = hole->bar;
	struct vib_mapping *map = bar->map;
	struct vib_ioas *ioas = bar->ioas;
	struct vib_extents next;
	bool alone;
	int ret = 0;

	vib_extents_init(&next);
	if (!fits_in_place(hole))
		ret = vib_extents_reserve(&next, map->extents.nr + hole->parts.nr);
	if (ret)
		return ret;
	ret = vib_fill_lock(ioas, hole->iova, map->span.last, &alone);
	if (ret)
		goto err_free;
	if (hole->index >= map->first)
		fill_and_splice(hole, tour, &next);
	vib_fill_unlock(ioas, alone);
err_free:
	vib_extents_fini(&next);
	return ret;
}

/* Looks at the next extent. Return: false if it is behind the holes. */
static bool add_hole(struct hole *hole, struct tour *tour, u64 ext)
{
	if (vib_ext_is_hole(ext)) {
		hole->index = tour->index;
		hole->iova = tour->iova;
		hole->words++;
		hole->pages += vib_ext_pages(ext);
		return true;
	}
	if (hole->words)
		return false;
	tour->index++;
	tour->iova += vib_ext_pages(ext) << PAGE_SHIFT;
	return true;
}

/* Finds the next holes: goes past extents that are filled, then as far as there are holes. */
static bool find_hole(struct hole *hole, struct tour *tour)
{
	struct vib_extents *ex = &hole->bar->map->extents;
	struct vib_stretch st;
	u32 i;

	vib_for_each_stretch(&st, ex, tour->index, ex->nr)
		for (i = 0; i < st.nr; i++)
			if (!add_hole(hole, tour, READ_ONCE(st.words[i])))
				return true;
	return hole->words;
}

/* Deals with the next holes. Return: false if there are none. */
static bool restore_next(struct vib_bar *bar, struct tour *tour)
{
	struct hole hole = { .bar = bar };

	if (!find_hole(&hole, tour))
		return false;
	vib_extents_init(&hole.parts);
	if (read_hole(&hole, tour) || (hole.found && fill_hole(&hole, tour)))
		tour->waiting = true;
	vib_extents_fini(&hole.parts);
	tour->index += hole.spliced ? hole.read : hole.words;
	tour->iova += (hole.spliced ? hole.read_pages : hole.pages) << PAGE_SHIFT;
	return true;
}

/* Looks at the holes, unless the kernel takes some meanwhile: then it must come to an end first. */
static void fill_holes(struct vib_bar *bar, struct tour *tour)
{
	struct mem_cgroup *bill;

	/* As many extents as pages, if the client leaves every second one. */
	bill = vib_owner_bill_begin(bar->map->owner);
	vib_bar_look(bar);
	while (!READ_ONCE(bar->shaken) && restore_next(bar, tour))
		;
	tour->waiting |= READ_ONCE(bar->shaken);
	vib_owner_bill_end(bill);
}

void vib_bar_restore(struct work_struct *work)
{
	struct vib_bar *bar = container_of(to_delayed_work(work), struct vib_bar, work);
	struct vib_mapping *map = bar->map;
	struct tour tour = { .iova = map->span.start };

	/* If the process has gone, so have its addresses. */
	if (!vib_owner_hold(map->owner))
		return;
	if (vib_bar_ask_begin(bar)) {
		fill_holes(bar, &tour);
		vib_bar_ask_end(bar, tour.waiting, tour.misses);
	}
	vib_owner_release(map->owner);
}
