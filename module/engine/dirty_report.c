// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty page tracking: queries, and the report of an unmap.
 *
 * A bitmap goes to the sink in windows: tree_lock is held while the bits of one are copied (and, by
 * a query, cleared), never while the sink takes them. If the sink fails, the bits are set again. So
 * a query needs a buffer of one window, whatever the size of the mapping; without memory it uses a
 * small one on the stack.
 */
#include "dirty.h"
#include "engine.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pages.h"
#include "states.h"
#include "walk.h"
#include "pure/dirtymap.h"
#include "pure/iova.h"

enum {
	WINDOW_WORDS = 512,		/* words passed to the sink at once */
	FEW_WORDS = 8,			/* words that need no allocation */
};

/**
 * struct report - dirty bits on their way to a sink
 * @ioas: the address space
 * @sink: takes the bits
 * @clear: clear bits that are reported
 * @tracked: ioas->tracked at the start of the report; bitmaps of another start are ignored
 * @max: words in the buffer
 * @words: the buffer: @few, or one of WINDOW_WORDS
 * @few: buffer that needs no allocation
 */
struct report {
	struct vib_ioas *ioas;
	struct vib_dirty_sink *sink;
	bool clear;
	unsigned int tracked;
	u64 max;
	u64 *words;
	u64 few[FEW_WORDS];
};

/* A window of the bitmap of a mapping. */
struct window {
	struct vib_mapping *map;
	u64 nbits;			/* of the whole mapping */
	unsigned int shift;		/* bit 0 in the first word */
	u64 word;			/* the window's first word */
	u64 nwords;
};

static void report_begin(struct report *rep, struct vib_ioas *ioas, struct vib_dirty_sink *sink,
			 bool clear)
{
	rep->ioas = ioas;
	rep->sink = sink;
	rep->clear = clear;
	rep->words = rep->few;
	rep->max = FEW_WORDS;
}

static void report_end(struct report *rep)
{
	if (rep->words != rep->few)
		kfree(rep->words);
}

/* Allocates a window's buffer if @total words do not fit into the small one; may fail. */
static void widen_buffer(struct report *rep, u64 total)
{
	u64 *words;

	if (total <= FEW_WORDS || rep->words != rep->few)
		return;
	words = kmalloc_array(WINDOW_WORDS, sizeof(*words), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!words)
		return;
	rep->words = words;
	rep->max = WINDOW_WORDS;
}

/* Can a device write to the mapping without a report, so that all is dirty? tree_lock is held. */
static bool is_all_dirty(struct vib_ioas *ioas, const struct vib_mapping *map)
{
	lockdep_assert_held(&ioas->tree_lock);
	return !map->dirty || (ioas->all_dirty && map->extents.nr);
}

/* Is the mapping's bitmap the one that the report is about? tree_lock is held. */
static bool has_bits(const struct report *rep, const struct vib_mapping *map)
{
	lockdep_assert_held(&rep->ioas->tree_lock);
	return map->dirty && rep->tracked == rep->ioas->tracked &&
	       rep->sink->pgsize >> map->dirty_shift == 1;
}

static void mark_page(void *map, u64 iova)
{
	vib_dirty_mark(map, iova, 1);
}

/* Clears what was reported, except pages that emulated devices have pinned. */
static void clear_window(const struct window *win)
{
	struct vib_mapping *map = win->map;
	u64 first, nr;

	nr = vib_dirtymap_bits(win->nbits, win->shift, win->word, win->nwords, &first);
	vib_dirtymap_clear(map->dirty, first, nr);
	if (nr)
		vib_pages_each_in(map, map->span.start + (first << map->dirty_shift),
				  map->span.start + ((first + nr - 1) << map->dirty_shift),
				  mark_page, map);
}

/* Copies a window's bits. Return: true if they were cleared in the bitmap. */
static bool take_window(struct report *rep, const struct window *win)
{
	struct vib_mapping *map = win->map;
	bool taken;

	mutex_lock(&rep->ioas->tree_lock);
	taken = !is_all_dirty(rep->ioas, map) && has_bits(rep, map);
	vib_dirtymap_window(taken ? map->dirty : NULL, win->nbits, win->shift, win->word,
			    rep->words, win->nwords);
	taken &= rep->clear;
	if (taken)
		clear_window(win);
	mutex_unlock(&rep->ioas->tree_lock);
	return taken;
}

/* Sets the bits of a window again that was cleared and could not be reported. */
static void return_window(struct report *rep, const struct window *win)
{
	mutex_lock(&rep->ioas->tree_lock);
	if (has_bits(rep, win->map))
		vib_dirtymap_merge(win->map->dirty, win->nbits, win->shift, win->word, rep->words,
				   win->nwords);
	mutex_unlock(&rep->ioas->tree_lock);
}

/*
 * Reports one mapping, which the caller keeps; with @all set it is dirty as a whole. Pages dirtied
 * meanwhile are left to the next query.
 */
static int report_mapping(struct report *rep, struct vib_mapping *map, bool all)
{
	struct vib_dirty_sink *sink = rep->sink;
	u64 at = (map->span.start - sink->iova) / sink->pgsize;
	struct window win = {
		.map = map,
		.nbits = vib_span_size(&map->span) / sink->pgsize,
		.shift = at % 64,
	};
	u64 total = vib_dirtymap_words(win.nbits + win.shift);
	bool taken = false;
	int ret;

	widen_buffer(rep, total);
	for (; win.word < total; win.word += win.nwords) {
		win.nwords = min(total - win.word, rep->max);
		if (all)
			vib_dirtymap_window(NULL, win.nbits, win.shift, win.word, rep->words,
					    win.nwords);
		else
			taken = take_window(rep, &win);
		ret = sink->put(sink, at / 64 + win.word, rep->words, win.nwords,
				win.word ? 0 : win.shift);
		if (ret && taken)
			return_window(rep, &win);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

int vib_dirty_report(struct vib_ioas *ioas, struct list_head *list, struct vib_dirty_sink *sink,
		     struct vib_mapping **failed)
{
	struct vib_mapping *map;
	struct report rep;
	int ret = 0;

	report_begin(&rep, ioas, sink, false);
	list_for_each_entry(map, list, node) {
		bool all;

		mutex_lock(&ioas->tree_lock);
		rep.tracked = ioas->tracked;
		all = is_all_dirty(ioas, map);
		mutex_unlock(&ioas->tree_lock);
		ret = report_mapping(&rep, map, all);
		if (ret) {
			*failed = map;
			break;
		}
	}
	report_end(&rep);
	return ret;
}

/*
 * Checks the range of a query. Whether it cuts mappings is checked again if more than @maps were
 * made since. tree_lock is held.
 */
static int check_query(struct vib_ioas *ioas, struct vib_dirty_sink *sink, u64 *last, u64 *maps)
{
	lockdep_assert_held(&ioas->tree_lock);
	if (ioas->dying || !ioas->tracking || sink->pgsize != ioas->dirty_unit ||
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
 * Reports one mapping and clears its bits; a busy mark keeps it. tree_lock is held, dropped and
 * taken again.
 */
static int report_live(struct report *rep, struct vib_mapping *map, struct list_head *orphans)
{
	struct vib_ioas *ioas = rep->ioas;
	bool all = is_all_dirty(ioas, map);
	int ret;

	map->busy++;
	mutex_unlock(&ioas->tree_lock);
	/* While a mapping is all dirty its bits do not count; vib_dirty_mark_all() ends that. */
	ret = report_mapping(rep, map, all);
	mutex_lock(&ioas->tree_lock);
	vib_mapping_unbusy(ioas, map, orphans);
	return ret;
}

/*
 * Reports the mappings of the range one after the other. The range is checked again whenever
 * tree_lock was dropped. Called with tree_lock held, returns with it dropped.
 */
static int report_range(struct report *rep, struct list_head *orphans)
{
	struct vib_ioas *ioas = rep->ioas;
	u64 start = rep->sink->iova, maps = U64_MAX, last;
	struct vib_mapping *map = NULL;
	int ret;

	for (;;) {
		ret = check_query(ioas, rep->sink, &last, &maps);
		if (ret)
			break;
		rep->tracked = ioas->tracked;
		/* The latest mapping is still in the tree: it was busy until now, or is DEAD. */
		map = map ? vib_mapping_next(map, last) : vib_mapping_first(ioas, start, last);
		if (!map)
			break;
		if (map->state == VIB_LIVE) {
			start = map->span.last + 1;
			ret = report_live(rep, map, orphans);
			if (ret || start > last)
				break;
		} else if (map->state != VIB_DEAD) {
			ret = vib_ioas_wait(ioas);
			if (ret)
				return ret;
			mutex_lock(&ioas->tree_lock);
			map = NULL;
		}
	}
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

int vib_dirty_get(struct vib_ioas *ioas, struct vib_dirty_sink *sink)
{
	LIST_HEAD(orphans);
	struct report rep;
	int ret;

	report_begin(&rep, ioas, sink, true);
	mutex_lock(&ioas->tree_lock);
	ret = report_range(&rep, &orphans);
	report_end(&rep);
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
	return ret;
}
