// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation of mappings. Knows nothing of trees and locks.
 *
 * The cache has a constructor, and a mapping is freed in the state that the constructor gives it,
 * so an allocation writes only what differs between mappings.
 *
 * A client that maps for each of its requests allocates and frees all the time, so an ioas keeps
 * some of what it frees. They stay charged to the memory cgroup that they were allocated for.
 */
#include "mapping.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "mm/owner.h"

enum {
	FREE_BULK = 32,			/* structures handed back to the slab at once */
	/* 64 KiB. None where KASAN is to see that one is used after it was freed. */
	SPARES_MAX = IS_ENABLED(CONFIG_KASAN) ? 0 : 512,
};

static struct kmem_cache *cache;

static void init_mapping(void *object)
{
	struct vib_mapping *map = object;

	memset(map, 0, sizeof(*map));
	vib_extents_init(&map->extents);
	map->pins = RB_ROOT;
}

int vib_mapping_cache_init(void)
{
	BUILD_BUG_ON(sizeof(struct vib_mapping) > 128);
	cache = kmem_cache_create("vib_mapping", sizeof(struct vib_mapping), 0, SLAB_ACCOUNT,
				  init_mapping);
	return cache ? 0 : -ENOMEM;
}

void vib_mapping_cache_fini(void)
{
	kmem_cache_destroy(cache);
}

/* Return: how many of @nr mappings there were among the spares. */
static unsigned int take_spares(struct vib_spares *spares, void **maps, unsigned int nr)
{
	struct vib_mapping *map;
	unsigned int i;

	if (!READ_ONCE(spares->nr))
		return 0;
	spin_lock(&spares->lock);
	nr = min(nr, spares->nr);
	map = spares->first;
	for (i = 0; i < nr; i++, map = map->spare)
		maps[i] = map;
	spares->first = map;
	WRITE_ONCE(spares->nr, spares->nr - nr);
	spin_unlock(&spares->lock);
	return nr;
}

/* Keeps mappings, which are as the constructor makes them, as spares, or frees them. */
static void give_back(struct vib_spares *spares, void **maps, unsigned int nr)
{
	struct vib_mapping *map, *first;
	unsigned int kept, i;

	spin_lock(&spares->lock);
	kept = min(nr, SPARES_MAX - spares->nr);
	first = spares->first;
	for (i = 0; i < kept; i++, first = map) {
		map = maps[i];
		map->spare = first;
	}
	spares->first = first;
	WRITE_ONCE(spares->nr, spares->nr + kept);
	spin_unlock(&spares->lock);
	if (kept < nr)
		kmem_cache_free_bulk(cache, nr - kept, maps + kept);
}

void vib_spares_fini(struct vib_spares *spares)
{
	struct vib_mapping *map, *next;

	for (map = spares->first; map; map = next) {
		next = map->spare;
		kmem_cache_free(cache, map);
	}
}

struct vib_mapping *vib_mapping_alloc(struct vib_spares *spares)
{
	void *map;

	return take_spares(spares, &map, 1) ? map : kmem_cache_alloc(cache, GFP_KERNEL);
}

bool vib_mapping_alloc_many(struct vib_spares *spares, void **maps, unsigned int nr)
{
	unsigned int taken = take_spares(spares, maps, nr);

	if (taken == nr ||
	    kmem_cache_alloc_bulk(cache, GFP_KERNEL, nr - taken, maps + taken))
		return true;
	give_back(spares, maps, taken);
	return false;
}

/*
 * Restores the constructor's state of a mapping that pins nothing any more. The caller drops the
 * reference to the owner.
 */
static __always_inline void reset_mapping(struct vib_mapping *map)
{
	vib_extents_fini(&map->extents);
	if (map->dirty) {
		kvfree(map->dirty);
		map->dirty = NULL;
	}
	if (WARN_ON_ONCE(!RB_EMPTY_ROOT(&map->pins)))
		map->pins = RB_ROOT;
	map->owner = NULL;
	map->first = 0;
	map->state = VIB_RESERVED;
}

void vib_mapping_free(struct vib_spares *spares, struct vib_mapping *map)
{
	bool kept;

	vib_owner_put(map->owner);
	reset_mapping(map);
	/* give_back() of one, the most frequent case. */
	spin_lock(&spares->lock);
	kept = spares->nr != SPARES_MAX;
	if (kept) {
		map->spare = spares->first;
		spares->first = map;
		WRITE_ONCE(spares->nr, spares->nr + 1);
	}
	spin_unlock(&spares->lock);
	if (!kept)
		kmem_cache_free(cache, map);
}

/* Frees many; the references of consecutive mappings to one owner are dropped together. */
static void free_bulk(struct vib_spares *spares, struct list_head *list)
{
	struct vib_mapping *map, *next;
	struct vib_owner *owner = NULL;
	void *objects[FREE_BULK];
	unsigned int refs = 0;
	size_t nr = 0;

	list_for_each_entry_safe(map, next, list, node) {
		if (map->owner != owner) {
			vib_owner_put_many(owner, refs);
			owner = map->owner;
			refs = 0;
		}
		refs++;
		reset_mapping(map);
		objects[nr++] = map;
		if (nr < FREE_BULK)
			continue;
		give_back(spares, objects, nr);
		nr = 0;
		cond_resched();
	}
	if (nr)
		give_back(spares, objects, nr);
	vib_owner_put_many(owner, refs);
}

void vib_mapping_free_list(struct vib_spares *spares, struct list_head *list)
{
	if (list_is_singular(list))
		vib_mapping_free(spares, list_first_entry(list, struct vib_mapping, node));
	else
		free_bulk(spares, list);
}
