/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a mapping shares with others of its process (mm/pinned.h): borrowed while it is pinned, or
 * offered once it is there.
 */
#ifndef VIB_SHARED_H
#define VIB_SHARED_H

#include "mapping.h"
#include "mm/share.h"

struct vib_ioas;

/*
 * Hands over to a mapping what was borrowed for it so far. The caller owns it; nothing of ours is
 * held.
 */
void vib_shared_note(struct vib_ioas *ioas, struct vib_mapping *map,
		     const struct vib_sharing *sharing);

/*
 * Makes what a mapping has pinned, which is complete, an object that others can use; or, if all of
 * it is borrowed from one that is the same, lets it use the extents of that. Without memory nothing
 * changes. The caller owns the mapping; nothing of ours is held.
 *
 * Return: false, with nothing changed, if another call has offered the same range meanwhile: then
 * vib_shared_join() comes first.
 */
bool vib_shared_offer(struct vib_ioas *ioas, struct vib_mapping *map,
		      const struct vib_sharing *sharing);

/*
 * After that: if it is the same memory, the mapping uses what the other call has pinned, and gives
 * its own pins and charge back. The caller owns the mapping, which is complete; nothing of ours is
 * held.
 */
void vib_shared_join(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_sharing *sharing);

/*
 * Takes from a mapping what it has through others, for vib_uses_end(); its extents are gone if they
 * were not its own. No domain holds it. domains_rwsem is held, or the mapping is in no tree.
 */
struct vib_use *vib_shared_take(struct vib_mapping *map);

/* vib_shared_take() and vib_uses_end() of the mappings of a list that are not stuck. */
void vib_shared_end(struct vib_ioas *ioas, struct list_head *list);

/* The uses of a mapping, or NULL. */
struct vib_use *vib_shared_uses(const struct vib_mapping *map);

#endif
