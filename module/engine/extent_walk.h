/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk over the extents of one mapping, with the IOVA of each. Knows nothing of domains. The
 * caller keeps the extents from changing, as mapping.h says.
 */
#ifndef VIB_EXTENT_WALK_H
#define VIB_EXTENT_WALK_H

#include <linux/mm.h>

#include "mapping.h"

/**
 * struct vib_extent_walk - where the walk is
 * @rest: what is left of the stretch, from the extent on
 * @iova: of the extent
 */
struct vib_extent_walk {
	struct vib_stretch rest;
	u64 iova;
};

static inline u64 vib_walk_ext(const struct vib_extent_walk *walk)
{
	return *walk->rest.words;
}

static inline u64 vib_walk_size(const struct vib_extent_walk *walk)
{
	return vib_ext_pages(vib_walk_ext(walk)) << PAGE_SHIFT;
}

/* Starts at the first extent that is still filled. */
static inline void vib_walk_begin(struct vib_extent_walk *walk, struct vib_mapping *map)
{
	struct vib_extents *ex = &map->extents;

	walk->iova = map->span.start;
	if (map->first)
		walk->iova += vib_extents_pages_in(ex, 0, map->first) << PAGE_SHIFT;
	vib_stretch_begin(&walk->rest, ex, map->first, ex->nr);
}

/* The same, but begins at a chunk that has @iova, if there are chunks and that one is filled. */
static inline void vib_walk_begin_near(struct vib_extent_walk *walk, struct vib_mapping *map,
				       u64 iova)
{
	struct vib_extents *ex = &map->extents;
	struct vib_chunk *chunk = NULL;

	if (vib_extents_chunked(ex))
		chunk = vib_chunk_of_page(vib_extents_head(ex),
					  (iova - map->span.start) >> PAGE_SHIFT);
	if (!chunk || chunk->first <= map->first) {
		vib_walk_begin(walk, map);
		return;
	}
	walk->iova = map->span.start + (chunk->page << PAGE_SHIFT);
	vib_stretch_begin(&walk->rest, ex, chunk->first, ex->nr);
}

static inline void vib_walk_next(struct vib_extent_walk *walk)
{
	walk->iova += vib_walk_size(walk);
	walk->rest.words++;
	if (!--walk->rest.nr)
		vib_stretch_next(&walk->rest);
}

/* Every extent that is still filled, holes too. */
#define vib_for_each_extent(map, walk) \
	for (vib_walk_begin(walk, map); (walk)->rest.nr; vib_walk_next(walk))

/* Those that have a byte in [start, last], which is in the mapping, and some before them. */
#define vib_for_each_extent_near(map, walk, start, last) \
	for (vib_walk_begin_near(walk, map, start); \
	     (walk)->rest.nr && (walk)->iova <= (last); vib_walk_next(walk))

/*
 * Is it device memory, or memory that the kernel keeps reserved, from a PFNMAP vma? Such an extent
 * has no pin; the zero page has none either, but is ordinary memory.
 */
static inline bool vib_ext_is_device(u64 ext)
{
	return !(ext & VIB_EXT_PINNED) && !vib_ext_is_hole(ext) && !is_zero_pfn(vib_ext_pfn(ext));
}

/* Turns the extent into a hole. */
static inline void vib_walk_punch(struct vib_extent_walk *walk)
{
	u64 *word = walk->rest.words;

	WRITE_ONCE(*word, vib_ext_make(VIB_EXT_HOLE, vib_ext_pages(*word), 0));
}

#endif
