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
#include "mm/pin.h"

struct vib_watch;

int vib_bars_init(void);
void vib_bars_fini(void);

/* The same as those without underscores, for a mapping that has device memory. */
int __vib_bar_pin(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_pin *pin,
		  struct vib_extents *out);
void __vib_bar_fill_begin(struct vib_mapping *map, struct vib_extents *batch, u32 nr, u64 iova);
void __vib_bar_fill_end(struct vib_mapping *map);
void __vib_bar_live(struct vib_mapping *map);

/*
 * vib_pin_some() of the next batch of a mapping that the caller owns (RESERVED, or busy for a
 * handover), appended to @out, whose extents are not filled yet. At the first device memory, it
 * begins to watch the mapping's user addresses and pins again. Nothing of ours is held. Return: as
 * vib_pin_some(), or an errno of vib_watch_begin().
 */
static inline int vib_bar_pin(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_pin *pin,
			      struct vib_extents *out)
{
	u64 vaddr = pin->vaddr, left = pin->left;
	int ret;

	if (likely(!map->bar)) {
		ret = vib_pin_some(pin, out, VIB_PIN_BUDGET);
		if (likely(ret != -EREMOTE))
			return ret;
		pin->vaddr = vaddr;
		pin->left = left;
	}
	return __vib_bar_pin(ioas, map, pin, out);
}

/*
 * Surround a fill of the first @nr extents of @batch, which vib_bar_pin() has read, at @iova, and a
 * change of the extents of @map. begin turns extents that the kernel has taken meanwhile into
 * holes. domains_rwsem is held for read throughout.
 */
static inline void vib_bar_fill_begin(struct vib_mapping *map, struct vib_extents *batch, u32 nr,
				      u64 iova)
{
	if (unlikely(map->bar))
		__vib_bar_fill_begin(map, batch, nr, iova);
}

static inline void vib_bar_fill_end(struct vib_mapping *map)
{
	if (unlikely(map->bar))
		__vib_bar_fill_end(map);
}

/* To be called when the mapping becomes LIVE: from here on its holes are filled again. */
static inline void vib_bar_live(struct vib_mapping *map)
{
	if (unlikely(map->bar))
		__vib_bar_live(map);
}

/*
 * Takes the device memory of a mapping that the caller owns out of every domain, and ends the
 * watch. Nothing of ours is held. Cannot fail.
 */
void vib_bar_end(struct vib_ioas *ioas, struct vib_mapping *map);

/* vib_bar_end() of all in a list, linked by their node. */
void vib_bars_end(struct vib_ioas *ioas, struct list_head *list);

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

/*
 * Give a busy mapping, whose address was taken back, another one. vib_bar_watch() begins to watch
 * that: it returns NULL without device memory, or ERR_PTR; vib_watch_end() undoes it.
 * vib_bar_move() replaces the old watch; device memory that is not the same at the new address
 * becomes a hole. The caller then sets owner and address of @map and calls vib_bar_live(). Nothing
 * of ours is held; @owner is current.
 */
struct vib_watch *vib_bar_watch(struct vib_mapping *map, struct vib_owner *owner, u64 vaddr);
void vib_bar_move(struct vib_mapping *map, struct vib_owner *owner, struct vib_watch *watch);

#endif
