/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * States of mappings as other calls see them: how a call waits for mappings that are RESERVED,
 * DRAINING or busy, and how those of a container that ends are collected. Everything is under the
 * ioas' tree_lock.
 */
#ifndef VIB_STATES_H
#define VIB_STATES_H

#include <linux/mm.h>
#include <linux/sched.h>

#include "ioas.h"

/*
 * Is it one page of memory, which nobody uses in another way than through the domains, so that no
 * emulated device has to be told of its end? The thread that owns its state asks, or tree_lock is
 * held.
 */
static inline bool vib_mapping_is_page(const struct vib_mapping *map)
{
	return map->extents.nr == 1 && map->span.last - map->span.start < PAGE_SIZE &&
	       !(map->flags & ~(VIB_F_ENTRY | VIB_F_PAGEWISE)) && RB_EMPTY_ROOT(&map->pins);
}

/* The LIVE mapping that holds @iova, or NULL. tree_lock is held. */
struct vib_mapping *vib_mapping_find_live(struct vib_ioas *ioas, u64 iova);

/*
 * Drops one busy mark of a mapping. tree_lock is held; after dropping it, the caller passes what
 * was added to @orphans to vib_retire().
 */
void vib_mapping_unbusy(struct vib_ioas *ioas, struct vib_mapping *map, struct list_head *orphans);

/*
 * Sleeps until some mapping changes state. Called with tree_lock held, returns with it dropped.
 * Return: 0, or -EINTR when killed.
 */
int vib_ioas_wait(struct vib_ioas *ioas);

/*
 * Wakes whoever waits: a mapping has left RESERVED or DRAINING, or is not busy. tree_lock is held.
 */
static inline void vib_ioas_changed(struct vib_ioas *ioas)
{
	lockdep_assert_held(&ioas->tree_lock);
	WRITE_ONCE(ioas->changes, ioas->changes + 1);
	if (wq_has_sleeper(&ioas->wait))
		wake_up_all(&ioas->wait);
}

/*
 * Counts a step of a long walk over mappings, and reschedules every 4096 steps: tree_lock and
 * domains_rwsem both allow sleeping.
 */
static inline void vib_ioas_step(unsigned long *steps)
{
	if (!(++*steps % 4096))
		cond_resched();
}

/*
 * Moves every DEAD mapping, and every LIVE one that is not busy, out of the tree to @batch; others
 * belong to a call under way, which will end them. tree_lock is held.
 */
void vib_ioas_take_live(struct vib_ioas *ioas, struct list_head *batch);

/* Moves every DEAD mapping out of the tree to @batch, when no domain is left. tree_lock is held. */
void vib_ioas_take_dead(struct vib_ioas *ioas, struct list_head *batch);

#endif
