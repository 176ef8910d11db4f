/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pieces of a row of extents, for several that share it out.
 */
#ifndef VIB_PURE_PIECE_H
#define VIB_PURE_PIECE_H

#include "extent_pos.h"

/**
 * struct vib_piece - extents side by side in memory, or a part of one
 * @words: the first
 * @nr: how many
 * @part: the part; @words points here then, so a piece is not copied
 */
struct vib_piece {
	const u64 *words;
	u32 nr;
	u64 part;
};

/* Most extents of a piece. */
#define VIB_PIECE_WORDS	1024U

/*
 * Takes a piece from a place in the row on, and moves the place behind it. It ends with the extent
 * in which it comes to @pages, more than 0. An extent of more than that is cut, but not one with
 * VIB_EXT_HUGE. Return: its pages; 0 at the end of the row.
 */
u64 vib_piece_take(struct vib_extents *ex, struct vib_extent_pos *pos, u64 pages,
		   struct vib_piece *piece);

#endif
