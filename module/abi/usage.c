// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts what mappings hold. The walk drops tree_lock regularly and goes on by address, so a
 * container with millions of extents delays no other call. It skips mappings that a call owns,
 * because these change without tree_lock.
 */
#include "usage.h"

#include <linux/sched.h>

#include "engine/pages.h"
#include "engine/shared.h"
#include "engine/walk.h"
#include "pure/stretch.h"

enum {
	TURN = 4096,			/* mappings and extents in one turn of tree_lock */
};

/* Where the walk goes on: at extent @extent of the mapping at @iova, or the next mapping. */
struct cursor {
	u64 iova;
	u32 extent;
	int budget;
};

static bool is_settled(const struct vib_mapping *map)
{
	return (map->state == VIB_LIVE || map->state == VIB_DEAD) &&
	       !(map->flags & VIB_F_HANDOVER);
}

static void count_page(void *pages, u64 iova)
{
	(*(u64 *)pages)++;
}

/* Counts what a mapping has through its uses of pinned memory. Return: as count_mapping(). */
static int count_shared(const struct vib_mapping *map, struct vib_usage *usage)
{
	struct vib_use_counts counts = {};
	struct vib_use *use;
	int budget = 0;

	/* Each looks at the other uses of the same memory. */
	for (use = vib_shared_uses(map); use; use = use->next) {
		vib_use_count(use, &counts);
		budget += VIB_USES_MAX;
	}
	usage->accounted += counts.accounted;
	usage->shared += counts.shared;
	usage->metadata += counts.metadata;
	return budget;
}

/* Counts what a mapping has beside its extents. Return: how much of the budget that used. */
static int count_mapping(struct vib_mapping *map, struct vib_usage *usage)
{
	u64 pages = 0;
	int budget;

	budget = count_shared(map, usage);
	usage->metadata += sizeof(*map);
	if (!(map->flags & VIB_F_SHARED))
		usage->metadata += vib_extents_bytes(&map->extents);
	if (map->dirty)
		usage->metadata += (vib_span_size(&map->span) >> map->dirty_shift) / BITS_PER_BYTE;
	vib_pages_each(map, count_page, &pages);
	usage->device_pins += pages;
	usage->metadata += pages * sizeof(struct vib_page);
	return min_t(u64, budget + pages, TURN);
}

/* Counts a mapping's extents as far as the budget allows. Return: false if some are left. */
static bool count_extents(struct vib_mapping *map, struct cursor *cursor, struct vib_usage *usage)
{
	u64 own = map->flags & VIB_F_SHARED ? 0 : VIB_EXT_ACCOUNTED;
	/* The mapping may be another one than in the last turn. */
	u32 first = min(max(cursor->extent, map->first), map->extents.nr);
	u32 end = min_t(u64, (u64)first + cursor->budget, map->extents.nr);
	struct vib_stretch st;
	u32 i;

	vib_for_each_stretch(&st, &map->extents, first, end)
		for (i = 0; i < st.nr; i++) {
			u64 pages = vib_ext_pages(st.words[i]);

			usage->pinned += st.words[i] & VIB_EXT_PINNED ? pages : 0;
			usage->accounted += st.words[i] & own ? pages : 0;
			usage->revoked += vib_ext_is_hole(st.words[i]) ? pages : 0;
		}
	cursor->budget -= end - first;
	cursor->extent = end;
	return end == map->extents.nr;
}

/* Counts for one turn of tree_lock, which is held. Return: false when the walk is complete. */
static bool count_some(struct vib_ioas *ioas, struct cursor *cursor, struct vib_usage *usage)
{
	struct vib_mapping *map = vib_mapping_first(ioas, cursor->iova, U64_MAX);

	lockdep_assert_held(&ioas->tree_lock);
	for (cursor->budget = TURN; map && cursor->budget > 0;
	     map = vib_mapping_next(map, U64_MAX), cursor->budget--) {
		int pages = 0;

		if (map->span.start != cursor->iova || !cursor->extent) {
			cursor->extent = 0;
			if (is_settled(map))
				pages = count_mapping(map, usage);
		}
		cursor->iova = map->span.start;
		if (is_settled(map) && !count_extents(map, cursor, usage))
			return true;
		cursor->budget -= pages;
		cursor->extent = 0;
		if (map->span.last == U64_MAX)
			return false;
		cursor->iova = map->span.last + 1;
	}
	return map;
}

void vib_usage_read(struct vib_ioas *ioas, struct vib_usage *usage)
{
	struct cursor cursor = {};
	bool more;

	*usage = (struct vib_usage){};
	do {
		mutex_lock(&ioas->tree_lock);
		more = count_some(ioas, &cursor, usage);
		mutex_unlock(&ioas->tree_lock);
		cond_resched();
	} while (more);
}
