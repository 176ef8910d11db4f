// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP_DMA: which mappings a range covers, by the rules of the type id. How they end is retire.c's
 * business.
 *
 * Mappings are claimed (LIVE to DRAINING) in batches under tree_lock and retired with it released. One
 * that another call is busy with is waited for. The walk only goes up, so it ends also while others map.
 */
#include "ioas.h"

#include "pure/iova.h"

enum {
	CLAIM_MAX = 8192,		/* mappings claimed in one turn of tree_lock */
};

/* A range to unmap and what has come of it. */
struct sweep {
	struct vib_ioas *ioas;
	u64 next;			/* everything below is done */
	u64 start;
	u64 last;
	bool done;
	u64 unmapped;
};

static struct vib_mapping *mapping_of(struct vib_span *span)
{
	return container_of(span, struct vib_mapping, span);
}

/* Type1's first version stops where a mapping starts before the range. */
static bool v1_stops(struct sweep *sweep, struct vib_span *span)
{
	return !sweep->ioas->v2 && span->start < sweep->start;
}

/*
 * Claims the next mappings. 0; -EAGAIN when the first one is coming or going, with nothing claimed.
 * tree_lock is held.
 */
static int claim(struct sweep *sweep, struct list_head *batch)
{
	struct vib_maptree *tree = &sweep->ioas->tree;
	struct vib_span *span = vib_maptree_first(tree, sweep->next, sweep->last);
	unsigned int nr;

	for (nr = 0; span && !v1_stops(sweep, span) && nr < CLAIM_MAX; nr++) {
		struct vib_mapping *map = mapping_of(span);

		if (map->state != VIB_LIVE)
			return nr ? 0 : -EAGAIN;
		map->state = VIB_DRAINING;
		list_add_tail(&map->batch, batch);
		sweep->ioas->stats.unmaps++;
		sweep->unmapped += vib_span_size(span);
		sweep->next = span->last + 1;
		span = vib_maptree_next(span, sweep->last);
	}
	sweep->done = nr < CLAIM_MAX || !span;
	return 0;
}

/* Is the request one that the type id allows? tree_lock is held. */
static int check_range(struct sweep *sweep, u64 size, bool all)
{
	struct vib_ioas *ioas = sweep->ioas;
	u64 mask = vib_pgsize_smallest(ioas->pgsizes) - 1;

	if (ioas->dying || sweep->start & mask)
		return -EINVAL;
	if (all)
		return sweep->start || size ? -EINVAL : 0;
	if (!size || size & mask)
		return -EINVAL;
	if (!vib_range_last(sweep->start, size, &sweep->last))
		return -EOVERFLOW;
	if (ioas->v2 && vib_maptree_bisects(&ioas->tree, sweep->start, sweep->last))
		return -EINVAL;
	return 0;
}

/* Claims and retires until the range is done. Called with tree_lock, returns without. */
static int sweep_range(struct sweep *sweep)
{
	struct vib_ioas *ioas = sweep->ioas;
	LIST_HEAD(batch);
	int ret;

	for (;;) {
		ret = claim(sweep, &batch);
		if (ret) {
			ret = vib_ioas_wait(ioas);
			if (ret)
				return ret;
		} else {
			mutex_unlock(&ioas->tree_lock);
			if (!list_empty(&batch))
				vib_retire(ioas, &batch);
			INIT_LIST_HEAD(&batch);
			if (sweep->done)
				return 0;
		}
		mutex_lock(&ioas->tree_lock);
	}
}

int vib_unmap(struct vib_ioas *ioas, u64 iova, u64 size, bool all, u64 *unmapped)
{
	struct sweep sweep = {
		.ioas = ioas,
		.next = iova,
		.start = iova,
		.last = U64_MAX,
	};
	int ret;

	*unmapped = 0;
	if (!vib_fits_long(iova) || !vib_fits_long(size))
		return -EOVERFLOW;
	mutex_lock(&ioas->tree_lock);
	ret = check_range(&sweep, size, all);
	if (ret) {
		mutex_unlock(&ioas->tree_lock);
		return ret;
	}
	ret = sweep_range(&sweep);
	*unmapped = sweep.unmapped;
	return ret;
}
