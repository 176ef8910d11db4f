// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty page tracking: starts and stops it, and marks what was written. Knows nothing of queries
 * (dirty_report.c).
 *
 * Invariant: a mapping's bitmap was made for the smallest page size at the start of tracking, and
 * no smaller one is offered while tracking is on.
 */
#include "dirty.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pages.h"
#include "states.h"
#include "walk.h"
#include "pure/dirtymap.h"
#include "pure/iova.h"

enum {
	MARK_STEP = 1 << 20,		/* bits set between two chances to reschedule */
};

/* Return: bits in the mapping's bitmap, in the unit that it was made for. */
static u64 nr_bits(struct vib_mapping *map)
{
	return vib_span_size(&map->span) >> map->dirty_shift;
}

void vib_dirty_mark(struct vib_mapping *map, u64 iova, u64 size)
{
	u64 first = (iova - map->span.start) >> map->dirty_shift;
	u64 last;

	if (map->dirty && vib_range_last(iova - map->span.start, size, &last))
		vib_dirtymap_set(map->dirty, first, (last >> map->dirty_shift) - first + 1);
}

static void seed_page(void *map, u64 iova)
{
	vib_dirty_mark(map, iova, 1);
}

static u64 *alloc_bitmap(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 bits = vib_span_size(&map->span) / ioas->dirty_unit;
	u64 *bitmap;

	if (bits > INT_MAX)
		return ERR_PTR(-EINVAL);
	bitmap = kvcalloc(vib_dirtymap_words(bits), sizeof(*bitmap), GFP_KERNEL_ACCOUNT);
	return bitmap ? bitmap : ERR_PTR(-ENOMEM);
}

int vib_dirty_prepare(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 *bitmap;

	lockdep_assert_held(&ioas->domains_rwsem);
	if (!ioas->tracking)
		return 0;
	bitmap = alloc_bitmap(ioas, map);
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	map->dirty = bitmap;
	map->dirty_shift = __ffs64(ioas->dirty_unit);
	return 0;
}

/*
 * Return: the lowest LIVE mapping from @start on, or NULL. It stays, because every unmap has to
 * take domains_rwsem, which is held for write.
 */
static struct vib_mapping *next_live(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, start, U64_MAX)
		if (map->state == VIB_LIVE)
			break;
	mutex_unlock(&ioas->tree_lock);
	return map;
}

/*
 * Replaces the bitmap of a LIVE mapping by @bitmap, which is clear, or by none: only pages that
 * emulated devices have pinned are dirty then. A DRAINING mapping keeps its own, which may be being
 * reported.
 */
static void set_bitmap(struct vib_ioas *ioas, struct vib_mapping *map, u64 *bitmap)
{
	mutex_lock(&ioas->tree_lock);
	if (map->state == VIB_LIVE) {
		swap(map->dirty, bitmap);
		map->dirty_shift = __ffs64(ioas->dirty_unit);
		vib_pages_each(map, seed_page, map);
	}
	mutex_unlock(&ioas->tree_lock);
	kvfree(bitmap);
}

static int start_one(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 *bitmap;

	if (fatal_signal_pending(current))
		return -EINTR;
	bitmap = alloc_bitmap(ioas, map);
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	set_bitmap(ioas, map, bitmap);
	return 0;
}

static void stop_locked(struct vib_ioas *ioas)
{
	struct vib_mapping *map;
	u64 next = 0;

	do {
		map = next_live(ioas, next);
		if (!map)
			break;
		next = map->span.last + 1;
		set_bitmap(ioas, map, NULL);
		cond_resched();
	} while (next);
	mutex_lock(&ioas->tree_lock);
	ioas->tracking = false;
	mutex_unlock(&ioas->tree_lock);
}

static int start_locked(struct vib_ioas *ioas)
{
	struct vib_mapping *map;
	u64 next = 0;
	int ret;

	if (ioas->tracking)
		return 0;
	mutex_lock(&ioas->tree_lock);
	ioas->dirty_unit = vib_pgsize_smallest(ioas->pgsizes);
	ioas->tracked++;
	ioas->tracking = true;
	mutex_unlock(&ioas->tree_lock);
	do {
		map = next_live(ioas, next);
		if (!map)
			break;
		next = map->span.last + 1;
		ret = start_one(ioas, map);
		if (ret) {
			stop_locked(ioas);
			return ret;
		}
		cond_resched();
	} while (next);
	return 0;
}

int vib_dirty_start(struct vib_ioas *ioas)
{
	int ret = down_write_killable(&ioas->domains_rwsem);

	if (ret)
		return ret;
	ret = start_locked(ioas);
	up_write(&ioas->domains_rwsem);
	return ret;
}

void vib_dirty_stop(struct vib_ioas *ioas)
{
	down_write(&ioas->domains_rwsem);
	stop_locked(ioas);
	up_write(&ioas->domains_rwsem);
}

/* Marks all of a mapping dirty. */
static void mark_mapping(struct vib_mapping *map)
{
	u64 first, nbits = nr_bits(map);

	for (first = 0; first < nbits; first += MARK_STEP) {
		vib_dirtymap_set(map->dirty, first, min_t(u64, nbits - first, MARK_STEP));
		cond_resched();
	}
}

void vib_dirty_mark_all(struct vib_ioas *ioas)
{
	struct vib_mapping *map;
	unsigned long steps = 0;

	lockdep_assert_held(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, 0, U64_MAX) {
		vib_ioas_step(&steps);
		if (map->dirty)
			mark_mapping(map);
	}
}
