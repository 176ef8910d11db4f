// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_DMA: reserve the IOVA range, pin with no lock held, fill every domain, publish.
 *
 * A large mapping goes in bounded batches: pin one, enter it into every domain under domains_rwsem,
 * drop the lock, pin the next. What a batch adds becomes part of the mapping at once, so an attach
 * in between fills it into its new domain, and a failure has just one thing to undo: the mapping as
 * it is, which retire.c does.
 */
#include "iommu/domain.h"
#include "bar_life.h"
#include "dirty.h"
#include "engine.h"
#include "fill_lock.h"
#include "map_steps.h"
#include "mm/pin.h"
#include "shared.h"
#include "states.h"
#include "trace/refusal.h"
#include "trace/trace.h"

#include <linux/mm.h>

/*
 * The run at the end of a batch may continue in the next one, and the whole run may fit a larger
 * IOMMU page. It is held back until it ends, or is as long as the largest IOMMU page of today.
 */
#define HOLD_MAX	((u64)SZ_1G >> PAGE_SHIFT)

/* All is filled, and what another call has offered meanwhile is to be looked at (shared.h). */
enum { JOIN_FIRST = 1 };

/* The state of one MAP_DMA. */
struct job {
	struct vib_ioas *ioas;
	struct vib_mapping *map;
	struct vib_pin pin;
	struct vib_rival rival;		/* of a large one */
	struct vib_extents batch;	/* pinned, not yet in any domain */
	u64 iova;			/* IOVA of the batch */
};

static __always_inline int make_live(struct vib_ioas *ioas, struct vib_mapping *map, bool free)
{
	lockdep_assert_held(&ioas->domains_rwsem);
	lockdep_assert_held(&ioas->tree_lock);
	if (ioas->dying)
		return vib_refuse(ioas->handle, VIB_REASON_CLOSING, -EINVAL);
	if (free && ioas->entries_left <= 0)
		return vib_map_no_entry(ioas);
	if (free) {
		map->flags |= VIB_F_ENTRY;
		ioas->entries_left--;
	}
	/* From here on, another thread may end the mapping. */
	vib_bar_live(map);
	map->state = VIB_LIVE;
	ioas->stats.maps++;
	vib_ioas_changed(ioas);
	return 0;
}

int vib_map_publish(struct vib_ioas *ioas, struct vib_mapping *map, bool free)
{
	return make_live(ioas, map, free);
}

/*
 * Publishes a filled mapping, @free if it charges nothing. Return: 0, an errno, or JOIN_FIRST.
 * domains_rwsem is held for read.
 */
static __always_inline int publish_mapping(struct vib_ioas *ioas, struct vib_mapping *map,
					   bool free, const struct vib_sharing *sharing)
{
	int ret;

	lockdep_assert_held(&ioas->domains_rwsem);
	vib_extents_trim(&map->extents);
	if (sharing && !vib_shared_offer(map, sharing))
		return JOIN_FIRST;
	ret = vib_dirty_prepare(ioas, map);
	if (ret)
		return ret;
	mutex_lock(&ioas->tree_lock);
	ret = make_live(ioas, map, free);
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

/* Fills the only page of a mapping, and publishes. domains_rwsem is held for read. */
static int fill_page(struct vib_ioas *ioas, struct vib_mapping *map, u64 ext)
{
	bool stuck = false;
	int ret;

	lockdep_assert_held(&ioas->domains_rwsem);
	ret = vib_fill_page(ioas, map->span.start, ext, map->prot, &stuck);
	if (ret)
		vib_refuse(ioas->handle, VIB_REASON_FILL, ret);
	if (ret && !stuck)
		return ret;
	map->flags |= stuck ? VIB_F_STUCK : 0;
	map->extents.one = ext;
	map->extents.nr = 1;
	return ret ? ret : publish_mapping(ioas, map, false, NULL);
}

/* commit_batch() of the only page of a mapping; unpinned again if it gets into no domain. */
static int commit_page(struct vib_ioas *ioas, struct vib_mapping *map, u64 ext)
{
	bool alone;
	int ret;

	ret = vib_fill_lock(ioas, map->span.last, &alone);
	if (!ret) {
		ret = list_empty(&ioas->domains) ? -EAGAIN : fill_page(ioas, map, ext);
		vib_fill_unlock(ioas, alone);
	}
	/* A published mapping may be ended by another thread already. */
	if (ret && !map->extents.nr)
		vib_owner_uncharge(map->owner, vib_unpin_page(ext, map->prot & IOMMU_WRITE));
	return ret;
}

/*
 * Maps a page of ordinary memory, the most frequent case. Return: 0; an errno; -EAGAIN, with
 * nothing done, if run_job() is to do it, and @refused set if GUP has refused the address.
 */
static int map_page(struct vib_ioas *ioas, struct vib_mapping *map, bool *refused)
{
	u64 ext;
	int ret;

	ret = vib_pin_page(map->owner, map->vaddr, map->prot & IOMMU_WRITE, NULL, &ext);
	*refused = ret == -EFAULT;
	return ret ? -EAGAIN : commit_page(ioas, map, ext);
}

/* Fills the first @nr extents of the batch and moves them to the mapping. */
static int fill_extents(struct job *job, u32 nr)
{
	struct vib_extents *batch = &job->batch;
	struct vib_mapping *map = job->map;
	bool stuck = false;
	int ret;

	if (map->extents.nr || nr < batch->nr) {
		ret = vib_extents_reserve(&map->extents, nr);
		if (ret)
			return ret;
	}
	ret = vib_fill_batch(job->ioas, map, job->iova, batch, nr, &stuck);
	if (ret)
		vib_refuse(job->ioas->handle, VIB_REASON_FILL, ret);
	if (ret && !stuck)
		return ret;
	/* Stuck extents must stay pinned, so they go to the mapping, which will be DEAD. */
	map->flags |= stuck ? VIB_F_STUCK : 0;
	vib_extents_move(&map->extents, batch, nr);
	return ret;
}

/* Return: the IOVA behind what is pinned so far. */
static u64 pinned_end(struct job *job)
{
	return job->map->span.start + (job->pin.vaddr - job->map->vaddr);
}

/*
 * Return: how many extents of the batch can be filled now. Splits a long last run at a boundary of
 * the largest IOMMU page.
 */
static u32 count_fillable(struct job *job)
{
	if (!job->pin.left)
		return job->batch.nr;
	return vib_extents_settle(&job->batch, pinned_end(job) >> PAGE_SHIFT, HOLD_MAX);
}

/* What is borrowed is charged, too, if not once more. */
static bool charges_nothing(const struct job *job)
{
	return !job->pin.accounted &&
	       !(job->pin.sharing &&
		 vib_extents_pages(&job->map->extents, 0, VIB_EXT_BORROWED));
}

/*
 * Fills what can be filled now; after the last batch, publishes. Return: as publish_mapping().
 * domains_rwsem is held for read.
 */
static int fill_and_publish(struct job *job)
{
	u32 nr = count_fillable(job);
	int ret;

	vib_bar_fill_begin(job->map, &job->batch, nr, job->iova);
	ret = fill_extents(job, nr);
	if (!ret && !job->pin.left)
		ret = publish_mapping(job->ioas, job->map, charges_nothing(job), job->pin.sharing);
	/* A published mapping may be ended by another thread already. */
	if (ret || job->pin.left)
		vib_bar_fill_end(job->map);
	return ret;
}

/*
 * Fills a pinned batch into the domains; after the last batch, publishes. Return: 0, an errno,
 * -EAGAIN if no domain is left, or JOIN_FIRST.
 */
static int commit_batch(struct job *job)
{
	struct vib_ioas *ioas = job->ioas;
	bool alone;
	int ret;

	ret = vib_fill_lock(ioas, pinned_end(job) - 1, &alone);
	if (ret)
		return ret;
	ret = list_empty(&ioas->domains) ? -EAGAIN : fill_and_publish(job);
	vib_fill_unlock(ioas, alone);
	/* The run that is held back is the start of the next batch. */
	if (job->pin.left)
		job->iova = pinned_end(job) - (vib_extents_pages(&job->batch, 0, 0) << PAGE_SHIFT);
	return ret;
}

/* Publishes a mapping without pinning it. Return: -EAGAIN if there is a domain after all. */
static int record_mapping(struct job *job)
{
	struct vib_ioas *ioas = job->ioas;
	int ret;

	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret)
		return ret;
	ret = list_empty(&ioas->domains) ? publish_mapping(ioas, job->map, true, NULL) : -EAGAIN;
	up_read(&ioas->domains_rwsem);
	return ret;
}

/* Has it failed only because other calls pin the same memory, too (mm/rivals.h)? */
static bool may_begin_anew(const struct job *job, int ret)
{
	return ret == -ENOMEM && job->rival.yields;
}

/* Pins and fills batch after batch. */
static int populate_batches(struct job *job)
{
	int ret;

	do {
		ret = vib_bar_pin(job->ioas, job->map, &job->pin, &job->batch);
		if (job->pin.sharing)
			vib_shared_note(job->ioas, job->map, job->pin.sharing);
		if (!ret)
			ret = commit_batch(job);
		else if (!may_begin_anew(job, ret))
			vib_refuse(job->ioas->handle, VIB_REASON_PIN, ret);
	} while (!ret && job->pin.left);
	return ret;
}

/* The same for a range that is large enough to be shared, and for a crew if it is larger still. */
static noinline_for_stack int populate_large(struct job *job)
{
	struct vib_sharing sharing;
	struct vib_crew crew;
	int ret;

	if (!job->rival.pool)
		vib_rival_begin(&job->rival, job->pin.owner, job->pin.vaddr, job->pin.left);
	vib_share_begin(&sharing, &job->pin, &job->rival);
	if (job->pin.left >= VIB_CREW_PAGES)
		vib_crew_begin(&crew, &job->pin, READ_ONCE(job->ioas->params->map_threads));
	ret = populate_batches(job);
	if (job->pin.crew)
		vib_crew_end(&crew);
	while (ret == JOIN_FIRST) {
		vib_shared_join(job->ioas, job->map, &sharing);
		ret = commit_batch(job);
	}
	return ret;
}

static int populate_mapping(struct job *job)
{
	struct vib_mapping *map = job->map;
	u64 accounted;
	int ret;

	job->iova = map->span.start;
	job->pin.vaddr = map->vaddr;
	job->pin.left = vib_span_size(&map->span) >> PAGE_SHIFT;
	job->pin.accounted = 0;
	job->pin.watched = false;
	job->pin.plain = 0;
	vib_pin_begin(&job->pin);
	ret = job->pin.left < VIB_SHARE_PAGES ? populate_batches(job) : populate_large(job);
	vib_pin_end(&job->pin);
	if (ret) {
		accounted = vib_unpin(&job->batch, 0, job->batch.nr, map->prot & IOMMU_WRITE);
		vib_owner_uncharge(map->owner, accounted);
	}
	vib_extents_fini(&job->batch);
	return ret;
}

/* Takes out, and unpins, what there is of the mapping. Return: -EIO if a domain keeps some. */
static int empty_mapping(struct vib_ioas *ioas, struct vib_mapping *map)
{
	map->flags |= VIB_F_PARTIAL;
	vib_retire_extents(ioas, map);
	if (map->flags & VIB_F_STUCK)
		return -EIO;
	map->flags &= ~VIB_F_PARTIAL;
	return 0;
}

/* At the limit, lets go of all there is, and waits for the others. Return: 0 or an errno. */
static int give_way(struct job *job)
{
	return empty_mapping(job->ioas, job->map) ?: vib_rival_wait(&job->rival);
}

/*
 * Pins and fills if there are domains, otherwise only records (@record); repeats if that changes
 * meanwhile. @refused: GUP has refused the first page already.
 */
static noinline_for_stack int run_job(struct vib_ioas *ioas, struct vib_mapping *map, bool record,
				      bool refused)
{
	struct job job = {
		.ioas = ioas,
		.map = map,
		.pin = {
			.owner = map->owner,
			.write = map->prot & IOMMU_WRITE,
			.refused = refused,
		},
	};
	int ret;

	vib_extents_init(&job.batch);
	do {
		ret = record ? record_mapping(&job) : populate_mapping(&job);
		if (may_begin_anew(&job, ret)) {
			ret = give_way(&job);
		} else if (ret == -EAGAIN) {
			/* The last domain left meanwhile; a new one may hold what was filled. */
			ret = record ? 0 : empty_mapping(ioas, map);
			record = !record;
		} else {
			break;
		}
	} while (!ret);
	/* Whoever waits for this call finds what it was charged free; a stuck mapping keeps all. */
	if (unlikely(ret && job.rival.pool && !(map->flags & VIB_F_STUCK)))
		(void)empty_mapping(ioas, map);
	vib_rival_end(&job.rival);
	return ret;
}

static int map_new(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr, int prot, u16 stamp)
{
	struct vib_mapping *map = vib_mapping_alloc(&ioas->spares);
	bool record, refused = false;
	int ret;

	if (!map)
		return -ENOMEM;
	vib_map_init(map, ioas, iova, last, vaddr, prot);
	map->stamp = stamp;
	ret = vib_map_reserve(ioas, map, &record);
	if (ret) {
		vib_mapping_free(&ioas->spares, map);
		return ret;
	}
	ret = record || last - iova >= PAGE_SIZE ? -EAGAIN : map_page(ioas, map, &refused);
	if (ret == -EAGAIN)
		ret = run_job(ioas, map, record, refused);
	if (ret)
		vib_retire_failed(ioas, map);
	return ret;
}

int vib_map_stamped(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot, u16 stamp)
{
	u64 last;
	int ret;

	ret = vib_map_check_args(ioas, iova, vaddr, size, &last);
	if (!ret && !prot)
		ret = vib_refuse(ioas->handle, VIB_REASON_ACCESS, -EINVAL);
	if (!ret)
		ret = map_new(ioas, iova, last, vaddr, prot, stamp);
	trace_vib_map(ioas->handle, iova, vaddr, size, prot, ret);
	return ret;
}
