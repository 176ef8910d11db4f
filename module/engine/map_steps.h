/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of a MAP_DMA (map.c) that many maps in one call (map_many.c) take together.
 */
#ifndef VIB_MAP_STEPS_H
#define VIB_MAP_STEPS_H

#include "engine.h"
#include "states.h"

/* Sets up a mapping that was just allocated and is in no tree yet. */
static inline void vib_map_init(struct vib_mapping *map, struct vib_ioas *ioas, u64 iova, u64 last,
				u64 vaddr, int prot)
{
	map->span.start = iova;
	map->span.last = last;
	map->vaddr = vaddr;
	map->prot = prot;
	map->flags = READ_ONCE(ioas->params->disable_hugepages) ? VIB_F_PAGEWISE : 0;
}

/*
 * Reserves the range and sets the owner, after all checks that come before pinning, in the ABI's
 * order. Return: 0, an errno, or -EAGAIN to wait for a RESERVED or DRAINING mapping there.
 * tree_lock is held.
 */
int vib_map_insert(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * The same with tree_lock taken, waiting for mappings that are RESERVED or DRAINING there; sets
 * @record if there is no domain. Return: 0 or an errno.
 */
static inline int vib_map_reserve(struct vib_ioas *ioas, struct vib_mapping *map, bool *record)
{
	int ret;

	for (;;) {
		mutex_lock(&ioas->tree_lock);
		ret = vib_map_insert(ioas, map);
		if (ret != -EAGAIN)
			break;
		ret = vib_ioas_wait(ioas);
		if (ret)
			return ret;
	}
	*record = !ioas->restricted;
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

/* Reports that dma_entry_limit is reached. Return: -ENOSPC. tree_lock is held. */
int vib_map_no_entry(struct vib_ioas *ioas);

/*
 * Takes out, and unpins, what there is of a mapping that is not complete. Return: 0, or -EIO if a
 * domain keeps some.
 */
int vib_map_empty(struct vib_ioas *ioas, struct vib_mapping *map);

struct vib_rival;

/*
 * At the limit (mm/rivals.h): lets go of all that there is, and waits for the others. Return: 0 to
 * begin anew, or an errno.
 */
int vib_map_give_way(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_rival *rival);

/* vib_map() of several ranges at once, map_many.c */

struct vib_bulk_op;

/*
 * Does the maps among @nr operations, in their order, small ones together; @stamp is as that of
 * vib_map_stamped(). Return: 0, or the errno of the one at @done; those before it are done.
 */
int vib_map_many(struct vib_ioas *ioas, const struct vib_bulk_op *ops, u32 nr, u16 stamp,
		 u32 *done);

#endif
