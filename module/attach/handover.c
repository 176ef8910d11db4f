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
#include "mm/rivals.h"

/*
 * Is a mapping recorded, or about to be? A DRAINING one counts, because it may become LIVE again; a
 * RESERVED one does not, because its call will look for domains. tree_lock is held.
 */
static bool awaits_handover(const struct vib_mapping *map)
{
	return (map->state == VIB_LIVE || map->state == VIB_DRAINING) && vib_recorded(map);
}

/* Return: the lowest such mapping from @start on, or NULL. tree_lock is held. */
static struct vib_mapping *next_recorded(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map;

	lockdep_assert_held(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, start, U64_MAX)
		if (awaits_handover(map))
			break;
	return map;
}

/* Does a handover charge the process of the caller? Sets @limited if its limit applies to some. */
static bool charges_caller(struct vib_ioas *ioas, bool *limited)
{
	struct vib_mapping *map = NULL;
	unsigned long steps = 0;
	bool charges = false;

	*limited = false;
	mutex_lock(&ioas->tree_lock);
	if (!ioas->restricted)
		map = next_recorded(ioas, 0);
	for (; map && !*limited; map = vib_mapping_next(map, U64_MAX)) {
		vib_ioas_step(&steps);
		if (!awaits_handover(map) || map->owner->mm != current->mm)
			continue;
		charges = true;
		*limited = !map->owner->unlimited;
	}
	mutex_unlock(&ioas->tree_lock);
	return charges;
}

/*
 * Others are to see what a handover charges the process of the caller; it waits for them only as
 * long as it holds nothing. Return: 0 or -EINTR.
 */
static int enter_rivals(struct vib_ioas *ioas, const struct list_head *adopted,
			struct vib_rival *rival)
{
	struct vib_pool *pool = NULL;
	bool limited = false;
	int ret;

	if (rival->pool)
		return 0;
	if (charges_caller(ioas, &limited))
		pool = vib_pool_get(current->mm);
	limited = limited && list_empty(adopted);
	ret = vib_rival_begin(rival, pool, 0, U64_MAX >> PAGE_SHIFT, limited);
	vib_pool_put(pool);
	return ret;
}

int vib_handover_pin(struct vib_ioas *ioas, struct list_head *adopted, struct vib_rival *rival)
{
	struct vib_mapping *map;
	u64 next = 0;
	int ret;

	ret = enter_rivals(ioas, adopted, rival);
	if (ret)
		return ret;
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
		ret = vib_recorded_pin(ioas, map, rival);
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
