// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of mappings: out of every domain, one sync a domain and batch, then unpinned. Nothing here
 * can fail or needs memory.
 *
 * A batch is a slice of at most BATCH_PAGES pages (and the rest of the extent that it ends in), so
 * that the pages held back by one flush, and the time under domains_rwsem, are bounded. It may cover
 * thousands of small mappings or a part of a large one; neighbours in IOVA go in one call.
 * Invariant: an extent is unpinned only after each domain that held it was synced.
 */
#include "domain.h"
#include "engine.h"

#include <linux/sched.h>

#include "pages.h"
#include "pin.h"

enum {
	BATCH_PAGES = SZ_512M >> PAGE_SHIFT,
};

/* A place in the list of mappings: at extent @ext of @map, which starts at @iova. */
struct cursor {
	struct vib_mapping *map;	/* NULL: behind the last */
	u32 ext;
	u64 iova;
};

static struct vib_mapping *next_in(struct list_head *batch, struct vib_mapping *map)
{
	return list_is_last(&map->batch, batch) ? NULL : list_next_entry(map, batch);
}

/* At the start of a mapping that no slice has come to yet. */
static struct cursor cursor_at(struct vib_mapping *map)
{
	return (struct cursor){ .map = map, .iova = map ? map->span.start : 0 };
}

/* Moves to the next extent, skipping mappings without any left. */
static void settle(struct cursor *at, struct list_head *batch)
{
	while (at->map && at->ext >= at->map->extents.nr)
		*at = cursor_at(next_in(batch, at->map));
}

static u64 step(struct cursor *at)
{
	u64 pages = vib_ext_pages(vib_extents_words(&at->map->extents)[at->ext++]);

	at->iova += pages << PAGE_SHIFT;
	return pages;
}

/* Where a slice that starts at @at ends. */
static struct cursor slice_end(struct cursor at, struct list_head *batch)
{
	u64 pages = 0;

	for (settle(&at, batch); at.map && pages < BATCH_PAGES; settle(&at, batch))
		pages += step(&at);
	return at;
}

static bool before(const struct cursor *at, const struct cursor *end)
{
	return at->map && (at->map != end->map || at->ext < end->ext);
}

/* Takes the slice out of one domain and syncs. Returns the number of flushes; @stuck grows. */
static unsigned int drain_slice(struct vib_domain *dom, struct cursor at, const struct cursor *end,
				struct list_head *batch, bool *stuck)
{
	struct vib_drain drain;
	u64 start = 0, size = 0;
	unsigned int syncs;

	vib_drain_begin(&drain, dom);
	for (settle(&at, batch); before(&at, end); settle(&at, batch)) {
		if (size && start + size != at.iova) {
			vib_drain_range(&drain, start, size);
			size = 0;
		}
		if (!size)
			start = at.iova;
		size += step(&at) << PAGE_SHIFT;
	}
	if (size)
		vib_drain_range(&drain, start, size);
	syncs = vib_drain_sync(&drain);
	*stuck |= drain.stuck;
	return syncs;
}

/* What is still to be uncharged, kept back so that mappings of one owner cost one turn. */
struct account {
	struct vib_owner *owner;
	u64 pages;
};

static void account_flush(struct account *acct)
{
	if (acct->owner)
		vib_owner_uncharge(acct->owner, acct->pages);
	vib_owner_put(acct->owner);
	acct->owner = NULL;
	acct->pages = 0;
}

static void account_add(struct account *acct, struct vib_owner *owner, u64 pages)
{
	if (!pages)
		return;
	if (acct->owner != owner) {
		account_flush(acct);
		acct->owner = vib_owner_get(owner);
	}
	acct->pages += pages;
}

/* Unpins the extents [first, end) of one mapping. */
static void unpin_part(struct vib_mapping *map, u32 first, u32 end, struct account *acct)
{
	u64 pages = vib_unpin(&map->extents, first, end - first, map->prot & IOMMU_WRITE);

	account_add(acct, map->owner, pages);
}

/* Where the part of a slice that lies in at->map ends. */
static u32 part_end(const struct cursor *at, const struct cursor *end)
{
	return at->map == end->map ? end->ext : at->map->extents.nr;
}

/*
 * Notes that every domain has let go of a slice. With @stuck some of it is still translated: its
 * mappings keep all their pins from here on, until no domain is left. domains_rwsem is held.
 */
static void mark_slice(struct cursor at, const struct cursor *end, struct list_head *batch,
		       bool stuck)
{
	for (settle(&at, batch); before(&at, end); settle(&at, batch)) {
		u32 stop = part_end(&at, end);

		if (stuck)
			at.map->flags |= VIB_F_STUCK;
		if (!(at.map->flags & VIB_F_STUCK))
			at.map->first = stop;
		at.ext = stop;
	}
}

static void unpin_slice(struct cursor at, const struct cursor *end, struct list_head *batch,
			struct account *acct)
{
	for (settle(&at, batch); before(&at, end); settle(&at, batch)) {
		u32 stop = part_end(&at, end);

		if (!(at.map->flags & VIB_F_STUCK))
			unpin_part(at.map, at.ext, stop, acct);
		at.ext = stop;
	}
}

/* Drains the slice from @at on out of every domain and unpins it; returns where the next one starts. */
static struct cursor retire_slice(struct vib_ioas *ioas, struct list_head *batch,
				  struct cursor at, struct account *acct)
{
	struct vib_domain *dom;
	unsigned int syncs = 0;
	bool stuck = false;
	struct cursor end;

	down_read(&ioas->domains_rwsem);
	end = slice_end(at, batch);
	list_for_each_entry(dom, &ioas->domains, node)
		syncs += drain_slice(dom, at, &end, batch, &stuck);
	mark_slice(at, &end, batch, stuck);
	up_read(&ioas->domains_rwsem);
	unpin_slice(at, &end, batch, acct);
	if (syncs)
		vib_ioas_count_syncs(ioas, syncs);
	cond_resched();
	return end;
}

/* Out of the tree; what is stuck goes on the shelf, the rest stays in @batch. */
static void erase(struct vib_ioas *ioas, struct list_head *batch)
{
	struct vib_mapping *map, *next;

	mutex_lock(&ioas->tree_lock);
	list_for_each_entry_safe(map, next, batch, batch) {
		vib_maptree_erase(&ioas->tree, &map->span);
		ioas->stats.unmaps++;
		if (map->flags & VIB_F_ENTRY)
			ioas->entries_left++;
		if (map->flags & VIB_F_STUCK)
			list_move(&map->batch, &ioas->stuck);
	}
	vib_ioas_changed(ioas);
	mutex_unlock(&ioas->tree_lock);
}

static void free_all(struct list_head *batch)
{
	struct vib_mapping *map, *next;

	list_for_each_entry_safe(map, next, batch, batch)
		vib_mapping_free(map);
}

void vib_retire(struct vib_ioas *ioas, struct list_head *batch)
{
	struct account acct = {};
	struct cursor at;

	at = cursor_at(list_first_entry(batch, struct vib_mapping, batch));
	do {
		at = retire_slice(ioas, batch, at, &acct);
	} while (at.map);
	erase(ioas, batch);
	account_flush(&acct);
	free_all(batch);
}

void vib_retire_unmapped(struct list_head *batch)
{
	struct account acct = {};
	struct vib_mapping *map;

	list_for_each_entry(map, batch, batch) {
		unpin_part(map, map->first, map->extents.nr, &acct);
		vib_pages_drop(map);
		cond_resched();
	}
	account_flush(&acct);
	free_all(batch);
}
