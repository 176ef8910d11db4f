// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a mapping keeps its uses of pinned memory, and whose extents it has. Knows nothing of how
 * memory is compared (mm/share.c).
 *
 * Invariant: with VIB_F_SHARED the extents are those of the object that the first use is of; the
 * mapping reads them, and neither changes, unpins nor frees them.
 */
#include "shared.h"

#include <linux/iommu.h>
#include <linux/sched.h>

#include "bar.h"
#include "bar_state.h"
#include "ioas.h"
#include "mm/unpin.h"
#include "pure/stretch.h"

struct vib_use *vib_shared_uses(const struct vib_mapping *map)
{
	struct vib_bar *bar = vib_mapping_bar(map);

	if (map->flags & VIB_F_USES)
		return map->uses;
	return bar ? bar->uses : NULL;
}

static void set_uses(struct vib_mapping *map, struct vib_use *uses)
{
	struct vib_bar *bar = vib_mapping_bar(map);

	if (bar) {
		bar->uses = uses;
		return;
	}
	map->uses = uses;
	if (uses)
		map->flags |= VIB_F_USES;
	else
		map->flags &= ~VIB_F_USES;
}

void vib_shared_note(struct vib_ioas *ioas, struct vib_mapping *map,
		     const struct vib_sharing *sharing)
{
	if (vib_shared_uses(map) == sharing->uses)
		return;
	/* An attach may be about to fill what there is of the mapping, and look for a BAR. */
	down_read(&ioas->domains_rwsem);
	set_uses(map, sharing->uses);
	up_read(&ioas->domains_rwsem);
}

/* Is all of the mapping borrowed from one object, which has nothing else and the same runs? */
static bool has_all_of(struct vib_mapping *map, u64 pages, const struct vib_use *uses)
{
	return uses && !uses->first && uses->end == pages &&
	       uses->of->last - uses->of->start + 1 == pages &&
	       vib_extents_same_runs(&uses->of->extents, &map->extents);
}

/* Which memory a mapping is of, for those that look for it. */
static struct vib_wanted memory_of(const struct vib_mapping *map, u64 after)
{
	u64 at = map->vaddr >> PAGE_SHIFT;

	return (struct vib_wanted){
		.owner = map->owner,
		.at = at,
		.end = at + (vib_span_size(&map->span) >> PAGE_SHIFT),
		.write = map->prot & IOMMU_WRITE,
		.after = after,
	};
}

/* The mapping's uses are @uses from here on, and its extents those of what the first one is of. */
static void share_extents(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_use *uses)
{
	down_read(&ioas->domains_rwsem);
	set_uses(map, uses);
	map->extents = uses->of->extents;
	map->flags |= VIB_F_SHARED;
	up_read(&ioas->domains_rwsem);
}

bool vib_shared_offer(struct vib_ioas *ioas, struct vib_mapping *map,
		      const struct vib_sharing *sharing)
{
	struct vib_wanted what = memory_of(map, sharing->after);
	struct vib_use *uses = sharing->uses;
	struct vib_extents own = map->extents;

	if (map->flags & VIB_F_DEVICE)
		return true;
	if (has_all_of(map, what.end - what.at, uses)) {
		share_extents(ioas, map, uses);
		vib_extents_fini(&own);
		return true;
	}
	uses = vib_pinned_new(&what, &map->extents, uses);
	if (IS_ERR_OR_NULL(uses))
		return !uses;
	share_extents(ioas, map, uses);
	return true;
}

/* Marks all that a mapping has as borrowed: its own pins are gone. */
static void borrow_all(struct vib_mapping *map)
{
	struct vib_stretch st;
	u64 *word;

	vib_for_each_stretch(&st, &map->extents, 0, map->extents.nr) {
		for (word = st.words; word < st.words + st.nr; word++)
			if (*word & VIB_EXT_PINNED)
				*word = (*word & ~VIB_EXT_FLAGS) | VIB_EXT_PINNED |
					VIB_EXT_BORROWED;
		if (st.left)
			cond_resched();
	}
}

void vib_shared_join(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_sharing *sharing)
{
	struct vib_wanted what = memory_of(map, sharing->after);
	struct vib_use *before = sharing->uses;
	struct vib_use *use = vib_share_whole(sharing, &what, &map->extents);
	u64 accounted;

	if (!use)
		return;
	/* Whoever has pinned it first marks it dirty in the end. */
	accounted = vib_unpin(&map->extents, 0, map->extents.nr, false);
	sharing->uses = use;
	down_read(&ioas->domains_rwsem);
	borrow_all(map);
	set_uses(map, use);
	up_read(&ioas->domains_rwsem);
	vib_owner_uncharge(map->owner, accounted);
	vib_uses_end(before, vib_threads(ioas->params));
}

struct vib_use *vib_shared_take(struct vib_mapping *map)
{
	struct vib_use *uses = vib_shared_uses(map);

	if (uses)
		set_uses(map, NULL);
	if (map->flags & VIB_F_SHARED) {
		vib_extents_init(&map->extents);
		map->first = 0;
		map->flags &= ~VIB_F_SHARED;
	}
	return uses;
}

void vib_shared_end(struct vib_ioas *ioas, struct list_head *list)
{
	struct vib_mapping *map;
	struct vib_use *uses;

	list_for_each_entry(map, list, node) {
		if (map->flags & VIB_F_STUCK)
			continue;
		down_read(&ioas->domains_rwsem);
		uses = vib_shared_take(map);
		up_read(&ioas->domains_rwsem);
		vib_uses_end(uses, vib_threads(ioas->params));
	}
}
