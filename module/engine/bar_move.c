// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory whose mapping gets another user address (live update). While the old address is
 * taken back, its end does not matter; what is not the same at the new one is taken out of the
 * domains. Knows nothing of accounts.
 */
#include "bar_life.h"

#include <linux/bitmap.h>
#include <linux/iommu.h>

#include "bar_state.h"
#include "extent_walk.h"
#include "mm/pfnmap.h"
#include "mm/watch.h"

void vib_bar_leave(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct vib_bar *bar = vib_mapping_bar(map);

	lockdep_assert_held(&ioas->tree_lock);
	if (!bar)
		return;
	mutex_lock(&ioas->bars_lock);
	bar->left = true;
	mutex_unlock(&ioas->bars_lock);
}

/* Does the device memory of an extent stand behind @vaddr now? */
static bool is_behind(struct vib_bar *bar, struct vib_owner *owner, u64 ext, u64 vaddr)
{
	struct vib_pin pin = {
		.owner = owner,
		.vaddr = vaddr,
		.left = vib_ext_pages(ext),
		.write = bar->map->prot & IOMMU_WRITE,
	};

	return vib_pfnmap_matches(&pin, vib_ext_pfn(ext));
}

/* Takes what is not the same at the new address out of the domains. */
static void compare_extents(struct vib_bar *bar, struct vib_owner *owner)
{
	struct vib_extent_walk walk;

	vib_for_each_extent(bar->map, &walk) {
		u64 last = walk.iova + (vib_walk_size(&walk) - 1);
		u64 ext = READ_ONCE(*walk.rest.words);

		if (!vib_ext_is_device(ext) ||
		    is_behind(bar, owner, ext, bar->base + (walk.iova - bar->map->span.start)))
			continue;
		/* Keeps domains from being attached or filled meanwhile. */
		down_read(&bar->ioas->domains_rwsem);
		mutex_lock(&bar->ioas->bars_lock);
		vib_bar_revoke(bar, walk.iova, last);
		mutex_unlock(&bar->ioas->bars_lock);
		up_read(&bar->ioas->domains_rwsem);
	}
}

struct vib_watch *vib_bar_watch(struct vib_mapping *map, struct vib_owner *owner, u64 vaddr)
{
	struct vib_bar *bar = vib_mapping_bar(map);

	if (!bar)
		return NULL;
	vib_bar_stop(bar);
	return vib_watch_begin(owner, vaddr, vib_bar_size(bar), vib_bar_event, bar);
}

/* Starts over at a new address: no part of it has ended yet. */
static void begin_anew(struct vib_bar *bar)
{
	u64 pages = vib_bar_size(bar) >> PAGE_SHIFT;
	struct vib_extent_walk walk;

	lockdep_assert_held(&bar->ioas->bars_lock);
	bar->left = false;
	bitmap_zero(bar->gone, bar->gone_end);
	bar->gone_end = 0;
	bitmap_zero(bar->device, pages);
	vib_for_each_extent(bar->map, &walk)
		if (vib_ext_is_device(vib_walk_ext(&walk)))
			vib_bar_note_device(bar, walk.iova, vib_walk_ext(&walk));
	vib_bar_clear_zapped(bar);
}

void vib_bar_move(struct vib_mapping *map, struct vib_owner *owner, struct vib_watch *watch)
{
	struct vib_bar *bar = vib_mapping_bar(map);

	if (!bar)
		return;
	mutex_lock(&bar->ioas->bars_lock);
	swap(bar->watch, watch);
	bar->base = vib_watch_start(bar->watch);
	begin_anew(bar);
	mutex_unlock(&bar->ioas->bars_lock);
	vib_watch_end(watch);
	vib_watch_wait(bar->watch);
	compare_extents(bar, owner);
}
