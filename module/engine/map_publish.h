/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a MAP_DMA: the mapping becomes LIVE. Inline, for every map does it.
 */
#ifndef VIB_MAP_PUBLISH_H
#define VIB_MAP_PUBLISH_H

#include "bar_life.h"
#include "dirty.h"
#include "map_steps.h"
#include "states.h"
#include "trace/refusal.h"

/*
 * Publishes a mapping that every domain holds and that is ready for dirty tracking; @free if it
 * charges nothing. Return: 0, -EINVAL, -ENOSPC. domains_rwsem is held for read, and tree_lock.
 */
static __always_inline int vib_map_publish(struct vib_ioas *ioas, struct vib_mapping *map,
					   bool free)
{
	lockdep_assert_held(&ioas->domains_rwsem);
	lockdep_assert_held(&ioas->tree_lock);
	if (ioas->dying)
		return vib_refuse(ioas->handle, VIB_REASON_CLOSING, -EINVAL);
	if (free && ioas->entries_left <= 0)
		return vib_map_no_entry(ioas);
	if (free) {
		map->flags |= VIB_F_ENTRY;
		ioas->entries_left--;
	}
	/* From here on, another thread may end the mapping. */
	vib_bar_live(map);
	map->state = VIB_LIVE;
	ioas->stats.maps++;
	vib_ioas_changed(ioas);
	return 0;
}

/*
 * Makes one that every domain holds ready for dirty tracking, and publishes it. domains_rwsem is
 * held for read.
 */
static __always_inline int vib_map_finish(struct vib_ioas *ioas, struct vib_mapping *map, bool free)
{
	int ret;

	lockdep_assert_held(&ioas->domains_rwsem);
	ret = vib_dirty_prepare(ioas, map);
	if (ret)
		return ret;
	mutex_lock(&ioas->tree_lock);
	ret = vib_map_publish(ioas, map, free);
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

#endif
