// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enters what a MAP_DMA has pinned into every domain, batch by batch, and makes it a part of the
 * mapping. Knows nothing of how it is pinned.
 *
 * What needs memory, takes long or frees much is done without domains_rwsem, so nobody waits for
 * that: but for what the drivers need, and the dirty bitmap if there is one.
 */
#include "iommu/domain.h"
#include "engine.h"
#include "bar.h"
#include "fill_lock.h"
#include "map_job.h"
#include "map_publish.h"
#include "pure/extents_move.h"
#include "shared.h"
#include "trace/refusal.h"

/*
 * The run at the end of a batch may continue in the next one, and the whole run may fit a larger
 * IOMMU page. It is held back until it ends, or is as long as the largest IOMMU page of today.
 */
#define HOLD_MAX	((u64)SZ_1G >> PAGE_SHIFT)

/* Fills the first @nr extents of the batch and moves them to the mapping. */
static int fill_extents(struct vib_job *job, u32 nr)
{
	struct vib_extents *batch = &job->batch;
	struct vib_mapping *map = job->map;
	bool stuck = false;
	int ret;

	ret = vib_fill_batch(job->ioas, map, job->iova, batch, nr, &stuck);
	if (ret)
		vib_refuse(job->ioas->handle, VIB_REASON_FILL, ret);
	if (ret && !stuck)
		return ret;
	/* Stuck extents must stay pinned, so they go to the mapping, which will be DEAD. */
	map->flags |= stuck ? VIB_F_STUCK : 0;
	vib_extents_take(&map->extents, &job->room, batch, nr);
	return ret;
}

/* Return: the IOVA behind what is pinned so far. */
static u64 pinned_end(struct vib_job *job)
{
	return job->map->span.start + (job->pin.vaddr - job->map->vaddr);
}

/*
 * Return: how many extents of the batch can be filled now. Splits a long last run at a boundary of
 * the largest IOMMU page.
 */
static u32 count_fillable(struct vib_job *job)
{
	if (!job->pin.left)
		return job->batch.nr;
	return vib_extents_settle(&job->batch, pinned_end(job) >> PAGE_SHIFT, HOLD_MAX);
}

/*
 * Fills the first @nr extents; after the last batch publishes, if the range is not shared.
 * domains_rwsem is held for read.
 */
static int fill_and_publish(struct vib_job *job, u32 nr)
{
	bool last = !job->pin.left && !job->pin.sharing;
	int ret;

	vib_bar_fill_begin(job->map, &job->batch, nr, job->iova);
	ret = fill_extents(job, nr);
	if (!ret && last)
		ret = vib_map_finish(job->ioas, job->map, !job->pin.accounted);
	/* A published mapping may be ended by another thread already. */
	if (ret || !last)
		vib_bar_fill_end(job->map);
	return ret;
}

/*
 * Makes ready what needs memory, before locks are held: nobody waits for that. Return: 0 with @nr
 * set to how many extents of the batch can be filled; -ENOMEM.
 */
static int prepare_batch(struct vib_job *job, u32 *nr)
{
	struct vib_extents *ex = &job->map->extents;
	bool last = !job->pin.left;

	*nr = count_fillable(job);
	if (!last || ex->nr)
		return vib_extents_prepare(&job->room, ex, *nr, last);
	/* The mapping takes all of it as it is. */
	vib_extents_trim(&job->batch);
	return 0;
}

int vib_job_commit(struct vib_job *job)
{
	struct vib_ioas *ioas = job->ioas;
	bool alone;
	u32 nr;
	int ret;

	ret = prepare_batch(job, &nr);
	if (ret)
		return ret;
	ret = vib_fill_lock(ioas, job->iova, pinned_end(job) - 1, &alone);
	if (!ret) {
		ret = list_empty(&ioas->domains) ? -EAGAIN : fill_and_publish(job, nr);
		vib_fill_unlock(ioas, alone);
	}
	vib_extents_fini(&job->room);
	if (ret)
		return ret;
	/* The run that is held back is the start of the next batch. */
	if (job->pin.left)
		job->iova = pinned_end(job) - (vib_extents_pages(&job->batch, 0, 0) << PAGE_SHIFT);
	return 0;
}

/* What is borrowed is charged, too, if not once more. */
static bool charges_nothing(const struct vib_job *job)
{
	return !job->pin.accounted &&
	       !vib_extents_pages(&job->map->extents, 0, VIB_EXT_BORROWED);
}

int vib_job_publish(struct vib_job *job)
{
	struct vib_ioas *ioas = job->ioas;
	bool free;
	int ret;

	for (;;) {
		/* Asked first: extents of another mapping, which this one may get, do not say. */
		free = charges_nothing(job);
		if (vib_shared_offer(ioas, job->map, job->pin.sharing))
			break;
		vib_shared_join(ioas, job->map, job->pin.sharing);
	}
	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret)
		return ret;
	ret = list_empty(&ioas->domains) ? -EAGAIN : vib_map_finish(ioas, job->map, free);
	up_read(&ioas->domains_rwsem);
	return ret;
}
