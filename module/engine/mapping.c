// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation of mappings. Knows nothing of trees and locks.
 *
 * The cache has a constructor, and a mapping is freed in the state that the constructor gives it,
 * so an allocation writes only what differs between mappings.
 */
#include "mapping.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "mm/owner.h"

enum {
	FREE_BULK = 32,			/* structures handed back to the slab at once */
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

struct vib_mapping *vib_mapping_alloc(void)
{
	return kmem_cache_alloc(cache, GFP_KERNEL);
}

bool vib_mapping_alloc_many(void **maps, unsigned int nr)
{
	return kmem_cache_alloc_bulk(cache, GFP_KERNEL, nr, maps);
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
	map->stamp = 0;
	map->state = VIB_RESERVED;
}

void vib_mapping_free(struct vib_mapping *map)
{
	vib_owner_put(map->owner);
	reset_mapping(map);
	kmem_cache_free(cache, map);
}

/* Frees many; the references of consecutive mappings to one owner are dropped together. */
static void free_bulk(struct list_head *list)
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
		kmem_cache_free_bulk(cache, nr, objects);
		nr = 0;
		cond_resched();
	}
	if (nr)
		kmem_cache_free_bulk(cache, nr, objects);
	vib_owner_put_many(owner, refs);
}

void vib_mapping_free_list(struct list_head *list)
{
	if (list_is_singular(list))
		vib_mapping_free(list_first_entry(list, struct vib_mapping, node));
	else
		free_bulk(list);
}
