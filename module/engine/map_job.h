/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One MAP_DMA that goes in batches: what map.c has pinned, map_batch.c enters into the domains.
 */
#ifndef VIB_MAP_JOB_H
#define VIB_MAP_JOB_H

#include "mapping.h"
#include "mm/pin.h"
#include "mm/rivals.h"

struct vib_ioas;

/* All is filled, and what another call has offered meanwhile is to be looked at (shared.h). */
enum { VIB_JOIN_FIRST = 1 };

/**
 * struct vib_job - the state of one MAP_DMA
 * @ioas: where
 * @map: the mapping, RESERVED
 * @pin: how much is pinned
 * @rival: of a large one
 * @batch: pinned, not yet in any domain
 * @room: for it in the mapping, while it is filled
 * @surplus: extents of the mapping, which uses those of another one
 * @iova: IOVA of the batch
 */
struct vib_job {
	struct vib_ioas *ioas;
	struct vib_mapping *map;
	struct vib_pin pin;
	struct vib_rival rival;
	struct vib_extents batch;
	struct vib_extents room;
	struct vib_extents surplus;
	u64 iova;
};

/*
 * Fills a pinned batch into the domains; after the last batch, publishes. Return: 0, an errno,
 * -EAGAIN if no domain is left, or VIB_JOIN_FIRST: then it is called again, with nothing pinned in
 * between, after vib_shared_join().
 */
int vib_job_commit(struct vib_job *job);

#endif
