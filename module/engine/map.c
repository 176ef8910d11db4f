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
#include "engine.h"
#include "fill_lock.h"
#include "map_job.h"
#include "map_publish.h"
#include "map_steps.h"
#include "mm/rivals.h"
#include "shared.h"
#include "states.h"
#include "trace/refusal.h"
#include "trace/trace.h"

#include <linux/mm.h>

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
	return ret ? ret : vib_map_finish(ioas, map, false);
}

/* vib_job_commit() of the only page of a mapping; unpinned again if it gets into no domain. */
static int commit_page(struct vib_ioas *ioas, struct vib_mapping *map, u64 ext)
{
	bool alone;
	int ret;

	ret = vib_fill_lock(ioas, map->span.start, map->span.last, &alone);
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

/* Publishes a mapping without pinning it. Return: -EAGAIN if there is a domain after all. */
static int record_mapping(struct vib_job *job)
{
	struct vib_ioas *ioas = job->ioas;
	int ret;

	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret)
		return ret;
	ret = list_empty(&ioas->domains) ? vib_map_finish(ioas, job->map, true) : -EAGAIN;
	up_read(&ioas->domains_rwsem);
	return ret;
}

/* Has it failed, maybe only because of other calls that pin memory meanwhile (mm/rivals.h)? */
static bool may_begin_anew(const struct vib_job *job, int ret)
{
	return ret == -ENOMEM && job->pin.rival->yields;
}

/* Pins and fills batch after batch. */
static int populate_batches(struct vib_job *job)
{
	int ret;

	do {
		ret = vib_bar_pin(job->ioas, job->map, &job->pin, &job->batch);
		if (job->pin.sharing)
			vib_shared_note(job->ioas, job->map, job->pin.sharing);
		if (!ret)
			ret = vib_job_commit(job);
		else if (!may_begin_anew(job, ret))
			vib_refuse(job->ioas->handle, VIB_REASON_PIN, ret);
	} while (!ret && job->pin.left);
	return ret;
}

/* The same for a range that is large enough to be shared, and for a crew if it is larger still. */
static noinline_for_stack int populate_large(struct vib_job *job)
{
	struct vib_sharing sharing;
	struct vib_crew crew;
	int ret;

	ret = vib_rival_begin(job->pin.rival, vib_owner_pool(job->pin.owner), job->pin.vaddr,
			      job->pin.left, !job->pin.owner->unlimited);
	if (ret)
		return ret;
	vib_share_begin(&sharing, &job->pin);
	if (job->pin.left >= VIB_CREW_PAGES)
		vib_crew_begin(&crew, &job->pin, vib_threads(job->ioas->params));
	ret = populate_batches(job);
	if (job->pin.crew)
		vib_crew_end(&crew);
	return ret || !job->pin.sharing ? ret : vib_job_publish(job);
}

static int populate_mapping(struct vib_job *job)
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

/*
 * Pins and fills if there are domains, otherwise only records (@record); repeats if that changes
 * meanwhile. @refused: GUP has refused the first page already.
 */
static noinline_for_stack int run_job(struct vib_ioas *ioas, struct vib_mapping *map, bool record,
				      bool refused)
{
	struct vib_rival rival;
	struct vib_job job = {
		.ioas = ioas,
		.map = map,
		.pin = {
			.owner = map->owner,
			.write = map->prot & IOMMU_WRITE,
			.refused = refused,
			.rival = &rival,
		},
	};
	int ret;

	vib_rival_init(&rival);
	vib_extents_init(&job.batch);
	vib_extents_init(&job.room);
	do {
		ret = record ? record_mapping(&job) : populate_mapping(&job);
		if (may_begin_anew(&job, ret)) {
			ret = vib_map_give_way(ioas, map, &rival);
		} else if (ret == -EAGAIN) {
			/* The last domain left meanwhile; a new one may hold what was filled. */
			ret = record ? 0 : vib_map_empty(ioas, map);
			record = !record;
		} else {
			break;
		}
	} while (!ret);
	/* Whoever waits for this call finds what it was charged free; a stuck mapping keeps all. */
	if (unlikely(ret && rival.pool && !(map->flags & VIB_F_STUCK)))
		(void)vib_map_empty(ioas, map);
	vib_rival_end(&rival);
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
