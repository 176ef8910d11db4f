/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device memory in mappings: what the kernel takes out of a PFNMAP vma (a BAR that is reset,
 * switched off, unmapped or closed) leaves the domains before the kernel goes on, and comes back by
 * itself once it can be faulted in again, for as long as its user address exists.
 *
 * ioas->bars_lock is the lock of the callback that tells of it. It is taken inside all others of
 * ours, and nobody allocates, faults or copies under it. Who fills domains with what may be device
 * memory says so ahead (vib_bar_fill_begin(), vib_bars_freeze()); the callback waits until that is
 * over, so it must not last: no fault, no wait for user space.
 */
#ifndef VIB_BAR_H
#define VIB_BAR_H

#include "ioas.h"

struct vib_watch;

int vib_bars_init(void);
void vib_bars_fini(void);

struct vib_pin;

/*
 * vib_pin_some() of the next batch of a mapping that the caller owns (RESERVED, or busy for a
 * handover), appended to @out, whose extents are not filled yet. Where it meets device memory for
 * the first time, it begins to watch the mapping's user addresses, and pins anew. Nothing of ours
 * is held. Errno as vib_pin_some(), or what the kernel says to the watch.
 */
int vib_bar_pin(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_pin *pin,
		struct vib_extents *out);

/*
 * Before the first @nr extents of @batch, which vib_bar_pin() gave, are filled at @iova, and
 * before the extents of @map are changed: what the kernel took meanwhile becomes a hole.
 * domains_rwsem is held for read, until after vib_bar_fill_end().
 */
void vib_bar_fill_begin(struct vib_mapping *map, struct vib_extents *batch, u32 nr, u64 iova);
void vib_bar_fill_end(struct vib_mapping *map);

/* The mapping is LIVE: from here on its holes are filled again when that is possible. */
void vib_bar_live(struct vib_mapping *map);

/*
 * The end of the device memory of a mapping that the caller owns: it leaves every domain, and is
 * not watched any more. Nothing of ours is held. Cannot fail.
 */
void vib_bar_end(struct vib_ioas *ioas, struct vib_mapping *map);

/* vib_bar_end() of all in a list, linked by their node. */
void vib_bars_end(struct vib_ioas *ioas, struct list_head *list);

/*
 * Domains come, go or are filled from here until vib_bars_thaw(). domains_rwsem is held for write
 * meanwhile.
 */
void vib_bars_freeze(struct vib_ioas *ioas);
void vib_bars_thaw(struct vib_ioas *ioas);

/* Before a mapping that was pinned for a first domain is filled there; bars are frozen. */
void vib_bar_adopt(struct vib_mapping *map);

/*
 * The client takes the user address back: the window stays as it is when the address ends.
 * tree_lock is held.
 */
void vib_bar_leave(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * A busy mapping whose address was taken back gets another one. vib_bar_watch() begins to watch it:
 * NULL where there is no device memory, ERR_PTR; vib_watch_end() undoes it. vib_bar_move() takes
 * that watch in place of the old one; what is not the same there becomes a hole, and vib_bar_live()
 * is due when @map has the new owner and address. Nothing of ours is held; @owner is current.
 */
struct vib_watch *vib_bar_watch(struct vib_mapping *map, struct vib_owner *owner, u64 vaddr);
void vib_bar_move(struct vib_mapping *map, struct vib_owner *owner, struct vib_watch *watch);

#endif
