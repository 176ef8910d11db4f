// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handover: the first real group joins emulated ones, or the last one leaves them. Finds which
 * mappings change from recorded to pinned as a whole or back (engine/recorded.h), and waits for the
 * calls that own some of them.
 *
 * These mappings are busy and have VIB_F_HANDOVER set meanwhile, so no unmap claims them; they are
 * linked by @node, which otherwise only a claimed mapping uses.
 */
#include "group.h"

#include "engine/recorded.h"
#include "engine/states.h"
#include "engine/walk.h"

/*
 * Return: the lowest mapping from @start on that is recorded or about to be, or NULL. A DRAINING
 * one counts, because it may become LIVE again; a RESERVED one does not, because its call will look
 * for domains. tree_lock is held.
 */
static struct vib_mapping *next_recorded(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map;

	lockdep_assert_held(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, start, U64_MAX)
		if ((map->state == VIB_LIVE || map->state == VIB_DRAINING) && vib_recorded(map))
			break;
	return map;
}

int vib_handover_pin(struct vib_ioas *ioas, struct list_head *adopted)
{
	struct vib_mapping *map;
	u64 next = 0;
	int ret;

	for (;;) {
		mutex_lock(&ioas->tree_lock);
		if (ioas->restricted)
			break;
		map = next_recorded(ioas, next);
		if (!map)
			break;
		if (map->state != VIB_LIVE || map->flags & VIB_F_HANDOVER) {
			ret = vib_ioas_wait(ioas);
			if (ret)
				return ret;
			continue;
		}
		map->busy++;
		map->flags |= VIB_F_HANDOVER;
		list_add_tail(&map->node, adopted);
		next = map->span.last;
		mutex_unlock(&ioas->tree_lock);
		ret = vib_recorded_pin(ioas, map);
		if (ret)
			return ret;
	}
	mutex_unlock(&ioas->tree_lock);
	return 0;
}

bool vib_handover_pending(struct vib_ioas *ioas)
{
	bool pending;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	/* With a domain no mapping is recorded, so the walk can be skipped. */
	pending = !ioas->restricted && next_recorded(ioas, 0);
	mutex_unlock(&ioas->tree_lock);
	return pending;
}

void vib_handover_release(struct vib_ioas *ioas, struct list_head *released)
{
	unsigned long steps = 0;
	struct vib_mapping *map;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, 0, U64_MAX) {
		vib_ioas_step(&steps);
		if (map->state != VIB_LIVE)
			continue;
		map->busy++;
		map->flags |= VIB_F_HANDOVER;
		/* Makes it vib_recorded(): no domain may be filled from it. */
		map->first = map->extents.nr;
		list_add_tail(&map->node, released);
	}
	mutex_unlock(&ioas->tree_lock);
}

void vib_handover_end(struct vib_ioas *ioas, struct list_head *mappings, bool filled)
{
	struct vib_mapping *map, *next;
	LIST_HEAD(orphans);

	list_for_each_entry_safe(map, next, mappings, node) {
		if (filled)
			vib_recorded_end(ioas, map);
		else
			vib_recorded_unpin(ioas, map);
		mutex_lock(&ioas->tree_lock);
		list_del(&map->node);
		map->flags &= ~VIB_F_HANDOVER;
		vib_ioas_changed(ioas);
		vib_mapping_unbusy(ioas, map, &orphans);
		mutex_unlock(&ioas->tree_lock);
	}
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
}
