/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sweeps: the mappings that one or several requests take away are claimed first, then end together,
 * with one flush a domain for all of them (or for as many as are claimed in a turn).
 *
 * What is claimed is DRAINING, and whoever needs its range waits. So nothing that waits for others
 * is done with mappings claimed: a sweep ends those first.
 */
#ifndef VIB_SWEEP_H
#define VIB_SWEEP_H

#include "engine.h"

/**
 * struct vib_sweep - requests to unmap, and what has come of them
 * @ioas: the address space
 * @req: the latest request, while it is being claimed
 * @sink: where the dirty bits go, of a request that is the only one; NULL
 * @batch: what is claimed
 * @claimed: at least as many they are
 * @unsorted: they are not in the order of their IOVA
 * @busy: other calls use some of them
 * @tracked: ioas->tracked when the first was claimed
 * @next: everything of the request below it is claimed
 * @last: the last byte of the request
 * @floor: it stops at a mapping that starts below,
 * @ceiling: or ends above
 * @done: all of it is claimed
 * @unmapped: result: bytes of the mappings that have ended
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
	u64 floor;
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
 * Checks a request and claims what it covers. tree_lock is held; it is dropped and retaken where
 * the call has to wait, or claims more than fit in a turn: then a part ends here. Errors as of
 * vib_unmap(). What is claimed, also before an error, has to be ended.
 */
int vib_sweep_claim(struct vib_sweep *sweep, const struct vib_unmap *req);

/*
 * Ends what is claimed. Nothing of ours is held. -EINTR when killed while another call used some of
 * it, and the sink's errno: then these are as before.
 */
int vib_sweep_end(struct vib_sweep *sweep);

#endif
