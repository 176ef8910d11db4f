// SPDX-License-Identifier: GPL-2.0-only
/*
 * Begin and end of a mapping's device memory. At the first of it that MAP or a handover reads, its
 * user addresses begin to be watched; a mapping without never comes here. Calls down to the worker
 * (bar_restore.c), to what takes device memory out (bar.c) and to the watch.
 */
#include "bar_life.h"

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "bar_state.h"
#include "mm/watch.h"
#include "shared.h"

static struct vib_bar *alloc_bar(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 pages = vib_span_size(&map->span) >> PAGE_SHIFT;
	size_t bitmap = BITS_TO_LONGS(pages) * sizeof(long);
	struct vib_bar *bar;

	/* Too large for a bitmap; no device has 8 TiB. */
	if (pages > INT_MAX)
		return NULL;
	bar = kvzalloc(sizeof(*bar) + 2 * bitmap, GFP_KERNEL_ACCOUNT);
	if (!bar)
		return NULL;
	bar->device = bar->gone + BITS_TO_LONGS(pages);
	bar->ioas = ioas;
	bar->map = map;
	vib_bar_clear_zapped(bar);
	INIT_DELAYED_WORK(&bar->work, vib_bar_restore);
	return bar;
}

/* Begins to watch the user addresses of a mapping. */
static int begin_bar(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct vib_bar *bar = alloc_bar(ioas, map);
	struct vib_watch *watch;

	if (!bar)
		return -ENOMEM;
	if (!vib_owner_hold(map->owner)) {
		kvfree(bar);
		return -ESRCH;
	}
	watch = vib_watch_begin(map->owner, map->vaddr, vib_bar_size(bar), vib_bar_event, bar);
	vib_owner_release(map->owner);
	if (IS_ERR(watch)) {
		kvfree(bar);
		return PTR_ERR(watch);
	}
	bar->uses = vib_shared_uses(map);
	/* An attach may be about to look for a BAR. */
	down_read(&ioas->domains_rwsem);
	/* Under tree_lock: other calls may set flags of a mapping that is busy for a handover. */
	mutex_lock(&ioas->tree_lock);
	map->flags |= VIB_F_DEVICE;
	map->flags &= ~VIB_F_USES;
	map->bar = NULL;
	mutex_unlock(&ioas->tree_lock);
	mutex_lock(&ioas->bars_lock);
	bar->watch = watch;
	bar->base = vib_watch_start(watch);
	map->bar = bar;
	WRITE_ONCE(ioas->nr_bars, ioas->nr_bars + 1);
	mutex_unlock(&ioas->bars_lock);
	up_read(&ioas->domains_rwsem);
	return 0;
}

/*
 * Nothing was read from page @first on yet: what ended there before is not what will be read. This
 * is called for every batch, so it must not go through all of the bitmap.
 * @fresh: nothing that was read before is still to be filled.
 */
static void look_on(struct vib_bar *bar, u64 first, bool fresh)
{
	mutex_lock(&bar->ioas->bars_lock);
	if (bar->gone_end > first) {
		bitmap_clear(bar->gone, first, bar->gone_end - first);
		bar->gone_end = first;
	}
	if (fresh)
		vib_bar_clear_zapped(bar);
	mutex_unlock(&bar->ioas->bars_lock);
}

int __vib_bar_pin(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_pin *pin,
		  struct vib_extents *out)
{
	int ret = 0;

	if (vib_mapping_bar(map))
		look_on(map->bar, (pin->vaddr - map->vaddr) >> PAGE_SHIFT, !out->nr);
	else
		ret = begin_bar(ioas, map);
	if (ret)
		return ret;
	pin->faulted = U64_MAX;
	pin->plain = 0;
	pin->torn = 0;
	pin->watched = true;
	vib_watch_wait(map->bar->watch);
	return vib_pin_some(pin, out, VIB_PIN_BUDGET);
}

void vib_bar_end(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct vib_bar *bar = vib_mapping_bar(map);

	if (!bar)
		return;
	vib_bar_stop(bar);
	/* Keeps an attach from filling what is taken out here. */
	down_read(&ioas->domains_rwsem);
	mutex_lock(&ioas->bars_lock);
	if (bar->entered)
		vib_bar_revoke(bar, map->span.start, map->span.last);
	map->bar = NULL;
	WRITE_ONCE(ioas->nr_bars, ioas->nr_bars - 1);
	mutex_unlock(&ioas->bars_lock);
	if (bar->uses) {
		mutex_lock(&ioas->tree_lock);
		map->uses = bar->uses;
		map->flags |= VIB_F_USES;
		mutex_unlock(&ioas->tree_lock);
	}
	if (bar->stuck && !list_empty(&ioas->domains)) {
		mutex_lock(&ioas->tree_lock);
		map->flags |= VIB_F_STUCK;
		mutex_unlock(&ioas->tree_lock);
	}
	up_read(&ioas->domains_rwsem);
	vib_watch_end(bar->watch);
	kvfree(bar);
}

void vib_bars_end(struct vib_ioas *ioas, struct list_head *list)
{
	struct vib_mapping *map;

	/* Without a lock: mappings of the list were counted before they became LIVE. */
	if (!READ_ONCE(ioas->nr_bars))
		return;
	list_for_each_entry(map, list, node)
		vib_bar_end(ioas, map);
}
