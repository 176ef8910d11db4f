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
 * @word: the extent
 * @stop: behind the last one
 * @iova: of the extent
 */
struct vib_extent_walk {
	u64 *word;
	u64 *stop;
	u64 iova;
};

static inline u64 vib_walk_size(const struct vib_extent_walk *walk)
{
	return vib_ext_pages(*walk->word) << PAGE_SHIFT;
}

/* Starts at the first extent that is still filled. */
static inline void vib_walk_begin(struct vib_extent_walk *walk, struct vib_mapping *map)
{
	u64 *words = vib_extents_words(&map->extents);

	walk->iova = map->span.start;
	walk->stop = words + map->extents.nr;
	for (walk->word = words; walk->word < words + map->first; walk->word++)
		walk->iova += vib_walk_size(walk);
}

static inline void vib_walk_next(struct vib_extent_walk *walk)
{
	walk->iova += vib_walk_size(walk);
	walk->word++;
}

/* Every extent that is still filled, holes too. */
#define vib_for_each_extent(map, walk) \
	for (vib_walk_begin(walk, map); (walk)->word < (walk)->stop; vib_walk_next(walk))

/* Does the extent have a byte in [start, last]? */
static inline bool vib_walk_meets(const struct vib_extent_walk *walk, u64 start, u64 last)
{
	return walk->iova <= last && start <= walk->iova + (vib_walk_size(walk) - 1);
}

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
	WRITE_ONCE(*walk->word, vib_ext_make(VIB_EXT_HOLE, vib_ext_pages(*walk->word), 0));
}

#endif
