// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP_DMA: which mappings a range covers, by the rules of the type id. How they end is retire.c's
 * business.
 *
 * Mappings are claimed (LIVE to DRAINING) in batches under tree_lock and retired with it released.
 * One that another call is busy with is waited for. The walk only goes up, so it ends also while
 * others map.
 */
#include "engine.h"
#include "dirty.h"

#include <linux/mm.h>

#include "access.h"
#include "recorded.h"
#include "states.h"
#include "trace/trace.h"
#include "pure/iova.h"

enum {
	CLAIM_MAX = 16384,		/* mappings claimed in one turn of tree_lock */
};

/* A range to unmap and what has come of it. */
struct sweep {
	struct vib_ioas *ioas;
	struct vib_unmap *req;
	u64 next;			/* everything below is done */
	u64 last;
	u64 floor;			/* stops at a mapping that starts below it, */
	u64 ceiling;			/* or ends above it */
	bool done;
	bool busy;			/* of the latest claimed, some were */
	unsigned int tracked;		/* ioas->tracked when the latest were claimed */
};

static void claim_one(struct vib_ioas *ioas, struct vib_mapping *map, struct list_head *batch)
{
	map->state = VIB_DRAINING;
	if (map->flags & VIB_F_INVALID)
		ioas->invalid--;
	list_add_tail(&map->node, batch);
}

/*
 * Claims the next mappings, busy ones too: nobody new gets hold of them from here on. 0; -EAGAIN
 * when the first one is coming or going, with nothing claimed. tree_lock is held.
 */
static int claim_next(struct sweep *sweep, struct list_head *batch)
{
	struct vib_ioas *ioas = sweep->ioas;
	struct vib_span *span = vib_maptree_first(&ioas->tree, sweep->next, sweep->last);
	bool blocked = false;
	unsigned int nr;
	u32 busy = 0;

	lockdep_assert_held(&ioas->tree_lock);
	/* It came while others were retired: neither is it cut, nor does it end the sweep. */
	if (ioas->v2 && span && span->start < sweep->req->iova)
		span = vib_maptree_next(span, sweep->last);
	for (nr = 0; span && span->start >= sweep->floor && span->last <= sweep->ceiling &&
	     nr < CLAIM_MAX; nr++) {
		struct vib_mapping *map = vib_mapping_of(span);

		if (map->state == VIB_LIVE && !(map->flags & VIB_F_HANDOVER)) {
			busy |= map->busy;
			claim_one(ioas, map, batch);
		} else if (map->state != VIB_DEAD) {
			blocked = true;
			break;
		}
		span = vib_maptree_next(span, sweep->last);
	}
	sweep->tracked = ioas->tracked;
	sweep->busy = busy;
	sweep->next = span ? span->start : sweep->last;
	sweep->done = !blocked && (nr < CLAIM_MAX || !span);
	return blocked && !nr ? -EAGAIN : 0;
}

int vib_unmap_check(struct vib_ioas *ioas, const struct vib_unmap *req, u64 *last)
{
	u64 mask = vib_pgsize_smallest(vib_ioas_pgsizes(ioas)) - 1;

	lockdep_assert_held(&ioas->tree_lock);
	if (ioas->dying)
		return vib_refuse(ioas->handle, VIB_REASON_CLOSING, -EINVAL);
	if (req->iova & mask)
		return vib_refuse(ioas->handle, VIB_REASON_ALIGN, -EINVAL);
	if (req->all) {
		*last = U64_MAX;
		if (req->iova || req->size)
			return vib_refuse(ioas->handle, VIB_REASON_ARGS, -EINVAL);
		return 0;
	}
	if (!req->size)
		return vib_refuse(ioas->handle, VIB_REASON_EMPTY, -EINVAL);
	if (req->size & mask)
		return vib_refuse(ioas->handle, VIB_REASON_ALIGN, -EINVAL);
	if (!vib_range_last(req->iova, req->size, last))
		return vib_refuse(ioas->handle, VIB_REASON_WRAP, -EOVERFLOW);
	if (req->sink && (!ioas->tracking || req->sink->pgsize != mask + 1))
		return vib_refuse(ioas->handle, VIB_REASON_BITMAP, -EINVAL);
	if (ioas->v2 && vib_maptree_bisects(&ioas->tree, req->iova, *last))
		return vib_refuse(ioas->handle, VIB_REASON_CUT, -EINVAL);
	return 0;
}

/* One claimed mapping goes back to LIVE. tree_lock is held. */
static void unclaim_one(struct sweep *sweep, struct vib_mapping *map)
{
	struct vib_ioas *ioas = sweep->ioas;

	lockdep_assert_held(&ioas->tree_lock);
	map->state = VIB_LIVE;
	map->flags &= ~VIB_F_KEPT;
	if (map->flags & VIB_F_INVALID)
		ioas->invalid++;
	/* A bitmap of an earlier tracking: none is right, and says that all is dirty. */
	if (!ioas->tracking || sweep->tracked != ioas->tracked) {
		kvfree(map->dirty);
		map->dirty = NULL;
	}
}

/*
 * A claimed mapping goes back. If its container has ended it ends, too, by whoever is busy with it
 * or else with what is left of @batch. tree_lock is held.
 */
static void end_claim(struct sweep *sweep, struct vib_mapping *map, struct list_head *batch)
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

/* Those from @map on go back. Nothing of ours is held. */
static void unclaim_rest(struct sweep *sweep, struct vib_mapping *map, struct list_head *batch)
{
	struct vib_ioas *ioas = sweep->ioas;
	struct vib_mapping *next;
	LIST_HEAD(back);

	list_for_each_entry_safe_from(map, next, batch, node)
		list_move_tail(&map->node, &back);
	down_read(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	list_for_each_entry_safe(map, next, &back, node) {
		/* No domain is left that it was pinned for; a new one waits for the unpinning. */
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

/* Waits until no other call uses what was claimed; -EINTR when killed. */
static int wait_idle(struct sweep *sweep, struct list_head *batch)
{
	struct vib_mapping *map;
	int ret;

	list_for_each_entry(map, batch, node) {
		ret = wait_event_killable(sweep->ioas->wait, !READ_ONCE(map->busy));
		if (ret)
			return -EINTR;
	}
	/* What they did to the mappings, they did under this lock. */
	mutex_lock(&sweep->ioas->tree_lock);
	mutex_unlock(&sweep->ioas->tree_lock);
	return 0;
}

/* Reports the dirty bits of what is about to go; what could not be reported stays mapped. */
static int report_dirty(struct sweep *sweep, struct list_head *batch)
{
	struct vib_mapping *failed;
	int ret;

	ret = vib_dirty_report(sweep->ioas, batch, sweep->req->sink, &failed);
	if (ret)
		unclaim_rest(sweep, failed, batch);
	return ret;
}

/* Tells everybody who has to know before a batch goes; what may not go is taken out of it. */
static int announce_end(struct sweep *sweep, struct list_head *batch)
{
	int ret = 0;

	if (sweep->busy)
		ret = wait_idle(sweep, batch);
	if (!ret && !list_empty_careful(&sweep->ioas->devices))
		ret = vib_access_notify(sweep->ioas, batch);
	if (ret) {
		unclaim_rest(sweep, list_first_entry(batch, struct vib_mapping, node), batch);
		return ret;
	}
	return sweep->req->sink ? report_dirty(sweep, batch) : 0;
}

/* Ends a batch of claimed mappings. */
static int finish_batch(struct sweep *sweep, struct list_head *batch)
{
	int ret;

	if (list_empty(batch))
		return 0;
	ret = announce_end(sweep, batch);
	if (list_empty(batch))
		return ret;
	sweep->req->unmapped += vib_retire(sweep->ioas, batch);
	INIT_LIST_HEAD(batch);
	return ret;
}

/* Waits for a mapping that is coming or going; the rules are looked at again after it. */
static int wait_turn(struct sweep *sweep)
{
	int ret;

	ret = vib_ioas_wait(sweep->ioas);
	if (ret)
		return ret;
	mutex_lock(&sweep->ioas->tree_lock);
	ret = vib_unmap_check(sweep->ioas, sweep->req, &sweep->last);
	if (ret)
		mutex_unlock(&sweep->ioas->tree_lock);
	return ret;
}

/* Claims and retires until the range is done. Called with tree_lock, returns without. */
static int sweep_range(struct sweep *sweep)
{
	struct vib_ioas *ioas = sweep->ioas;
	LIST_HEAD(batch);
	int ret;

	for (;;) {
		if (claim_next(sweep, &batch)) {
			ret = wait_turn(sweep);
			if (ret)
				return ret;
			continue;
		}
		mutex_unlock(&ioas->tree_lock);
		ret = finish_batch(sweep, &batch);
		if (ret || sweep->done)
			return ret;
		mutex_lock(&ioas->tree_lock);
	}
}

static int unmap_range(struct vib_ioas *ioas, struct vib_unmap *req)
{
	struct sweep sweep = {
		.ioas = ioas,
		.req = req,
		.next = req->iova,
		/* Type1's first version stops where a mapping starts before the range. */
		.floor = ioas->v2 ? 0 : req->iova,
		.ceiling = U64_MAX,
	};
	int ret;

	req->unmapped = 0;
	if (!vib_fits_long(req->iova) || !vib_fits_long(req->size))
		return vib_refuse(ioas->handle, VIB_REASON_WRAP, -EOVERFLOW);
	mutex_lock(&ioas->tree_lock);
	ret = vib_unmap_check(ioas, req, &sweep.last);
	if (ret) {
		mutex_unlock(&ioas->tree_lock);
		return ret;
	}
	if (ioas->v2)
		sweep.ceiling = sweep.last;
	return sweep_range(&sweep);
}

int vib_unmap(struct vib_ioas *ioas, struct vib_unmap *req)
{
	int ret = unmap_range(ioas, req);

	trace_vib_unmap(ioas->handle, req->iova, req->size, req->all, req->unmapped, ret);
	return ret;
}
