// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty page tracking, with type1's meaning: while a group is attached whose DMA nobody reports,
 * every page that it can reach is dirty at every query; otherwise the pages that emulated devices
 * have pinned or written are. After a query only the pinned ones are.
 *
 * User memory is written with no lock held, from a snapshot; a fault there gives the bits back.
 */
#include "dirty.h"
#include "engine.h"
#include "attach/group.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "pages.h"
#include "states.h"
#include "pure/dirtymap.h"
#include "pure/iova.h"

enum {
	WINDOW_WORDS = 512,		/* words handed to the sink at once */
	FEW_WORDS = 8,			/* as many need no allocation */
};

/* Bits of the mapping's bitmap: of the unit that it was made for. */
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

/* Only what emulated devices hold is dirty from here on. tree_lock is held. */
static void reseed(struct vib_mapping *map)
{
	if (!map->dirty)
		return;
	vib_dirtymap_fill(map->dirty, nr_bits(map), false);
	vib_pages_each(map, seed_page, map);
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
 * The lowest LIVE mapping from @start on. domains_rwsem is held for write, which every unmap must
 * pass, so it stays.
 */
static struct vib_mapping *next_live(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map = NULL;
	struct vib_span *span;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	for (span = vib_maptree_first(&ioas->tree, start, U64_MAX); span && !map;
	     span = vib_maptree_next(span, U64_MAX)) {
		struct vib_mapping *here = vib_mapping_of(span);

		if (here->state == VIB_LIVE)
			map = here;
	}
	mutex_unlock(&ioas->tree_lock);
	return map;
}

/* Puts a fresh bitmap in place of the mapping's, which is returned. tree_lock is held. */
static u64 *exchange(struct vib_ioas *ioas, struct vib_mapping *map, u64 *fresh)
{
	lockdep_assert_held(&ioas->tree_lock);
	swap(map->dirty, fresh);
	map->dirty_shift = __ffs64(ioas->dirty_unit);
	reseed(map);
	return fresh;
}

/*
 * Gives a LIVE mapping the bitmap @bitmap, NULL for none. One that is DRAINING may be reported at
 * the moment.
 */
static void set_bitmap(struct vib_ioas *ioas, struct vib_mapping *map, u64 *bitmap)
{
	mutex_lock(&ioas->tree_lock);
	if (map->state == VIB_LIVE)
		bitmap = exchange(ioas, map, bitmap);
	mutex_unlock(&ioas->tree_lock);
	kvfree(bitmap);
}

static int start_one(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 *bitmap = alloc_bitmap(ioas, map);

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
	WRITE_ONCE(ioas->tracking, false);
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
	mutex_unlock(&ioas->tree_lock);
	WRITE_ONCE(ioas->tracking, true);
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
	/* Page sizes smaller than the bitmaps' may be offered again. */
	vib_limits_update(ioas);
	up_write(&ioas->domains_rwsem);
}

void vib_dirty_mark_all(struct vib_ioas *ioas)
{
	struct vib_span *span = vib_maptree_first(&ioas->tree, 0, U64_MAX);
	unsigned long steps = 0;

	lockdep_assert_held(&ioas->tree_lock);
	for (; span; span = vib_maptree_next(span, U64_MAX), vib_ioas_step(&steps)) {
		struct vib_mapping *map = vib_mapping_of(span);

		if (map->dirty)
			vib_dirtymap_fill(map->dirty, nr_bits(map), true);
	}
}

/* Hands a bitmap (NULL: all dirty) of a mapping to the sink, window by window. */
static int emit(struct vib_mapping *map, const u64 *bitmap, struct vib_dirty_sink *sink)
{
	u64 nbits = vib_span_size(&map->span) / sink->pgsize;
	u64 at = (map->span.start - sink->iova) / sink->pgsize;
	u64 total = vib_dirtymap_words(nbits + at % 64);
	u64 few[FEW_WORDS], *words = few, word, n;
	int ret = 0;

	if (total > FEW_WORDS)
		words = kmalloc_array(min_t(u64, total, WINDOW_WORDS), sizeof(*words), GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	for (word = 0; word < total && !ret; word += n) {
		n = min_t(u64, total - word, WINDOW_WORDS);
		vib_dirtymap_window(bitmap, nbits, at % 64, word, words, n);
		ret = sink->put(sink, at / 64 + word, words, n, word ? 0 : at % 64);
		cond_resched();
	}
	if (words != few)
		kfree(words);
	return ret;
}

/* Can a device write this mapping without anybody telling? tree_lock is held. */
static bool all_dirty(struct vib_ioas *ioas, struct vib_mapping *map)
{
	lockdep_assert_held(&ioas->tree_lock);
	return !map->dirty || (ioas->all_dirty && map->extents.nr);
}

int vib_dirty_emit(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_dirty_sink *sink)
{
	bool all;

	mutex_lock(&ioas->tree_lock);
	all = all_dirty(ioas, map) || sink->pgsize >> map->dirty_shift != 1;
	mutex_unlock(&ioas->tree_lock);
	return emit(map, all ? NULL : map->dirty, sink);
}

/* A report failed: what it had taken (NULL: all) is dirty still. tree_lock is held. */
static void give_back(struct vib_ioas *ioas, struct vib_mapping *map, const u64 *taken,
		      unsigned int tracked)
{
	u64 nbits = nr_bits(map);
	u64 i;

	lockdep_assert_held(&ioas->tree_lock);
	/* Tracking was off meanwhile: what is there now is of another start. */
	if (!map->dirty || tracked != ioas->tracked)
		return;
	if (!taken)
		vib_dirtymap_fill(map->dirty, nbits, true);
	for (i = 0; taken && i < vib_dirtymap_words(nbits); i++)
		map->dirty[i] |= taken[i];
}

/*
 * Takes what is to be reported out of a busy mapping: NULL stands for all. @fresh is used up.
 */
static u64 *take(struct vib_ioas *ioas, struct vib_mapping *map, u64 *fresh,
		 unsigned int tracked)
{
	u64 *taken = NULL;

	mutex_lock(&ioas->tree_lock);
	if (!all_dirty(ioas, map) && tracked == ioas->tracked) {
		taken = exchange(ioas, map, fresh);
		fresh = NULL;
	} else if (tracked == ioas->tracked) {
		reseed(map);
	}
	mutex_unlock(&ioas->tree_lock);
	kvfree(fresh);
	return taken;
}

/* Reports the bits of a busy mapping that is not dirty as a whole, and starts it over. */
static int report_bits(struct vib_ioas *ioas, struct vib_mapping *map,
		       struct vib_dirty_sink *sink, unsigned int tracked)
{
	u64 *bits = alloc_bitmap(ioas, map);
	int ret;

	if (IS_ERR(bits))
		return PTR_ERR(bits);
	bits = take(ioas, map, bits, tracked);
	ret = emit(map, bits, sink);
	if (ret) {
		mutex_lock(&ioas->tree_lock);
		give_back(ioas, map, bits, tracked);
		mutex_unlock(&ioas->tree_lock);
	}
	kvfree(bits);
	return ret;
}

/*
 * The range of a query, checked; tree_lock is held. Where it cuts mappings is looked at again when
 * some have come since @maps of them were made.
 */
static int check_range(struct vib_ioas *ioas, struct vib_dirty_sink *sink, u64 *last, u64 *maps)
{
	lockdep_assert_held(&ioas->tree_lock);
	if (ioas->dying || !READ_ONCE(ioas->tracking) ||
	    sink->pgsize != vib_pgsize_smallest(ioas->pgsizes) ||
	    (sink->iova | sink->size) & (sink->pgsize - 1))
		return -EINVAL;
	if (!vib_range_last(sink->iova, sink->size, last))
		return -EOVERFLOW;
	if (*maps == ioas->stats.maps)
		return 0;
	*maps = ioas->stats.maps;
	return vib_maptree_bisects(&ioas->tree, sink->iova, *last) ? -EINVAL : 0;
}

/*
 * Reports one mapping and starts it over; the busy mark keeps it. Called with tree_lock, which is
 * dropped and retaken.
 */
static int report(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_dirty_sink *sink,
		  struct list_head *orphans)
{
	unsigned int tracked = ioas->tracked;
	bool all = all_dirty(ioas, map);
	int ret;

	map->busy++;
	mutex_unlock(&ioas->tree_lock);
	/* Of one that is dirty as a whole nobody asks the bits: vib_dirty_mark_all() ends that. */
	ret = all ? emit(map, NULL, sink) : report_bits(ioas, map, sink, tracked);
	mutex_lock(&ioas->tree_lock);
	vib_mapping_unbusy(ioas, map, orphans);
	return ret;
}

/*
 * Reports the mappings of the range one after the other. The rules are looked at again whenever
 * tree_lock was dropped. Called with tree_lock, returns without.
 */
static int get_range(struct vib_ioas *ioas, struct vib_dirty_sink *sink, struct list_head *orphans)
{
	u64 start = sink->iova, maps = U64_MAX, last;
	struct vib_span *span = NULL;
	int ret;

	for (;;) {
		ret = check_range(ioas, sink, &last, &maps);
		if (ret)
			break;
		/* The latest one is still there: it was busy until now, or is DEAD. */
		span = span ? vib_maptree_next(span, last) :
			      vib_maptree_first(&ioas->tree, start, last);
		if (!span)
			break;
		if (vib_mapping_of(span)->state == VIB_LIVE) {
			start = span->last + 1;
			ret = report(ioas, vib_mapping_of(span), sink, orphans);
			if (ret || start > last)
				break;
		} else if (vib_mapping_of(span)->state != VIB_DEAD) {
			ret = vib_ioas_wait(ioas);
			if (ret)
				return ret;
			mutex_lock(&ioas->tree_lock);
			span = NULL;
		}
	}
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

int vib_dirty_get(struct vib_ioas *ioas, struct vib_dirty_sink *sink)
{
	LIST_HEAD(orphans);
	int ret;

	mutex_lock(&ioas->tree_lock);
	ret = get_range(ioas, sink, &orphans);
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
	return ret;
}
