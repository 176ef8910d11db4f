/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinning recorded mappings as a whole, and back. While an ioas has no domain its mappings are only
 * recorded: nothing is pinned or charged but what emulated devices pin. With a domain every mapping
 * is pinned and charged as a whole, and what devices have pinned of it is not charged again.
 *
 * Locking: the caller keeps the mapping (it is busy, or DRAINING and the caller's). No lock is
 * held, except where it says so.
 */
#ifndef VIB_RECORDED_H
#define VIB_RECORDED_H

#include "ioas.h"

/*
 * Is it recorded, or about to be? Then no domain holds anything of it, and none may be filled from
 * it. tree_lock is held.
 */
static inline bool vib_recorded(const struct vib_mapping *map)
{
	return map->first == map->extents.nr;
}

struct vib_rival;

/*
 * Pins a recorded mapping as a whole, in a call that is @rival (mm/rivals.h). Return: 0; -EINTR,
 * -ENOMEM or GUP's errno, with a part of it pinned. Undone in both cases by vib_recorded_unpin().
 */
int vib_recorded_pin(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_rival *rival);

/* Ends the change to pinned, once a domain holds it: pins of devices are not charged any more. */
void vib_recorded_end(struct vib_ioas *ioas, struct vib_mapping *map);

/* Unpins all of a mapping that no domain holds or can be filled from; cannot fail. */
void vib_recorded_unpin(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * Charges pages of a mapping that devices have pinned and that are not charged yet, unless the
 * mapping is pinned as a whole or about to be; cannot fail.
 */
void vib_recorded_charge_pins(struct vib_ioas *ioas, struct vib_mapping *map);

#endif
