// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings that change between recorded and pinned as a whole, and their account. Knows nothing of
 * groups. Invariant: a page is charged once, through its mapping or through the pins of devices;
 * both may have charged it for a moment, but never neither.
 */
#include "recorded.h"

#include <linux/iommu.h>

#include "bar_life.h"
#include "mm/pin.h"
#include "pages.h"
#include "shared.h"

/* Uncharges pages that devices have pinned of a mapping that is charged as a whole. */
static void uncharge_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 pages;

	mutex_lock(&ioas->tree_lock);
	pages = vib_pages_set_charged(map, false, U64_MAX);
	mutex_unlock(&ioas->tree_lock);
	vib_owner_uncharge(map->owner, pages);
}

/* Are pages that devices have pinned charged one by one, because the mapping is only recorded? */
static bool is_charged_by_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	lockdep_assert_held(&ioas->tree_lock);
	return !ioas->restricted && !map->extents.nr;
}

void vib_recorded_charge_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 pages, noted;

	/* Pages may be pinned and unpinned meanwhile; new ones are charged in another turn. */
	do {
		mutex_lock(&ioas->tree_lock);
		pages = is_charged_by_pins(ioas, map) ? vib_pages_uncharged(map) : 0;
		mutex_unlock(&ioas->tree_lock);
		vib_owner_recharge(map->owner, pages);
		mutex_lock(&ioas->tree_lock);
		noted = is_charged_by_pins(ioas, map) ? vib_pages_set_charged(map, true, pages) : 0;
		mutex_unlock(&ioas->tree_lock);
		vib_owner_uncharge(map->owner, pages - noted);
	} while (noted);
}

/* uncharge_pins() before pinning as a whole. Return: 0, or -EINTR with everything as before. */
static int uncharge_pins_ahead(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 pages;
	int ret;

	mutex_lock(&ioas->tree_lock);
	pages = vib_pages_set_charged(map, false, U64_MAX);
	mutex_unlock(&ioas->tree_lock);
	ret = vib_owner_uncharge_killable(map->owner, pages);
	if (!ret)
		return 0;
	mutex_lock(&ioas->tree_lock);
	pages -= vib_pages_set_charged(map, true, pages);
	mutex_unlock(&ioas->tree_lock);
	/* Pages that were unpinned meanwhile, and that their unpin did not uncharge. */
	vib_owner_uncharge(map->owner, pages);
	return ret;
}

int vib_recorded_pin(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_rival *rival)
{
	struct vib_sharing sharing;
	struct vib_pin pin = {
		.owner = map->owner,
		.vaddr = map->vaddr,
		.left = vib_span_size(&map->span) >> PAGE_SHIFT,
		.write = map->prot & IOMMU_WRITE,
	};
	int ret;

	ret = uncharge_pins_ahead(ioas, map);
	if (ret)
		return ret;
	vib_pin_begin(&pin);
	/* Of another process' memory it cannot be seen what is there now, nor is its limit ours. */
	if (pin.owner->mm == current->mm) {
		pin.rival = rival;
		if (pin.left >= VIB_SHARE_PAGES)
			vib_share_begin(&sharing, &pin);
	}
	while (!ret && pin.left) {
		ret = vib_bar_pin(ioas, map, &pin, &map->extents);
		if (pin.sharing)
			vib_shared_note(ioas, map, &sharing);
	}
	vib_pin_end(&pin);
	vib_extents_trim(&map->extents);
	/* What has been pinned can be used by others, or is what others have pinned meanwhile. */
	if (!ret && pin.sharing)
		while (!vib_shared_offer(ioas, map, &sharing))
			vib_shared_join(ioas, map, &sharing);
	return ret;
}

/*
 * Counts a mapping against dma_entry_limit exactly while it charges nothing; this may exceed the
 * limit.
 */
static void recount_entry(struct vib_ioas *ioas, struct vib_mapping *map)
{
	bool free = !vib_extents_pages(&map->extents, 0, VIB_EXT_ACCOUNTED) &&
		    !vib_extents_pages(&map->extents, 0, VIB_EXT_BORROWED);

	lockdep_assert_held(&ioas->tree_lock);
	if (free == !!(map->flags & VIB_F_ENTRY))
		return;
	map->flags ^= VIB_F_ENTRY;
	ioas->entries_left += free ? -1 : 1;
}

void vib_recorded_end(struct vib_ioas *ioas, struct vib_mapping *map)
{
	vib_bar_live(map);
	uncharge_pins(ioas, map);
	mutex_lock(&ioas->tree_lock);
	recount_entry(ioas, map);
	mutex_unlock(&ioas->tree_lock);
}

void vib_recorded_unpin(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 accounted = 0, noted;
	struct vib_extents old;
	struct vib_use *uses;

	vib_extents_init(&old);
	vib_bar_end(ioas, map);
	if (!(map->flags & VIB_F_SHARED))
		accounted = vib_unpin(&map->extents, 0, map->extents.nr, map->prot & IOMMU_WRITE);
	mutex_lock(&ioas->tree_lock);
	uses = vib_shared_take(map);
	swap(old, map->extents);
	map->first = 0;
	map->flags &= ~VIB_F_DEVICE;
	/* Pages that devices have pinned stay charged, for their pins. */
	noted = is_charged_by_pins(ioas, map) ? vib_pages_set_charged(map, true, accounted) : 0;
	recount_entry(ioas, map);
	mutex_unlock(&ioas->tree_lock);
	vib_extents_fini(&old);
	vib_owner_uncharge(map->owner, accounted - noted);
	vib_recorded_charge_pins(ioas, map);
	vib_uses_end(uses, vib_threads(ioas->params));
}
