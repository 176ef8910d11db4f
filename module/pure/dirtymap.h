/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty bitmaps: one bit for each IOMMU page (the smallest page size of the container) of a
 * mapping.
 *
 * Bits past the last page are always clear, so that no report can carry them over to a neighbour.
 * What user space gets is built in a small buffer of words, shifted to where the mapping starts in
 * the user's bitmap; the mapping's own bitmap is never shifted in place, so a fault on the user's
 * memory cannot damage it.
 */
#ifndef VIB_PURE_DIRTYMAP_H
#define VIB_PURE_DIRTYMAP_H

#include "pure.h"

/* Return: words of a bitmap of @nbits. */
static inline u64 vib_dirtymap_words(u64 nbits)
{
	return nbits / 64 + !!(nbits % 64);
}

/* Sets bits [first, first + n), or clears them. */
void vib_dirtymap_set(u64 *map, u64 first, u64 n);
void vib_dirtymap_clear(u64 *map, u64 first, u64 n);

/* Sets all @nbits, or clears them. */
void vib_dirtymap_fill(u64 *map, u64 nbits, bool value);

/**
 * vib_dirtymap_window - one buffer full of a bitmap, shifted
 * @map: the mapping's bitmap; NULL stands for all bits set
 * @nbits: its length in bits, at least 1
 * @shift: which bit of the first word the bitmap's bit 0 goes to, 0 to 63
 * @word: index of the first word wanted, counted from the one that holds bit 0
 * @out: buffer
 * @nwords: words wanted, not past vib_dirtymap_words(@nbits + @shift)
 *
 * Bits before the bitmap's first and after its last are clear in @out.
 */
void vib_dirtymap_window(const u64 *map, u64 nbits, unsigned int shift, u64 word,
			 u64 *out, u64 nwords);

/**
 * vib_dirtymap_bits - which bits a window holds
 * @nbits: the bitmap's length in bits
 * @shift: as for vib_dirtymap_window()
 * @word: as for vib_dirtymap_window()
 * @nwords: as for vib_dirtymap_window()
 * @first: result: the first of them
 *
 * Return: how many.
 */
u64 vib_dirtymap_bits(u64 nbits, unsigned int shift, u64 word, u64 nwords, u64 *first);

/*
 * Sets every bit of the bitmap that is set in a window of it that vib_dirtymap_window() made; bits
 * of the window before the bitmap's first and after its last are ignored. @map is not NULL.
 */
void vib_dirtymap_merge(u64 *map, u64 nbits, unsigned int shift, u64 word, const u64 *in,
			u64 nwords);

#endif
