/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How calls get out of each other's way: waiting for mappings that are coming, going or busy, and
 * handing over those whose container ends. Everything is under the ioas' tree_lock.
 */
#ifndef VIB_STATES_H
#define VIB_STATES_H

#include <linux/sched.h>

#include "ioas.h"

/* The LIVE mapping that holds @iova, or NULL. tree_lock is held. */
struct vib_mapping *vib_mapping_find_live(struct vib_ioas *ioas, u64 iova);

/*
 * Lets go of a busy mapping; tree_lock is held. What it adds to @orphans the caller hands to
 * vib_retire() afterwards.
 */
void vib_mapping_unbusy(struct vib_ioas *ioas, struct vib_mapping *map, struct list_head *orphans);

/*
 * Sleeps until some mapping changes state. Called with tree_lock, returns without; -EINTR when
 * killed.
 */
int vib_ioas_wait(struct vib_ioas *ioas);

/* A mapping has left RESERVED or DRAINING. tree_lock is held. */
static inline void vib_ioas_changed(struct vib_ioas *ioas)
{
	lockdep_assert_held(&ioas->tree_lock);
	WRITE_ONCE(ioas->changes, ioas->changes + 1);
	if (wq_has_sleeper(&ioas->wait))
		wake_up_all(&ioas->wait);
}

/*
 * A step of a walk over any number of mappings under tree_lock or domains_rwsem, which both allow
 * sleep: now and then somebody else gets the CPU.
 */
static inline void vib_ioas_step(unsigned long *steps)
{
	if (!(++*steps % 4096))
		cond_resched();
}

/*
 * Moves every LIVE or DEAD mapping out of the tree to @batch; others belong to a call under way.
 * tree_lock is held.
 */
void vib_ioas_take_live(struct vib_ioas *ioas, struct list_head *batch);

/* Moves every DEAD mapping out of the tree to @batch: no domain is left. */
void vib_ioas_take_dead(struct vib_ioas *ioas, struct list_head *batch);

#endif
