// SPDX-License-Identifier: GPL-2.0-only
/*
 * States of mappings as seen by calls that need them. vib_ioas_wait() sleeps until any mapping of
 * the ioas changes its state, and the caller then looks again; so it needs no reference to the
 * mapping that it waits for.
 */
#include "states.h"
#include "walk.h"

struct vib_mapping *vib_mapping_find_live(struct vib_ioas *ioas, u64 iova)
{
	struct vib_mapping *map = vib_mapping_first(ioas, iova, iova);

	lockdep_assert_held(&ioas->tree_lock);
	return map && map->state == VIB_LIVE ? map : NULL;
}

void vib_mapping_unbusy(struct vib_ioas *ioas, struct vib_mapping *map, struct list_head *orphans)
{
	lockdep_assert_held(&ioas->tree_lock);
	if (--map->busy)
		return;
	vib_ioas_changed(ioas);
	if (map->flags & VIB_F_ORPHAN)
		list_add_tail(&map->node, orphans);
}

int vib_ioas_wait(struct vib_ioas *ioas)
{
	unsigned int seen = ioas->changes;

	mutex_unlock(&ioas->tree_lock);
	return wait_event_killable(ioas->wait, READ_ONCE(ioas->changes) != seen) ? -EINTR : 0;
}

/*
 * Claims a LIVE mapping because the container ends. Return: false if a call is busy with it: that
 * call will end it.
 */
static bool take_live(struct vib_ioas *ioas, struct vib_mapping *map)
{
	if (map->flags & VIB_F_INVALID)
		ioas->invalid--;
	if (map->busy) {
		map->state = VIB_DRAINING;
		map->flags |= VIB_F_ORPHAN;
		return false;
	}
	if (map->flags & VIB_F_ENTRY)
		ioas->entries_left++;
	return true;
}

void vib_ioas_take_live(struct vib_ioas *ioas, struct list_head *batch)
{
	unsigned long taken = 0, steps = 0;
	struct vib_mapping *map;

	lockdep_assert_held(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, 0, U64_MAX) {
		vib_ioas_step(&steps);
		if (map->state != VIB_DEAD && (map->state != VIB_LIVE || !take_live(ioas, map)))
			continue;
		list_add_tail(&map->node, batch);
		taken++;
	}
	if (taken == ioas->tree.nr)
		vib_maptree_clear(&ioas->tree);
	else
		list_for_each_entry(map, batch, node) {
			vib_ioas_step(&steps);
			vib_maptree_erase(&ioas->tree, &map->span);
		}
	vib_ioas_changed(ioas);
}

void vib_ioas_take_dead(struct vib_ioas *ioas, struct list_head *batch)
{
	struct vib_mapping *map;
	unsigned long steps = 0;
	LIST_HEAD(dead);

	lockdep_assert_held(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, 0, U64_MAX) {
		vib_ioas_step(&steps);
		if (map->state == VIB_DEAD)
			list_add_tail(&map->node, &dead);
	}
	list_for_each_entry(map, &dead, node) {
		vib_maptree_erase(&ioas->tree, &map->span);
		if (map->flags & VIB_F_ENTRY)
			ioas->entries_left++;
	}
	list_splice(&dead, batch);
}
