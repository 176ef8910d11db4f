// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty page tracking, with type1's meaning: while a group is attached whose DMA nobody reports,
 * every page that it can reach is dirty at every query; otherwise the pages that emulated devices
 * have pinned or written are. After a query only the pinned ones are.
 *
 * User memory is written with no lock held, from a snapshot; a fault there gives the bits back.
 */
#include "engine.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "pages.h"
#include "states.h"
#include "pure/dirtymap.h"
#include "pure/iova.h"

enum {
	WINDOW_WORDS = 512,		/* words handed to the sink at once */
};

/* Bytes a bit. Settled by the first domain; domains_rwsem or tree_lock is held. */
static u64 unit(struct vib_ioas *ioas)
{
	return vib_pgsize_smallest(ioas->pgsizes);
}

static u64 nr_bits(struct vib_ioas *ioas, struct vib_mapping *map)
{
	return vib_span_size(&map->span) / unit(ioas);
}

void vib_dirty_mark(struct vib_ioas *ioas, struct vib_mapping *map, u64 iova, u64 size)
{
	u64 pgsize = unit(ioas);
	u64 first = (iova - map->span.start) / pgsize;
	u64 last;

	if (map->dirty && vib_range_last(iova - map->span.start, size, &last))
		vib_dirtymap_set(map->dirty, first, last / pgsize - first + 1);
}

struct seed {
	struct vib_ioas *ioas;
	struct vib_mapping *map;
};

static void seed_page(void *data, u64 iova)
{
	struct seed *seed = data;

	vib_dirty_mark(seed->ioas, seed->map, iova, PAGE_SIZE);
}

/* Only what emulated devices hold is dirty from here on. tree_lock is held. */
static void reseed(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct seed seed = { .ioas = ioas, .map = map };

	if (!map->dirty)
		return;
	vib_dirtymap_fill(map->dirty, nr_bits(ioas, map), false);
	vib_pages_each(map, seed_page, &seed);
}

static u64 *alloc_bitmap(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 bits = nr_bits(ioas, map);
	u64 *bitmap;

	if (bits > INT_MAX)
		return ERR_PTR(-EINVAL);
	bitmap = kvcalloc(vib_dirtymap_words(bits), sizeof(*bitmap), GFP_KERNEL_ACCOUNT);
	return bitmap ? bitmap : ERR_PTR(-ENOMEM);
}

int vib_dirty_prepare(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 *bitmap;

	if (!ioas->tracking || map->dirty)
		return 0;
	bitmap = alloc_bitmap(ioas, map);
	if (IS_ERR(bitmap))
		return PTR_ERR(bitmap);
	map->dirty = bitmap;
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

static int start_one(struct vib_ioas *ioas, struct vib_mapping *map)
{
	int ret;

	ret = vib_dirty_prepare(ioas, map);
	if (ret)
		return ret;
	mutex_lock(&ioas->tree_lock);
	reseed(ioas, map);
	mutex_unlock(&ioas->tree_lock);
	return 0;
}

static void stop_one(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 *bitmap = NULL;

	mutex_lock(&ioas->tree_lock);
	/*
	 * A report of this mapping may be under way; its bitmap goes with the mapping, or is used
	 * again.
	 */
	if (map->state == VIB_LIVE && !map->busy)
		swap(bitmap, map->dirty);
	mutex_unlock(&ioas->tree_lock);
	kvfree(bitmap);
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
		stop_one(ioas, map);
		cond_resched();
	} while (next);
	ioas->tracking = false;
}

static int start_locked(struct vib_ioas *ioas)
{
	struct vib_mapping *map;
	u64 next = 0;
	int ret;

	if (ioas->tracking)
		return 0;
	ioas->tracking = true;
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
	int ret;

	ret = down_write_killable(&ioas->domains_rwsem);
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

void vib_dirty_mark_all(struct vib_ioas *ioas)
{
	struct vib_span *span = vib_maptree_first(&ioas->tree, 0, U64_MAX);

	for (; span; span = vib_maptree_next(span, U64_MAX)) {
		struct vib_mapping *map = vib_mapping_of(span);

		if (map->dirty)
			vib_dirtymap_fill(map->dirty, nr_bits(ioas, map), true);
	}
}

/* Hands a bitmap (NULL: all dirty) of a mapping to the sink, window by window. */
static int emit(struct vib_mapping *map, const u64 *bitmap, struct vib_dirty_sink *sink)
{
	u64 nbits = vib_span_size(&map->span) / sink->pgsize;
	u64 at = (map->span.start - sink->iova) / sink->pgsize;
	u64 total = vib_dirtymap_words(nbits + at % 64);
	u64 *words, word, n;
	int ret = 0;

	words = kmalloc_array(WINDOW_WORDS, sizeof(*words), GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	for (word = 0; word < total && !ret; word += n) {
		n = min_t(u64, total - word, WINDOW_WORDS);
		vib_dirtymap_window(bitmap, nbits, at % 64, word, words, n);
		ret = sink->put(sink, at / 64 + word, words, n, word ? 0 : at % 64);
		cond_resched();
	}
	kfree(words);
	return ret;
}

/* Can a device write this mapping without anybody telling? tree_lock is held. */
static bool all_dirty(struct vib_ioas *ioas, struct vib_mapping *map)
{
	return !map->dirty || (ioas->all_dirty && map->extents.nr);
}

int vib_dirty_emit(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_dirty_sink *sink)
{
	bool all;

	mutex_lock(&ioas->tree_lock);
	all = all_dirty(ioas, map);
	mutex_unlock(&ioas->tree_lock);
	return emit(map, all ? NULL : map->dirty, sink);
}

/* Puts a fresh bitmap in place of the mapping's, which is returned. tree_lock is held. */
static u64 *exchange(struct vib_ioas *ioas, struct vib_mapping *map, u64 *fresh)
{
	swap(map->dirty, fresh);
	reseed(ioas, map);
	return fresh;
}

/* A report failed: what it had taken (NULL: all) is dirty still. tree_lock is held. */
static void give_back(struct vib_ioas *ioas, struct vib_mapping *map, const u64 *taken)
{
	u64 nbits = nr_bits(ioas, map);
	u64 i;

	if (!map->dirty)
		return;
	if (!taken)
		vib_dirtymap_fill(map->dirty, nbits, true);
	for (i = 0; taken && i < vib_dirtymap_words(nbits); i++)
		map->dirty[i] |= taken[i];
}

/*
 * Takes what is to be reported out of a busy mapping: NULL stands for all. @fresh is used up, or
 * NULL where all was dirty a moment ago; should that have changed, all counts as dirty once, as it
 * must.
 */
static u64 *take(struct vib_ioas *ioas, struct vib_mapping *map, u64 *fresh)
{
	u64 *taken = NULL;

	mutex_lock(&ioas->tree_lock);
	if (fresh && !all_dirty(ioas, map)) {
		taken = exchange(ioas, map, fresh);
		fresh = NULL;
	} else {
		reseed(ioas, map);
	}
	mutex_unlock(&ioas->tree_lock);
	kvfree(fresh);
	return taken;
}

/* Reports one mapping, which is busy, and starts it over. */
static int get_one(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_dirty_sink *sink)
{
	u64 *fresh = NULL, *taken;
	bool all;
	int ret;

	mutex_lock(&ioas->tree_lock);
	all = all_dirty(ioas, map);
	mutex_unlock(&ioas->tree_lock);
	if (!all)
		fresh = alloc_bitmap(ioas, map);
	if (IS_ERR(fresh))
		return PTR_ERR(fresh);
	taken = take(ioas, map, fresh);
	ret = emit(map, taken, sink);
	if (ret) {
		mutex_lock(&ioas->tree_lock);
		give_back(ioas, map, taken);
		mutex_unlock(&ioas->tree_lock);
	}
	kvfree(taken);
	return ret;
}

/* The range of a query, checked; tree_lock is held. */
static int check_range(struct vib_ioas *ioas, struct vib_dirty_sink *sink, u64 *last)
{
	if (ioas->dying || sink->pgsize != unit(ioas))
		return -EINVAL;
	if ((sink->iova | sink->size) & (sink->pgsize - 1))
		return -EINVAL;
	if (!READ_ONCE(ioas->tracking))
		return -EINVAL;
	return vib_range_last(sink->iova, sink->size, last) ? 0 : -EOVERFLOW;
}

/*
 * Reports the mappings from @start to @last one after the other. Called with tree_lock, returns
 * without.
 */
static int get_range(struct vib_ioas *ioas, struct vib_dirty_sink *sink, u64 start, u64 last)
{
	LIST_HEAD(orphans);
	int ret;

	for (;;) {
		struct vib_span *span = vib_maptree_first(&ioas->tree, start, last);
		struct vib_mapping *map = vib_mapping_of(span);

		ret = 0;
		if (!span)
			break;
		if (map->state != VIB_LIVE || map->busy) {
			ret = vib_ioas_wait(ioas);
			if (ret)
				return ret;
			mutex_lock(&ioas->tree_lock);
			continue;
		}
		map->busy++;
		start = span->last;
		mutex_unlock(&ioas->tree_lock);
		ret = get_one(ioas, map, sink);
		mutex_lock(&ioas->tree_lock);
		vib_mapping_unbusy(ioas, map, &orphans);
		if (ret || start++ == last)
			break;
	}
	mutex_unlock(&ioas->tree_lock);
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
	return ret;
}

int vib_dirty_get(struct vib_ioas *ioas, struct vib_dirty_sink *sink)
{
	u64 last;
	int ret;

	mutex_lock(&ioas->tree_lock);
	ret = check_range(ioas, sink, &last);
	if (!ret && vib_maptree_bisects(&ioas->tree, sink->iova, last))
		ret = -EINVAL;
	if (!ret)
		return get_range(ioas, sink, sink->iova, last);
	mutex_unlock(&ioas->tree_lock);
	return ret;
}
