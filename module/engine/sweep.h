/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sweeps: the mappings that one or more requests unmap are claimed first, then retired together,
 * with one flush a domain for all of them (or for as many as are claimed in a turn of tree_lock).
 *
 * Claimed mappings are DRAINING, and calls that need their range wait. So a sweep never waits for
 * another call while it has mappings claimed: it retires them first, but for those that the other
 * call is busy with.
 */
#ifndef VIB_SWEEP_H
#define VIB_SWEEP_H

#include "engine.h"

struct vib_bulk_op;

/**
 * struct vib_sweep - requests to unmap, and their progress
 * @ioas: the address space
 * @req: the latest request, while it is being claimed
 * @sink: takes the dirty bits, if the sweep has only one request; or NULL
 * @batch: the claimed mappings
 * @claimed: upper bound of their number
 * @unsorted: @batch is not in the order of IOVA
 * @busy: some were busy when they were claimed
 * @tracked: ioas->tracked when the first was claimed
 * @next: everything of the request below it is claimed
 * @last: last byte of the request
 * @ceiling: the request stops at a mapping that ends above it
 * @done: all of the request is claimed
 * @unmapped: result: bytes of the mappings that were retired
 */
struct vib_sweep {
	struct vib_ioas *ioas;
	const struct vib_unmap *req;
	struct vib_dirty_sink *sink;
	struct list_head batch;
	unsigned int claimed;
	bool unsorted;
	bool busy;
	bool done;
	unsigned int tracked;
	u64 next;
	u64 last;
	u64 ceiling;
	u64 unmapped;
};

static inline void vib_sweep_begin(struct vib_sweep *sweep, struct vib_ioas *ioas)
{
	sweep->ioas = ioas;
	sweep->sink = NULL;
	INIT_LIST_HEAD(&sweep->batch);
	sweep->claimed = 0;
	sweep->unsorted = false;
	sweep->busy = false;
	sweep->unmapped = 0;
}

/*
 * Checks a request and claims what it covers. tree_lock is held; it is dropped and taken again if
 * the call has to wait, or claims more than fit in a turn: then a part is retired here. Return: as
 * vib_unmap(). In both cases vib_sweep_end() must follow.
 */
int vib_sweep_claim(struct vib_sweep *sweep, const struct vib_unmap *req);

/*
 * Claims what the first operations unmap, as long as each unmaps exactly one mapping that can be
 * claimed at once. tree_lock is held. Return: how many. vib_sweep_end() must follow.
 */
u32 vib_sweep_claim_run(struct vib_sweep *sweep, const struct vib_bulk_op *ops, u32 nr);

/*
 * Retires what is claimed; without a sink, what nobody is busy with before it waits for the rest.
 * Nothing of ours is held. Return: 0; -EINTR when killed while waiting, or the sink's errno:
 * mappings that were not retired are LIVE again.
 */
int vib_sweep_end(struct vib_sweep *sweep);

#endif
