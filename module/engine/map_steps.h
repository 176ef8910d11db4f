/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of a MAP_DMA (map.c) that many maps in one call (map_many.c) take together.
 */
#ifndef VIB_MAP_STEPS_H
#define VIB_MAP_STEPS_H

#include "engine.h"

/* A mapping that is in no tree yet, or ERR_PTR(-ENOMEM). Undone by vib_mapping_free(). */
struct vib_mapping *vib_map_new(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr, int prot);

/*
 * Occupies the range, with all that can be refused before anything is pinned in the ABI's order,
 * and sets the owner; -EAGAIN when what is in the way is only coming or going. tree_lock is held.
 */
int vib_map_insert(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * Makes a mapping visible that every domain holds and that is ready for dirty tracking; @free when
 * it charges nothing. -EINVAL, -ENOSPC. domains_rwsem is held for read, and tree_lock.
 */
int vib_map_publish(struct vib_ioas *ioas, struct vib_mapping *map, bool free);

/* vib_map() of several ranges at once, map_many.c */

struct vib_bulk_op;

/*
 * Does the maps among @nr operations, in their order, small ones together: 0, or the errno of the
 * one at @done. Those before it are done.
 */
int vib_map_many(struct vib_ioas *ioas, const struct vib_bulk_op *ops, u32 nr, u32 *done);

#endif
