// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of mappings: slice by slice (slice.h), they are taken out of every domain, with one sync
 * for each, then unpinned. Nothing here can fail or needs memory. Invariant: an extent is unpinned
 * only after each domain that held it was synced.
 */
#include "iommu/domain_unfill.h"
#include "engine.h"

#include <linux/sched.h>

#include "bar_life.h"
#include "pages.h"
#include "mm/pin.h"
#include "shared.h"
#include "slice.h"
#include "states.h"
#include "trace/trace.h"

/* Sums over a list that is retired. */
struct tally {
	struct vib_owner *owner;	/* of @unpin's pages; a mapping of the list keeps it */
	struct vib_unpinning unpin;
	u64 size;			/* bytes of the mappings */
	unsigned long mappings;
	unsigned int syncs;
	u16 flags;			/* VIB_F_*, of any of them */
	u8 prot;			/* of the mapping that was unpinned last */
	bool pins;			/* emulated devices have pinned some of their pages */
};

/*
 * Marks the mappings that reach into @stuck, which some domain still translates: they keep all
 * their pages until no domain is left. domains_rwsem is held.
 */
static void mark_stuck(struct vib_ioas *ioas, const struct vib_slice *slice,
		       const struct vib_range *stuck, struct tally *tally)
{
	struct vib_mapping *map = slice->map;

	lockdep_assert_held(&ioas->domains_rwsem);
	for (;; map = list_next_entry(map, node)) {
		if (map->span.start <= stuck->last && stuck->start <= map->span.last &&
		    !(map->flags & VIB_F_STUCK)) {
			map->flags |= VIB_F_STUCK;
			map->first = vib_slice_first(slice, map);
			tally->flags |= VIB_F_STUCK;
		}
		if (map == slice->last)
			return;
	}
}

/* Unpins what is pending, and uncharges all that was unpinned. */
static void settle_account(struct tally *tally)
{
	vib_unpin_flush(&tally->unpin);
	if (tally->unpin.accounted)
		vib_owner_uncharge(tally->owner, tally->unpin.accounted);
	tally->unpin.accounted = 0;
}

/*
 * Unpins the extents [first, end) of a mapping; some of them may be deferred to settle_account().
 * Consecutive mappings of one owner are uncharged together.
 */
static __always_inline void unpin_part(struct vib_mapping *map, u32 first, u32 end,
				       struct tally *tally)
{
	if (unlikely(!RB_EMPTY_ROOT(&map->pins)))
		tally->pins = true;
	if (unlikely(map->flags & VIB_F_SHARED))
		return;
	if (tally->owner != map->owner) {
		settle_account(tally);
		tally->owner = map->owner;
	}
	if (tally->prot != map->prot) {
		vib_unpin_flush(&tally->unpin);
		tally->prot = map->prot;
		tally->unpin.dirty = map->prot & IOMMU_WRITE;
	}
	if (!vib_extents_in_place(&map->extents))
		vib_unpin_add_all(&tally->unpin, &map->extents, first, end);
	else if (first < end)
		vib_unpin_add(&tally->unpin, map->extents.one);
}

static void unpin_slice(const struct vib_slice *slice, struct tally *tally)
{
	struct vib_mapping *map = slice->map;
	u32 first = slice->first;

	for (; map != slice->last; map = list_next_entry(map, node), first = 0)
		if (!(map->flags & VIB_F_STUCK))
			unpin_part(map, first, map->extents.nr, tally);
	if (!(map->flags & VIB_F_STUCK))
		unpin_part(map, first, slice->end, tally);
	vib_unpin_flush(&tally->unpin);
}

/* Unfills one slice out of every domain, then unpins it. */
static void retire_slice(struct vib_ioas *ioas, struct vib_slice *slice, struct tally *tally)
{
	struct vib_range stuck = { .start = U64_MAX };

	down_read(&ioas->domains_rwsem);
	vib_slice_cut(slice);
	tally->flags |= slice->flags;
	tally->mappings += slice->mappings;
	tally->size += slice->size;
	tally->syncs += vib_slice_unfill(ioas, slice, &stuck);
	if (!vib_stuck_none(&stuck))
		mark_stuck(ioas, slice, &stuck, tally);
	up_read(&ioas->domains_rwsem);
	unpin_slice(slice, tally);
}

/*
 * Takes a mapping out of the tree, unless it is stuck: then it keeps its range, where a domain may
 * still translate. Moves pages that an emulated device has not unpinned to ioas->kept.
 */
static void erase_one(struct vib_ioas *ioas, struct vib_mapping *map, bool cleared)
{
	if (map->flags & VIB_F_STUCK) {
		list_del(&map->node);
		map->state = VIB_DEAD;
		return;
	}
	if (!cleared)
		vib_maptree_erase(&ioas->tree, &map->span);
	if (map->flags & VIB_F_ENTRY)
		ioas->entries_left++;
	if (map->flags & VIB_F_KEPT)
		vib_pages_keep(&map->pins, &ioas->kept);
}

/* Takes all mappings out of the tree; those that can be freed stay in @list. */
static void erase_list(struct vib_ioas *ioas, struct list_head *list, const struct tally *tally)
{
	struct vib_mapping *map, *next;
	bool all;

	mutex_lock(&ioas->tree_lock);
	all = ioas->tree.nr == tally->mappings && !(tally->flags & VIB_F_STUCK);
	if (all)
		vib_maptree_clear(&ioas->tree);
	if (!all || tally->flags & (VIB_F_ENTRY | VIB_F_KEPT))
		list_for_each_entry_safe(map, next, list, node)
			erase_one(ioas, map, all);
	ioas->stats.unmaps += tally->mappings;
	ioas->stats.syncs += tally->syncs;
	vib_ioas_changed(ioas);
	mutex_unlock(&ioas->tree_lock);
}

/*
 * Unfills a mapping of one page, without slices and gathers. Return: false, with all still to be
 * done, if a driver did not take the page out.
 */
static __always_inline bool unfill_page(struct vib_ioas *ioas, struct vib_mapping *map,
					unsigned int *syncs)
{
	struct vib_domain *dom;
	bool gone = true;

	down_read(&ioas->domains_rwsem);
	list_for_each_entry(dom, &ioas->domains, node) {
		if (unlikely(!vib_domain_covers(dom, map->span.start)))
			continue;
		gone = vib_unfill_page(dom, map->span.start);
		if (!gone)
			break;
		trace_vib_sync(ioas->handle, dom->id, map->span.start, map->span.last, 1);
		++*syncs;
	}
	map->first = gone;
	up_read(&ioas->domains_rwsem);
	return gone;
}

/* Unfills and unpins all extents of the mappings, slice by slice. */
static void unfill_list(struct vib_ioas *ioas, struct list_head *list, struct tally *tally)
{
	struct vib_slice slice;

	vib_slice_begin(&slice, list);
	retire_slice(ioas, &slice, tally);
	while (vib_slice_next(&slice)) {
		cond_resched();
		retire_slice(ioas, &slice, tally);
	}
}

/*
 * Frees the mappings. With @pins, first drops pages that emulated devices have left pinned, and
 * that no driver can unpin any more.
 */
static void free_list(struct vib_ioas *ioas, struct list_head *list, bool pins)
{
	struct vib_mapping *map;

	if (pins)
		list_for_each_entry(map, list, node)
			vib_pages_drop(&map->pins);
	vib_mapping_free_list(&ioas->spares, list);
}

/* vib_retire() of a list without device memory. */
static noinline_for_stack u64 retire_list(struct vib_ioas *ioas, struct list_head *list)
{
	struct tally tally = {};

	unfill_list(ioas, list, &tally);
	/* Before the range is free: a call that waits for it may need what it was charged. */
	settle_account(&tally);
	if (unlikely(tally.flags & VIB_F_USES))
		vib_shared_end(ioas, list);
	erase_list(ioas, list, &tally);
	free_list(ioas, list, tally.pins);
	return tally.size;
}

static noinline u64 retire_alone(struct vib_ioas *ioas, struct vib_mapping *map)
{
	LIST_HEAD(list);

	list_add(&map->node, &list);
	return retire_list(ioas, &list);
}

u64 vib_retire_page(struct vib_ioas *ioas, struct vib_mapping *map)
{
	unsigned int syncs = 0;
	u64 accounted;

	if (unlikely(!unfill_page(ioas, map, &syncs)))
		return retire_alone(ioas, map);
	accounted = vib_unpin_page(*vib_extents_words(&map->extents), map->prot & IOMMU_WRITE);
	vib_owner_uncharge(map->owner, accounted);
	mutex_lock(&ioas->tree_lock);
	vib_maptree_erase(&ioas->tree, &map->span);
	if (map->flags & VIB_F_ENTRY)
		ioas->entries_left++;
	ioas->stats.unmaps++;
	ioas->stats.syncs += syncs;
	vib_ioas_changed(ioas);
	mutex_unlock(&ioas->tree_lock);
	vib_mapping_free(&ioas->spares, map);
	return PAGE_SIZE;
}

u64 vib_retire(struct vib_ioas *ioas, struct list_head *list)
{
	struct vib_mapping *map = list_first_entry(list, struct vib_mapping, node);

	vib_bars_end(ioas, list);
	if (!list_is_singular(list) || !vib_mapping_is_page(map))
		return retire_list(ioas, list);
	list_del(&map->node);
	return vib_retire_page(ioas, map);
}

void vib_retire_failed(struct vib_ioas *ioas, struct vib_mapping *map)
{
	LIST_HEAD(batch);

	mutex_lock(&ioas->tree_lock);
	if (map->flags & VIB_F_STUCK) {
		/* It stays in the tree until no domain is left. */
		map->state = VIB_DEAD;
		vib_ioas_changed(ioas);
		mutex_unlock(&ioas->tree_lock);
		return;
	}
	map->state = VIB_DRAINING;
	map->flags |= VIB_F_PARTIAL;
	mutex_unlock(&ioas->tree_lock);
	list_add(&map->node, &batch);
	vib_retire(ioas, &batch);
}

void vib_retire_extents(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct tally tally = {};
	struct vib_extents old;
	struct vib_use *uses;
	LIST_HEAD(list);

	list_add(&map->node, &list);
	vib_bar_end(ioas, map);
	unfill_list(ioas, &list, &tally);
	settle_account(&tally);
	if (map->flags & VIB_F_STUCK)
		return;
	vib_extents_init(&old);
	down_read(&ioas->domains_rwsem);
	uses = vib_shared_take(map);
	swap(old, map->extents);
	map->first = 0;
	up_read(&ioas->domains_rwsem);
	vib_extents_fini(&old);
	vib_uses_end(uses, vib_threads(ioas->params));
}

void vib_retire_unmapped(struct vib_ioas *ioas, struct list_head *list)
{
	struct tally tally = {};
	struct vib_mapping *map;

	vib_bars_end(ioas, list);
	list_for_each_entry(map, list, node) {
		tally.flags |= map->flags;
		unpin_part(map, map->first, map->extents.nr, &tally);
	}
	settle_account(&tally);
	if (unlikely(tally.flags & (VIB_F_USES | VIB_F_SHARED)))
		list_for_each_entry(map, list, node)
			vib_uses_end(vib_shared_take(map), vib_threads(ioas->params));
	free_list(ioas, list, tally.pins);
}
