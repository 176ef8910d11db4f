// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bit spans of a dirty bitmap, and windows of it, out and back. Knows nothing of page sizes,
 * mappings or user memory. Words are u64 in the CPU's byte order, as the user ABI has them.
 */
#include "dirtymap.h"

/* Bits [0, n) of a word, n from 0 to 64. */
static u64 low_bits(u64 n)
{
	return n >= 64 ? U64_MAX : BIT_ULL(n) - 1;
}

void vib_dirtymap_set(u64 *map, u64 first, u64 n)
{
	while (n) {
		u64 bit = first % 64;
		u64 here = min(n, 64 - bit);

		map[first / 64] |= low_bits(here) << bit;
		first += here;
		n -= here;
	}
}

void vib_dirtymap_clear(u64 *map, u64 first, u64 n)
{
	while (n) {
		u64 bit = first % 64;
		u64 here = min(n, 64 - bit);

		map[first / 64] &= ~(low_bits(here) << bit);
		first += here;
		n -= here;
	}
}

void vib_dirtymap_fill(u64 *map, u64 nbits, bool value)
{
	memset(map, 0, vib_dirtymap_words(nbits) * sizeof(*map));
	if (value)
		vib_dirtymap_set(map, 0, nbits);
}

/* Word @i of the bitmap, clear outside its @nbits; -1 and one past the end are fine. */
static u64 word_at(const u64 *map, u64 nbits, u64 i)
{
	u64 words = vib_dirtymap_words(nbits);

	if (i >= words)
		return 0;
	return (map ? map[i] : U64_MAX) & low_bits(nbits - i * 64);
}

void vib_dirtymap_window(const u64 *map, u64 nbits, unsigned int shift, u64 word,
			 u64 *out, u64 nwords)
{
	u64 i;

	for (i = 0; i < nwords; i++) {
		u64 value = word_at(map, nbits, word + i) << shift;

		if (shift)
			value |= word_at(map, nbits, word + i - 1) >> (64 - shift);
		out[i] = value;
	}
}

u64 vib_dirtymap_bits(u64 nbits, unsigned int shift, u64 word, u64 nwords, u64 *first)
{
	u64 stop = min(nbits, (word + nwords) * 64 - shift);

	*first = word ? word * 64 - shift : 0;
	return stop - *first;
}

/* Sets bits in word @i of the bitmap; those at or past its end are dropped. */
static void merge_word(u64 *map, u64 nbits, u64 i, u64 bits)
{
	if (i < vib_dirtymap_words(nbits))
		map[i] |= bits & low_bits(nbits - i * 64);
}

void vib_dirtymap_merge(u64 *map, u64 nbits, unsigned int shift, u64 word, const u64 *in,
			u64 nwords)
{
	u64 i;

	for (i = 0; i < nwords; i++) {
		merge_word(map, nbits, word + i, in[i] >> shift);
		/* Its low bits end the word before; in the first one they are not ours. */
		if (shift && word + i)
			merge_word(map, nbits, word + i - 1, in[i] << (64 - shift));
	}
}
