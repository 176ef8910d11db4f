// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP_DMA: finds the mappings that a range covers, by the rules of the type id. sweep_end.c ends
 * them.
 *
 * Mappings are claimed (LIVE to DRAINING) in batches under tree_lock and retired with it released.
 * The walk only goes up, so it ends even while other calls map.
 */
#include "sweep.h"
#include "bulk.h"
#include "dirty.h"

#include <linux/mm.h>

#include "states.h"
#include "walk.h"
#include "trace/trace.h"
#include "pure/iova.h"

enum {
	CLAIM_MAX = 16384,		/* mappings claimed in one turn of tree_lock */
};

static void claim_one(struct vib_ioas *ioas, struct vib_mapping *map, struct list_head *batch)
{
	map->state = VIB_DRAINING;
	if (map->flags & VIB_F_INVALID)
		ioas->invalid--;
	list_add_tail(&map->node, batch);
}

/*
 * At a mapping that starts before the range: the first to claim, or NULL. Type id 1 leaves it and
 * all that follow, but waits for one that may be gone soon: sets @blocked. Other ids pass it over:
 * it was mapped while others were retired. tree_lock is held.
 */
static struct vib_span *pass_early(struct vib_sweep *sweep, struct vib_span *span, bool *blocked)
{
	u8 state = vib_mapping_of(span)->state;

	lockdep_assert_held(&sweep->ioas->tree_lock);
	if (sweep->ioas->v2 || state == VIB_DEAD)
		return vib_maptree_next(span, sweep->last);
	*blocked = state != VIB_LIVE;
	return NULL;
}

/*
 * Claims the next mappings, busy ones too: no new call can use them from here on. Return: 0;
 * -EAGAIN if the first one is RESERVED or DRAINING. tree_lock is held.
 */
static int claim_next(struct vib_sweep *sweep)
{
	unsigned int room = CLAIM_MAX - sweep->claimed;
	struct vib_ioas *ioas = sweep->ioas;
	struct vib_span *span = vib_maptree_first(&ioas->tree, sweep->next, sweep->last);
	bool blocked = false;
	unsigned int nr;
	u32 busy = 0;

	lockdep_assert_held(&ioas->tree_lock);
	/* Set with the first mapping of a batch: which start of tracking its bitmaps are of. */
	if (list_empty(&sweep->batch))
		sweep->tracked = ioas->tracked;
	if (span && span->start < sweep->req->iova)
		span = pass_early(sweep, span, &blocked);
	for (nr = 0; span && span->last <= sweep->ceiling && nr < room; nr++) {
		struct vib_mapping *map = vib_mapping_of(span);

		if (map->state == VIB_LIVE && !(map->flags & VIB_F_HANDOVER)) {
			busy |= map->busy;
			claim_one(ioas, map, &sweep->batch);
		} else if (map->state != VIB_DEAD) {
			blocked = true;
			break;
		}
		span = vib_maptree_next(span, sweep->last);
	}
	sweep->claimed += nr;
	sweep->busy |= busy;
	if (span)
		sweep->next = span->start;
	sweep->done = !blocked && (nr < room || !span);
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

/* vib_sweep_end() in the middle of a sweep. tree_lock is held, dropped and taken again. */
static int end_batch(struct vib_sweep *sweep)
{
	int ret;

	mutex_unlock(&sweep->ioas->tree_lock);
	ret = vib_sweep_end(sweep);
	mutex_lock(&sweep->ioas->tree_lock);
	return ret;
}

/*
 * Waits for a RESERVED or DRAINING mapping, then checks the request again. tree_lock is held,
 * dropped and taken again.
 */
static int wait_turn(struct vib_sweep *sweep)
{
	int ret;

	ret = vib_ioas_wait(sweep->ioas);
	mutex_lock(&sweep->ioas->tree_lock);
	return ret ? ret : vib_unmap_check(sweep->ioas, sweep->req, &sweep->last);
}

/* Would the next request cut a mapping that is claimed and not retired yet? */
static bool cuts_batch(struct vib_sweep *sweep)
{
	const struct vib_unmap *req = sweep->req;
	u64 last;

	return !list_empty(&sweep->batch) && sweep->ioas->v2 && req->size &&
	       vib_range_last(req->iova, req->size, &last) &&
	       vib_maptree_bisects(&sweep->ioas->tree, req->iova, last);
}

/* Checks a request, after retiring mappings that it would cut and that are only claimed. */
static int check_request(struct vib_sweep *sweep)
{
	int ret = 0;

	if (cuts_batch(sweep))
		ret = end_batch(sweep);
	return ret ? ret : vib_unmap_check(sweep->ioas, sweep->req, &sweep->last);
}

static struct vib_mapping *last_claimed(struct vib_sweep *sweep)
{
	return list_last_entry(&sweep->batch, struct vib_mapping, node);
}

/*
 * Claims the one mapping that is exactly the range, if there is one: then no check is needed.
 * Return: false, with nothing done, if the request has to go the long way. tree_lock is held.
 */
static __always_inline bool claim_exact(struct vib_sweep *sweep, u64 iova, u64 size)
{
	struct vib_ioas *ioas = sweep->ioas;
	struct vib_mapping *map;
	struct vib_span *span;
	u64 last;

	lockdep_assert_held(&ioas->tree_lock);
	if (sweep->claimed == CLAIM_MAX || !vib_range_last(iova, size, &last))
		return false;
	span = vib_maptree_first(&ioas->tree, iova, last);
	if (!span || span->start != iova || span->last != last)
		return false;
	map = vib_mapping_of(span);
	if (map->state != VIB_LIVE || map->flags & VIB_F_HANDOVER)
		return false;
	if (list_empty(&sweep->batch))
		sweep->tracked = ioas->tracked;
	else
		sweep->unsorted |= last_claimed(sweep)->span.start > iova;
	sweep->busy |= !!map->busy;
	sweep->claimed++;
	claim_one(ioas, map, &sweep->batch);
	return true;
}

u32 vib_sweep_claim_run(struct vib_sweep *sweep, const struct vib_bulk_op *ops, u32 nr)
{
	u32 i = 0;

	lockdep_assert_held(&sweep->ioas->tree_lock);
	while (i < nr && !ops[i].prot && claim_exact(sweep, ops[i].iova, ops[i].size))
		i++;
	return i;
}

int vib_sweep_claim(struct vib_sweep *sweep, const struct vib_unmap *req)
{
	struct vib_ioas *ioas = sweep->ioas;
	int ret;

	lockdep_assert_held(&ioas->tree_lock);
	if (!vib_fits_long(req->iova) || !vib_fits_long(req->size))
		return vib_refuse(ioas->handle, VIB_REASON_WRAP, -EOVERFLOW);
	sweep->req = req;
	sweep->sink = req->sink;
	if (!req->sink && !req->all && claim_exact(sweep, req->iova, req->size))
		return 0;
	ret = check_request(sweep);
	if (ret)
		return ret;
	sweep->next = req->iova;
	sweep->ceiling = ioas->v2 ? sweep->last : U64_MAX;
	if (!list_empty(&sweep->batch))
		sweep->unsorted |= last_claimed(sweep)->span.start > req->iova;
	for (;;) {
		ret = claim_next(sweep);
		if (!ret && sweep->done)
			return 0;
		/* Never wait with mappings claimed: other calls may be waiting for them. */
		ret = list_empty(&sweep->batch) && ret ? wait_turn(sweep) : end_batch(sweep);
		if (ret)
			return ret;
	}
}

/*
 * Claims the mapping that begins at @iova, if it is one page that nobody is busy with. Return: NULL
 * if the request has to go the long way.
 */
static struct vib_mapping *claim_page(struct vib_ioas *ioas, u64 iova)
{
	struct vib_mapping *map;

	mutex_lock(&ioas->tree_lock);
	map = vib_mapping_first(ioas, iova, iova);
	if (map && map->span.start == iova && map->state == VIB_LIVE && !map->busy &&
	    vib_mapping_is_page(map))
		map->state = VIB_DRAINING;
	else
		map = NULL;
	mutex_unlock(&ioas->tree_lock);
	return map;
}

static noinline_for_stack int unmap_range(struct vib_ioas *ioas, struct vib_unmap *req)
{
	struct vib_sweep sweep;
	int ret;

	vib_sweep_begin(&sweep, ioas);
	mutex_lock(&ioas->tree_lock);
	ret = vib_sweep_claim(&sweep, req);
	mutex_unlock(&ioas->tree_lock);
	/* After an errno nothing is claimed: vib_sweep_claim() of a single request has ended it. */
	if (!ret)
		ret = vib_sweep_end(&sweep);
	req->unmapped = sweep.unmapped;
	return ret;
}

int vib_unmap(struct vib_ioas *ioas, struct vib_unmap *req)
{
	struct vib_mapping *map = NULL;
	int ret = 0;

	/* The most frequent request. */
	if (req->size == PAGE_SIZE && !req->all && !req->sink)
		map = claim_page(ioas, req->iova);
	if (map)
		req->unmapped = vib_retire_page(ioas, map);
	else
		ret = unmap_range(ioas, req);
	trace_vib_unmap(ioas->handle, req->iova, req->size, req->all, req->unmapped, ret);
	return ret;
}
