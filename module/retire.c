// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of mappings: out of every domain, one sync a domain and batch, then unpinned. Nothing
 * here can fail or needs memory.
 *
 * The work goes in slices of at most SLICE_PAGES pages (and the rest of the extent that one ends
 * in), so that the pages held back by one flush, and the time under domains_rwsem, are bounded. A
 * slice may be thousands of small mappings or a part of a large one; neighbours in IOVA go in one
 * call. Invariant: an extent is unpinned only after each domain that held it was synced.
 */
#include "domain.h"
#include "engine.h"

#include <linux/sched.h>

#include "pages.h"
#include "pin.h"
#include "states.h"
#include "trace.h"

enum {
	SLICE_PAGES = SZ_512M >> PAGE_SHIFT,
};

/**
 * struct slice - a stretch of the mappings of a list
 * @list: the mappings, in the order of their IOVA
 * @map: the first one
 * @first: its first extent in the slice
 * @iova: where that is
 * @last: the last mapping
 * @end: behind its last extent in the slice
 */
struct slice {
	struct list_head *list;
	struct vib_mapping *map;
	u32 first;
	u64 iova;
	struct vib_mapping *last;
	u32 end;
};

/* What retiring a list adds up to. */
struct tally {
	struct vib_owner *owner;	/* whom @pages are to be uncharged from */
	u64 pages;
	unsigned long mappings;
	unsigned int syncs;
	bool stuck;			/* some mapping is */
};

static u32 part_first(const struct slice *slice, const struct vib_mapping *map)
{
	return map == slice->map ? slice->first : 0;
}

static u32 part_end(const struct slice *slice, const struct vib_mapping *map)
{
	return map == slice->last ? slice->end : map->extents.nr;
}

/* The mapping after @map in the slice, or NULL. */
static struct vib_mapping *part_next(const struct slice *slice, struct vib_mapping *map)
{
	return map == slice->last ? NULL : list_next_entry(map, batch);
}

static u64 extents_size(struct vib_mapping *map, u32 first, u32 end)
{
	u64 *words = vib_extents_words(&map->extents);
	u64 pages = 0;

	for (; first < end; first++)
		pages += vib_ext_pages(words[first]);
	return pages << PAGE_SHIFT;
}

/* Bytes of the extents [first, end) of a mapping. A whole one says it by its span. */
static u64 part_size(struct vib_mapping *map, u32 first, u32 end)
{
	if (first == 0 && end && end == map->extents.nr && !(map->flags & VIB_F_PARTIAL))
		return vib_span_size(&map->span);
	return extents_size(map, first, end);
}

/*
 * How many extents from @first on, and at least one, make up @size bytes; all when there are less.
 */
static u32 cut_part(struct vib_mapping *map, u32 first, u64 size)
{
	u64 *words = vib_extents_words(&map->extents);
	u64 sum = 0;

	while (first < map->extents.nr && sum < size)
		sum += vib_ext_pages(words[first++]) << PAGE_SHIFT;
	return first;
}

/* Starting at slice->map, takes in what the budget allows. */
static void cut_slice(struct slice *slice)
{
	u64 budget = (u64)SLICE_PAGES << PAGE_SHIFT;
	struct vib_mapping *map = slice->map;
	u32 first = slice->first;

	for (;;) {
		slice->last = map;
		slice->end = map->extents.nr;
		if (first || vib_span_size(&map->span) > budget)
			slice->end = cut_part(map, first, budget);
		if (slice->end < map->extents.nr || list_is_last(&map->batch, slice->list))
			return;
		budget -= min(budget, vib_span_size(&map->span));
		if (!budget)
			return;
		map = list_next_entry(map, batch);
		first = 0;
	}
}

/* Moves on behind the slice; false when that was the end of the list. */
static bool next_slice(struct slice *slice)
{
	struct vib_mapping *last = slice->last;
	u32 first = part_first(slice, last);
	u64 start = last == slice->map ? slice->iova : last->span.start;

	if (slice->end < last->extents.nr) {
		slice->iova = start + extents_size(last, first, slice->end);
		slice->first = slice->end;
		slice->map = last;
		return true;
	}
	if (list_is_last(&last->batch, slice->list))
		return false;
	slice->map = list_next_entry(last, batch);
	slice->first = 0;
	slice->iova = slice->map->span.start;
	return true;
}

/*
 * Takes the slice out of one domain and syncs: the number of flushes. What would not go widens
 * @stuck.
 */
static unsigned int drain_slice(struct vib_ioas *ioas, struct vib_domain *dom,
				const struct slice *slice, struct vib_range *stuck)
{
	struct vib_drain drain;
	struct vib_mapping *map;
	u64 start = 0, size = 0;
	unsigned int syncs;

	vib_drain_begin(&drain, dom);
	for (map = slice->map; map; map = part_next(slice, map)) {
		u64 iova = map == slice->map ? slice->iova : map->span.start;
		u64 part = part_size(map, part_first(slice, map), part_end(slice, map));

		if (size && start + size == iova) {
			size += part;
			continue;
		}
		if (size)
			vib_drain_range(&drain, start, size);
		start = iova;
		size = part;
	}
	if (size)
		vib_drain_range(&drain, start, size);
	syncs = vib_drain_sync(&drain);
	trace_vib_sync(ioas->handle, dom->id, slice->iova, slice->last->span.last, syncs);
	stuck->start = min(stuck->start, drain.stuck.start);
	stuck->last = max(stuck->last, drain.stuck.last);
	return syncs;
}

/*
 * Notes that every domain has let go of a slice, but for @stuck: a mapping that reaches into it
 * keeps all its pins from here on, until no domain is left. domains_rwsem is held.
 */
static void mark_slice(const struct slice *slice, const struct vib_range *stuck,
		       struct tally *tally)
{
	struct vib_mapping *map;

	for (map = slice->map; map; map = part_next(slice, map)) {
		u32 end = part_end(slice, map);

		tally->mappings += end == map->extents.nr;
		if (unlikely(map->span.start <= stuck->last && stuck->start <= map->span.last)) {
			map->flags |= VIB_F_STUCK;
			tally->stuck = true;
		}
		if (!(map->flags & VIB_F_STUCK))
			map->first = end;
	}
}

static void settle(struct tally *tally)
{
	if (!tally->owner)
		return;
	vib_owner_uncharge(tally->owner, tally->pages);
	vib_owner_put(tally->owner);
	tally->owner = NULL;
	tally->pages = 0;
}

/*
 * Unpins the extents [first, end) of a mapping. Mappings of one owner cost one turn of its account.
 */
static void unpin_part(struct vib_mapping *map, u32 first, u32 end, struct tally *tally)
{
	u64 pages = vib_unpin(&map->extents, first, end - first, map->prot & IOMMU_WRITE);

	if (!pages)
		return;
	if (tally->owner != map->owner) {
		settle(tally);
		tally->owner = vib_owner_get(map->owner);
	}
	tally->pages += pages;
}

static void unpin_slice(const struct slice *slice, struct tally *tally)
{
	struct vib_mapping *map;

	for (map = slice->map; map; map = part_next(slice, map))
		if (!(map->flags & VIB_F_STUCK))
			unpin_part(map, part_first(slice, map), part_end(slice, map), tally);
}

/* Drains one slice out of every domain, then unpins it. */
static void retire_slice(struct vib_ioas *ioas, struct slice *slice, struct tally *tally)
{
	struct vib_range stuck = { .start = U64_MAX };
	struct vib_domain *dom;

	down_read(&ioas->domains_rwsem);
	cut_slice(slice);
	list_for_each_entry(dom, &ioas->domains, node)
		tally->syncs += drain_slice(ioas, dom, slice, &stuck);
	mark_slice(slice, &stuck, tally);
	up_read(&ioas->domains_rwsem);
	unpin_slice(slice, tally);
}

/*
 * A mapping leaves the tree, unless it is stuck: then it goes on occupying its range, for a domain
 * may still translate there. One that an emulated device keeps pages of goes on the shelf.
 */
static void strike(struct vib_ioas *ioas, struct vib_mapping *map, bool cleared)
{
	if (map->flags & VIB_F_STUCK) {
		list_del(&map->batch);
		map->state = VIB_DEAD;
		return;
	}
	if (!cleared)
		vib_maptree_erase(&ioas->tree, &map->span);
	if (map->flags & VIB_F_ENTRY)
		ioas->entries_left++;
	if (map->flags & VIB_F_KEPT)
		list_move(&map->batch, &ioas->kept);
}

/* Strikes all; what may be freed stays in @list. */
static void erase(struct vib_ioas *ioas, struct list_head *list, const struct tally *tally)
{
	struct vib_mapping *map, *next;
	bool all;

	mutex_lock(&ioas->tree_lock);
	all = ioas->tree.nr == tally->mappings && !tally->stuck;
	if (all)
		vib_maptree_clear(&ioas->tree);
	list_for_each_entry_safe(map, next, list, batch)
		strike(ioas, map, all);
	ioas->stats.unmaps += tally->mappings;
	ioas->stats.syncs += tally->syncs;
	vib_ioas_changed(ioas);
	mutex_unlock(&ioas->tree_lock);
}

void vib_retire_stuck(struct vib_ioas *ioas, struct vib_mapping *map)
{
	mutex_lock(&ioas->tree_lock);
	map->state = VIB_DEAD;
	vib_ioas_changed(ioas);
	mutex_unlock(&ioas->tree_lock);
}

/* Drains and unpins all extents of the mappings, slice by slice. */
static void drain_list(struct vib_ioas *ioas, struct list_head *list, struct tally *tally)
{
	struct slice slice = { .list = list };

	slice.map = list_first_entry(list, struct vib_mapping, batch);
	slice.iova = slice.map->span.start;
	retire_slice(ioas, &slice, tally);
	while (next_slice(&slice)) {
		cond_resched();
		retire_slice(ioas, &slice, tally);
	}
}

/* What emulated devices have left pinned although nobody is there any more who could unpin it. */
static void drop_pins(struct list_head *list)
{
	struct vib_mapping *map;

	list_for_each_entry(map, list, batch)
		if (!RB_EMPTY_ROOT(&map->pins))
			vib_pages_drop(map);
}

void vib_retire(struct vib_ioas *ioas, struct list_head *list)
{
	struct tally tally = {};

	drain_list(ioas, list, &tally);
	erase(ioas, list, &tally);
	settle(&tally);
	drop_pins(list);
	vib_mapping_free_list(list);
}

void vib_retire_extents(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct tally tally = {};
	LIST_HEAD(list);

	list_add(&map->batch, &list);
	drain_list(ioas, &list, &tally);
	settle(&tally);
	if (map->flags & VIB_F_STUCK)
		return;
	down_read(&ioas->domains_rwsem);
	vib_extents_fini(&map->extents);
	map->first = 0;
	up_read(&ioas->domains_rwsem);
}

void vib_retire_unmapped(struct list_head *list)
{
	struct tally tally = {};
	struct vib_mapping *map;

	list_for_each_entry(map, list, batch) {
		unpin_part(map, map->first, map->extents.nr, &tally);
		cond_resched();
	}
	settle(&tally);
	drop_pins(list);
	vib_mapping_free_list(list);
}
