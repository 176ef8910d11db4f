/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty page tracking, with type1's meaning: while a group is attached whose DMA nobody reports,
 * every page that it can reach is dirty at every query; otherwise the pages that emulated devices
 * have pinned or written are. After a query only the pinned ones are.
 *
 * Unless it says otherwise, nothing of ours is held on entry.
 */
#ifndef VIB_DIRTY_H
#define VIB_DIRTY_H

#include "ioas.h"

/**
 * struct vib_dirty_sink - receives dirty bits of one range
 * @iova: IOVA of bit 0
 * @size: bytes
 * @pgsize: bytes for each bit
 * @put: writes @n words from word index @word on; the low @keep bits of the first word belong to
 *	earlier pages and must be kept. May fault; called with no lock held. Return: 0 or -EFAULT
 */
struct vib_dirty_sink {
	u64 iova;
	u64 size;
	u64 pgsize;
	int (*put)(struct vib_dirty_sink *sink, u64 word, u64 *words, u64 n, unsigned int keep);
};

/* dirty.c */

/*
 * Switches tracking on. Return: 0; -ENOMEM, -EINTR, or -EINVAL for a mapping of more than INT_MAX
 * pages, with tracking off.
 */
int vib_dirty_start(struct vib_ioas *ioas);
void vib_dirty_stop(struct vib_ioas *ioas);

/*
 * Gives a mapping that is being published its bitmap, if tracking is on. Return: 0, -ENOMEM or
 * -EINVAL, as vib_dirty_start(). domains_rwsem is held for read.
 */
int vib_dirty_prepare(struct vib_ioas *ioas, struct vib_mapping *map);

/* Marks the pages of bytes that a device wrote. tree_lock is held. */
void vib_dirty_mark(struct vib_mapping *map, u64 iova, u64 size);

/*
 * Marks everything dirty: the last group whose DMA nobody reports has left, and what it wrote must
 * be reported once more. tree_lock is held.
 */
void vib_dirty_mark_all(struct vib_ioas *ioas);

/*
 * Return: page sizes offered now. While tracking is on, bitmaps are made for one smallest page
 * size, so smaller ones are not offered. tree_lock is held.
 */
static inline u64 vib_ioas_pgsizes(const struct vib_ioas *ioas)
{
	u64 unit = ioas->dirty_unit;

	lockdep_assert_held(&ioas->tree_lock);
	return ioas->tracking ? (ioas->pgsizes & ~(unit - 1)) | unit : ioas->pgsizes;
}

/* dirty_report.c; never fails for lack of memory */

/*
 * Reports the dirty pages of the sink's range and clears their bits. Return: 0; -EINVAL,
 * -EOVERFLOW, -EINTR or the sink's errno: what was not reported stays dirty.
 */
int vib_dirty_get(struct vib_ioas *ioas, struct vib_dirty_sink *sink);

/*
 * Reports a list of DRAINING mappings of the caller, linked by @node, without clearing bits.
 * Return: 0; -EINTR or the sink's errno, with @failed the first that was not reported as a whole.
 */
int vib_dirty_report(struct vib_ioas *ioas, struct list_head *list, struct vib_dirty_sink *sink,
		     struct vib_mapping **failed);

#endif
