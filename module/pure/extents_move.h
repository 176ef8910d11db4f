/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How extents go from one row to another. What is moved is never merged, even if PFNs touch: two
 * calls filled it, or will fill it, into domains, and some IOMMU drivers can only unmap what one
 * call mapped.
 */
#ifndef VIB_PURE_EXTENTS_MOVE_H
#define VIB_PURE_EXTENTS_MOVE_H

#include "extents.h"

/* Adds the extents [first, end) of @src at the end of @dst, which has room. May sleep. */
void vib_extents_copy(struct vib_extents *dst, struct vib_extents *src, u32 first, u32 end);

/* Puts @src in the place of as many extents, and as many pages, of @ex from @first on. */
void vib_extents_replace(struct vib_extents *ex, u32 first, struct vib_extents *src);

/*
 * Moves the first @pages pages at @words, of which there are as many, to the end of @dst, a vector
 * that has room; the last one is cut where they end, so none has VIB_EXT_HUGE. Return: the rest of
 * @words.
 */
u64 *vib_extents_deal(struct vib_extents *dst, u64 *words, u64 pages);

/* vib_extents_move() of a part of @src, or behind extents of @dst. */
void vib_extents_move_some(struct vib_extents *dst, struct vib_extents *src, u32 nr);

/**
 * vib_extents_move - move the first @nr extents of @src to the end of @dst
 * @dst: gets them, unchanged
 * @src: loses them
 * @nr: at most @src->nr
 *
 * The caller has reserved room in @dst, unless @dst is empty and gets all; cannot fail.
 */
static inline void vib_extents_move(struct vib_extents *dst, struct vib_extents *src, u32 nr)
{
	if (!dst->nr && nr == src->nr)
		swap(*dst, *src);
	else
		vib_extents_move_some(dst, src, nr);
}

/*
 * A row that others may look at grows in two steps, so that neither memory is allocated nor much is
 * copied while they wait: vib_extents_prepare() allocates, and vib_extents_take() moves.
 */

/**
 * vib_extents_prepare - make room for a move that is about to come
 * @room: empty; gets the room
 * @ex: the row that will be moved to; not changed. Others may only read it
 * @more: how many extents will come at most
 * @last: none will come later, so no more room is made than is needed, and few go to a vector if
 *	there is memory for one
 *
 * Return: 0; -ENOMEM with nothing changed.
 */
int vib_extents_prepare(struct vib_extents *room, const struct vib_extents *ex, u32 more,
			bool last);

/* vib_extents_take() if there is a room. */
void vib_extents_take_room(struct vib_extents *ex, struct vib_extents *room,
			   struct vib_extents *src, u32 nr);

/**
 * vib_extents_take - vib_extents_move() with the room that was made
 * @ex: gets extents
 * @room: as vib_extents_prepare() has left it, or empty if @ex is empty and gets all; what @ex
 *	needs no longer remains, to be freed (vib_extents_fini()) later
 * @src: loses them
 * @nr: how many; no more than were prepared for
 *
 * Copies what is moved, and what @ex has only if that is in one vector, or goes to one. Cannot
 * fail.
 */
static inline void vib_extents_take(struct vib_extents *ex, struct vib_extents *room,
				    struct vib_extents *src, u32 nr)
{
	if (likely(room->cap == 1))
		vib_extents_move(ex, src, nr);
	else
		vib_extents_take_room(ex, room, src, nr);
}

#endif
