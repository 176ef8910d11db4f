/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Begin, end and move of the device memory of a mapping, for the calls that make, end or move the
 * mapping itself. What is between is in bar.h.
 */
#ifndef VIB_BAR_LIFE_H
#define VIB_BAR_LIFE_H

#include "bar.h"
#include "mm/pin.h"

struct vib_watch;

/* vib_bar_pin() of a mapping that has device memory. */
int __vib_bar_pin(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_pin *pin,
		  struct vib_extents *out);

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

	if (likely(!vib_mapping_bar(map))) {
		ret = vib_pin_some(pin, out, VIB_PIN_BUDGET);
		if (likely(ret != -EREMOTE))
			return ret;
		pin->vaddr = vaddr;
		pin->left = left;
	}
	return __vib_bar_pin(ioas, map, pin, out);
}

/*
 * Takes the device memory of a mapping that the caller owns out of every domain, and ends the
 * watch. Nothing of ours is held. Cannot fail.
 */
void vib_bar_end(struct vib_ioas *ioas, struct vib_mapping *map);

/* vib_bar_end() of all in a list, linked by their node. */
void vib_bars_end(struct vib_ioas *ioas, struct list_head *list);

/* bar_move.c */

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
