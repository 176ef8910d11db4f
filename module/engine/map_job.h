/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One MAP_DMA that goes in batches: what map.c has pinned, map_batch.c enters into the domains.
 */
#ifndef VIB_MAP_JOB_H
#define VIB_MAP_JOB_H

#include "mapping.h"
#include "mm/pin.h"

struct vib_ioas;

/**
 * struct vib_job - the state of one MAP_DMA
 * @ioas: where
 * @map: the mapping, RESERVED
 * @pin: how much is pinned
 * @batch: pinned, not yet in any domain
 * @room: for it in the mapping, while it is filled
 * @iova: IOVA of the batch
 */
struct vib_job {
	struct vib_ioas *ioas;
	struct vib_mapping *map;
	struct vib_pin pin;
	struct vib_extents batch;
	struct vib_extents room;
	u64 iova;
};

/*
 * Fills a pinned batch into the domains; after the last batch publishes, unless pin.sharing is set.
 * Return: 0, an errno, or -EAGAIN if no domain is left.
 */
int vib_job_commit(struct vib_job *job);

/* Publishes after the last batch what others can use, which is offered first. Return: as above. */
int vib_job_publish(struct vib_job *job);

#endif
