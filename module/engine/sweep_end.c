// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a sweep: claimed mappings are announced to whoever uses them, reported, and retired.
 * Busy ones are waited for. What cannot be announced or reported goes back: it is LIVE again.
 */
#include "sweep.h"
#include "dirty.h"

#include <linux/mm.h>

#include "access.h"
#include "compat/list.h"
#include "recorded.h"
#include "states.h"

/* Makes a claimed mapping LIVE again. tree_lock is held. */
static void unclaim_one(struct vib_sweep *sweep, struct vib_mapping *map)
{
	struct vib_ioas *ioas = sweep->ioas;

	lockdep_assert_held(&ioas->tree_lock);
	map->state = VIB_LIVE;
	map->flags &= ~VIB_F_KEPT;
	if (map->flags & VIB_F_INVALID)
		ioas->invalid++;
	/*
	 * Its bitmap is of an earlier start of tracking; without one all is dirty, which is right.
	 */
	if (!ioas->tracking || sweep->tracked != ioas->tracked) {
		kvfree(map->dirty);
		map->dirty = NULL;
	}
}

/*
 * Gives a claimed mapping back. If the container has ended, the mapping is retired instead: by the
 * call that is busy with it, or with the rest of @batch. tree_lock is held.
 */
static void end_claim(struct vib_sweep *sweep, struct vib_mapping *map, struct list_head *batch)
{
	struct vib_ioas *ioas = sweep->ioas;

	lockdep_assert_held(&ioas->tree_lock);
	list_del(&map->node);
	if (!ioas->dying)
		unclaim_one(sweep, map);
	else if (map->busy)
		map->flags |= VIB_F_ORPHAN;
	else
		list_add_tail(&map->node, batch);
}

/* Gives back the mappings from @map on. Nothing of ours is held. */
static void unclaim_rest(struct vib_sweep *sweep, struct vib_mapping *map, struct list_head *batch)
{
	struct vib_ioas *ioas = sweep->ioas;
	struct vib_mapping *next;
	LIST_HEAD(back);

	list_for_each_entry_safe_from(map, next, batch, node)
		list_move_tail(&map->node, &back);
	down_read(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	list_for_each_entry_safe(map, next, &back, node) {
		/*
		 * The last domain has left meanwhile: it is unpinned below, before it is LIVE
		 * again.
		 */
		if (!ioas->restricted && map->extents.nr)
			map->first = map->extents.nr;
		else
			end_claim(sweep, map, batch);
	}
	mutex_unlock(&ioas->tree_lock);
	up_read(&ioas->domains_rwsem);
	list_for_each_entry_safe(map, next, &back, node) {
		vib_recorded_unpin(ioas, map);
		mutex_lock(&ioas->tree_lock);
		end_claim(sweep, map, batch);
		mutex_unlock(&ioas->tree_lock);
	}
	mutex_lock(&ioas->tree_lock);
	vib_ioas_changed(ioas);
	mutex_unlock(&ioas->tree_lock);
}

/*
 * Can something be retired? Any mapping that is not busy; with a sink, which takes bits in the
 * order of IOVA, only all of them.
 */
static bool enough_idle(const struct vib_sweep *sweep)
{
	struct vib_mapping *map;

	list_for_each_entry(map, &sweep->batch, node) {
		bool busy = READ_ONCE(map->busy);

		if (sweep->sink && busy)
			return false;
		if (!sweep->sink && !busy)
			return true;
	}
	return sweep->sink;
}

/*
 * Waits for calls that are busy with claimed mappings, and moves mappings that are not, or no
 * longer, to @idle, at least one. Return: 0, or -EINTR when killed.
 */
static int wait_idle(struct vib_sweep *sweep, struct list_head *idle)
{
	struct vib_ioas *ioas = sweep->ioas;
	struct vib_mapping *map, *next;

	if (wait_event_killable(ioas->wait, enough_idle(sweep)))
		return -EINTR;
	/* The lock orders us behind what these calls did under it. */
	mutex_lock(&ioas->tree_lock);
	list_for_each_entry_safe(map, next, &sweep->batch, node)
		if (!map->busy)
			list_move_tail(&map->node, idle);
	mutex_unlock(&ioas->tree_lock);
	return 0;
}

/* Reports dirty bits of a batch; gives back mappings that could not be reported. */
static int report_dirty(struct vib_sweep *sweep, struct list_head *batch)
{
	struct vib_mapping *failed;
	int ret;

	ret = vib_dirty_report(sweep->ioas, batch, sweep->sink, &failed);
	if (ret)
		unclaim_rest(sweep, failed, batch);
	return ret;
}

static void unclaim_all(struct vib_sweep *sweep, struct list_head *batch)
{
	unclaim_rest(sweep, list_first_entry(batch, struct vib_mapping, node), batch);
}

/* Notifies devices before a batch is retired, and reports it; gives back all on an errno. */
static int announce_end(struct vib_sweep *sweep, struct list_head *batch)
{
	int ret = 0;

	if (!list_empty_careful(&sweep->ioas->devices))
		ret = vib_access_notify(sweep->ioas, batch);
	if (ret) {
		unclaim_all(sweep, batch);
		return ret;
	}
	return sweep->sink ? report_dirty(sweep, batch) : 0;
}

static int by_iova(void *unused, const struct list_head *a, const struct list_head *b)
{
	u64 first = list_entry(a, struct vib_mapping, node)->span.start;

	return first > list_entry(b, struct vib_mapping, node)->span.start;
}

/* Retires mappings of the sweep none of which is busy; on an errno, what was announced. */
static int retire_idle(struct vib_sweep *sweep, struct list_head *batch)
{
	int ret = announce_end(sweep, batch);

	if (!list_empty(batch))
		sweep->unmapped += vib_retire(sweep->ioas, batch);
	INIT_LIST_HEAD(batch);
	return ret;
}

/*
 * Retires the batch as far as nobody is busy with it, waits for the rest, and so on: whoever is
 * busy may be waiting for the range of another mapping. Gives back the rest on an errno.
 */
static int retire_busy(struct vib_sweep *sweep)
{
	struct list_head *batch = &sweep->batch;
	int ret = 0;

	while (!ret && !list_empty(batch)) {
		LIST_HEAD(idle);

		ret = wait_idle(sweep, &idle);
		if (!ret)
			ret = retire_idle(sweep, &idle);
	}
	if (!list_empty(batch)) {
		unclaim_all(sweep, batch);
		/* The container has ended. */
		if (!list_empty(batch))
			sweep->unmapped += vib_retire(sweep->ioas, batch);
	}
	INIT_LIST_HEAD(batch);
	return ret;
}

int vib_sweep_end(struct vib_sweep *sweep)
{
	struct list_head *batch = &sweep->batch;
	int ret;

	sweep->claimed = 0;
	if (list_empty(batch))
		return 0;
	if (sweep->unsorted)
		vib_compat_list_sort(batch, by_iova);
	ret = sweep->busy ? retire_busy(sweep) : retire_idle(sweep, batch);
	sweep->busy = false;
	sweep->unsorted = false;
	return ret;
}
