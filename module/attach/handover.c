// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container with emulated devices alone only records mappings: nothing is pinned or charged but
 * what the devices pin. With a domain, every mapping is pinned and charged as a whole, and the
 * pages that devices have pinned are not charged twice. This is the way from one to the other and
 * back.
 *
 * The mappings concerned are busy and marked meanwhile, so nobody claims them; they are linked by
 * @node, which only a claimed mapping needs otherwise.
 */
#include "group.h"

#include "engine/pages.h"
#include "mm/pin.h"
#include "engine/states.h"
#include "engine/walk.h"

/*
 * The lowest mapping from @start on that is recorded only. One that is DRAINING may come back. One
 * that is RESERVED will look for domains itself. tree_lock is held.
 */
static struct vib_mapping *next_recorded(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map;

	lockdep_assert_held(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, start, U64_MAX)
		if ((map->state == VIB_LIVE || map->state == VIB_DRAINING) && !map->extents.nr)
			break;
	return map;
}

/* What devices have pinned of a mapping is charged with the mapping, not through them. */
static void uncharge_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 pages;

	mutex_lock(&ioas->tree_lock);
	pages = vib_pages_set_charged(map, false, U64_MAX);
	mutex_unlock(&ioas->tree_lock);
	vib_owner_uncharge(map->owner, pages);
}

/* A mapping that is pinned as a whole is charged for what devices have pinned of it. */
static bool charged_by_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	lockdep_assert_held(&ioas->tree_lock);
	return !ioas->restricted && !map->extents.nr;
}

void vib_handover_charge_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 pages, noted;

	/* Pages come and go while the account is changed; those that came have another turn. */
	do {
		mutex_lock(&ioas->tree_lock);
		pages = charged_by_pins(ioas, map) ? vib_pages_uncharged(map) : 0;
		mutex_unlock(&ioas->tree_lock);
		vib_owner_recharge(map->owner, pages);
		mutex_lock(&ioas->tree_lock);
		noted = charged_by_pins(ioas, map) ? vib_pages_set_charged(map, true, pages) : 0;
		mutex_unlock(&ioas->tree_lock);
		vib_owner_uncharge(map->owner, pages - noted);
	} while (noted);
}

/* Pins one busy mapping as a whole. */
static int pin_mapping(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct vib_pin pin = {
		.owner = map->owner,
		.vaddr = map->vaddr,
		.left = vib_span_size(&map->span) >> PAGE_SHIFT,
		.write = map->prot & IOMMU_WRITE,
	};
	int ret = 0;

	uncharge_pins(ioas, map);
	vib_pin_begin(&pin);
	while (!ret && pin.left)
		ret = vib_pin_some(&pin, &map->extents, VIB_PIN_BUDGET);
	vib_pin_end(&pin);
	return ret;
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
		if (map->state != VIB_LIVE) {
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
		ret = pin_mapping(ioas, map);
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
	/* With a domain there is none: no need to look at all of them. */
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
		/* No domain holds it, and none may be filled from it. */
		map->first = map->extents.nr;
		list_add_tail(&map->node, released);
	}
	mutex_unlock(&ioas->tree_lock);
}

/*
 * A mapping counts as an entry while it charges nothing; more of them than the limit may come about
 * so.
 */
static void recount_entry(struct vib_ioas *ioas, struct vib_mapping *map)
{
	bool free = !vib_extents_pages(&map->extents, 0, VIB_EXT_ACCOUNTED);

	lockdep_assert_held(&ioas->tree_lock);
	if (free == !!(map->flags & VIB_F_ENTRY))
		return;
	map->flags ^= VIB_F_ENTRY;
	ioas->entries_left += free ? -1 : 1;
}

/* Back to recorded: whatever was pinned is in no domain. */
static void unpin_mapping(struct vib_mapping *map)
{
	u64 accounted = vib_unpin(&map->extents, 0, map->extents.nr, map->prot & IOMMU_WRITE);

	vib_extents_fini(&map->extents);
	map->first = 0;
	vib_owner_uncharge(map->owner, accounted);
}

void vib_handover_end(struct vib_ioas *ioas, struct list_head *mappings, bool filled)
{
	struct vib_mapping *map, *next;
	LIST_HEAD(orphans);

	list_for_each_entry_safe(map, next, mappings, node) {
		if (filled) {
			uncharge_pins(ioas, map);
		} else {
			unpin_mapping(map);
			vib_handover_charge_pins(ioas, map);
		}
		mutex_lock(&ioas->tree_lock);
		list_del(&map->node);
		map->flags &= ~VIB_F_HANDOVER;
		vib_ioas_changed(ioas);
		recount_entry(ioas, map);
		vib_mapping_unbusy(ioas, map, &orphans);
		mutex_unlock(&ioas->tree_lock);
	}
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
}
