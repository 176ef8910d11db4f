/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device memory in mappings: what the kernel takes out of a PFNMAP vma (a BAR that is reset,
 * switched off, unmapped or closed) leaves the domains before the kernel goes on, and comes back by
 * itself once it can be faulted in again, for as long as its user address exists.
 *
 * ioas->bars_lock is taken by the callback of the watch (mm/watch.h). It is the innermost of our
 * locks, and nothing allocates, faults or copies under it. Code that fills domains with what may be
 * device memory announces that (vib_bar_fill_begin(), vib_bars_freeze()); the callback waits until
 * it has ended, so meanwhile nothing may fault or wait for user space.
 */
#ifndef VIB_BAR_H
#define VIB_BAR_H

#include "ioas.h"

int vib_bars_init(void);
void vib_bars_fini(void);

/* The device memory of a mapping, or NULL. */
static inline struct vib_bar *vib_mapping_bar(const struct vib_mapping *map)
{
	return map->flags & VIB_F_USES ? NULL : map->bar;
}

/* The same as those without underscores, for a mapping that has device memory. */
void __vib_bar_fill_begin(struct vib_mapping *map, struct vib_extents *batch, u32 nr, u64 iova);
void __vib_bar_fill_end(struct vib_mapping *map);
void __vib_bar_live(struct vib_mapping *map);

/*
 * Surround a fill of the first @nr extents of @batch, which vib_bar_pin() has read, at @iova, and a
 * change of the extents of @map. begin turns extents that the kernel has taken meanwhile into
 * holes. domains_rwsem is held for read throughout.
 */
static inline void vib_bar_fill_begin(struct vib_mapping *map, struct vib_extents *batch, u32 nr,
				      u64 iova)
{
	if (unlikely(vib_mapping_bar(map)))
		__vib_bar_fill_begin(map, batch, nr, iova);
}

static inline void vib_bar_fill_end(struct vib_mapping *map)
{
	if (unlikely(vib_mapping_bar(map)))
		__vib_bar_fill_end(map);
}

/* vib_bar_fill_end() when the mapping becomes LIVE: from here on its holes are filled again. */
static inline void vib_bar_live(struct vib_mapping *map)
{
	if (unlikely(vib_mapping_bar(map)))
		__vib_bar_live(map);
}

/*
 * Surround attaching, detaching or filling domains as a whole: callbacks wait meanwhile.
 * domains_rwsem is held for write throughout.
 */
void vib_bars_freeze(struct vib_ioas *ioas);
void vib_bars_thaw(struct vib_ioas *ioas);

/* To be called before a mapping that was pinned in a handover is filled; bars are frozen. */
void vib_bar_adopt(struct vib_mapping *map);

/*
 * Notes that the client takes the user address back: device memory stays filled even if the address
 * ends. tree_lock is held.
 */
void vib_bar_leave(struct vib_ioas *ioas, struct vib_mapping *map);

#endif
