/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOVA arithmetic: the only place that computes the last byte of a range, so that wrap-around is
 * decided once. "last" is inclusive; a range that ends at 2^64 is therefore representable.
 */
#ifndef VIB_PURE_IOVA_H
#define VIB_PURE_IOVA_H

#include "pure.h"

/**
 * vib_range_last - last byte of [start, start + size)
 * @start: first byte
 * @size: length in bytes
 * @last: where the last byte goes; written only on success
 *
 * Return: false when @size is 0 or the range wraps past 2^64.
 */
static inline bool vib_range_last(u64 start, u64 size, u64 *last)
{
	if (!size || size - 1 > U64_MAX - start)
		return false;
	*last = start + (size - 1);
	return true;
}

/**
 * vib_fits_long - does a u64 of the user ABI survive the kernel's word size?
 * @value: what user space passed
 *
 * Always true on 64-bit kernels; the ABI answers -EOVERFLOW where it is false.
 */
static inline bool vib_fits_long(u64 value)
{
	return value == (unsigned long)value;
}

/**
 * vib_pgsizes_collapse - what user space is told about IOMMU page sizes
 * @bitmap: page sizes that all domains support, one bit a size
 *
 * Parts of a CPU page cannot be pinned one by one, so all smaller sizes are reported as the CPU's
 * page size, as type1 does.
 *
 * Return: the page sizes to report.
 */
static inline u64 vib_pgsizes_collapse(u64 bitmap)
{
	u64 small = PAGE_SIZE - 1;

	if (bitmap & small)
		bitmap = (bitmap & ~small) | PAGE_SIZE;
	return bitmap;
}

/**
 * vib_pgsize_smallest - the unit that addresses and sizes must be aligned to
 * @bitmap: collapsed page size bitmap
 *
 * Return: the lowest bit, or 0 for an empty bitmap.
 */
static inline u64 vib_pgsize_smallest(u64 bitmap)
{
	return bitmap & -bitmap;
}

#endif
