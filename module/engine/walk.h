/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks over the mappings of an ioas. The caller holds tree_lock from the first step to the last;
 * if it drops the lock, it starts again at an address. Knows nothing of what is done with the
 * mappings.
 */
#ifndef VIB_WALK_H
#define VIB_WALK_H

#include "ioas.h"

/* The lowest mapping that has a byte in [start, last], or NULL. tree_lock is held. */
static inline struct vib_mapping *vib_mapping_first(struct vib_ioas *ioas, u64 start, u64 last)
{
	struct vib_span *span = vib_maptree_first(&ioas->tree, start, last);

	return span ? vib_mapping_of(span) : NULL;
}

/* The next one, if it has a byte at or below @last, or NULL. tree_lock is held. */
static inline struct vib_mapping *vib_mapping_next(struct vib_mapping *map, u64 last)
{
	struct vib_span *span = vib_maptree_next(&map->span, last);

	return span ? vib_mapping_of(span) : NULL;
}

/* Every mapping that has a byte in [start, last], in IOVA order; the body must not erase them. */
#define vib_for_each_mapping(ioas, map, start, last) \
	for (map = vib_mapping_first(ioas, start, last); map; map = vib_mapping_next(map, last))

#endif
