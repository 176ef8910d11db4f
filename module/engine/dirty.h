/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty page tracking. Unless it says otherwise, nothing of ours is held on entry.
 */
#ifndef VIB_DIRTY_H
#define VIB_DIRTY_H

#include "ioas.h"

/**
 * struct vib_dirty_sink - who takes dirty bits, and for which range
 * @iova: stands for bit 0
 * @size: bytes
 * @pgsize: bytes a bit
 * @put: takes @n words from word index @word on; the low @keep bits of the first belong to what
 *	came before and stay. May fault; called with no lock held. 0 or -EFAULT
 */
struct vib_dirty_sink {
	u64 iova;
	u64 size;
	u64 pgsize;
	int (*put)(struct vib_dirty_sink *sink, u64 word, u64 *words, u64 n, unsigned int keep);
};

/*
 * Switches tracking on; -ENOMEM, or -EINVAL for a mapping of more than INT_MAX pages: then it is
 * off. -EINTR.
 */
int vib_dirty_start(struct vib_ioas *ioas);
void vib_dirty_stop(struct vib_ioas *ioas);

/*
 * Reports the pages dirtied in the sink's range and starts over; -EINVAL, -EOVERFLOW, -EINTR, the
 * sink's errno.
 */
int vib_dirty_get(struct vib_ioas *ioas, struct vib_dirty_sink *sink);

/* Reports one mapping that the caller owns (DRAINING). */
int vib_dirty_emit(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_dirty_sink *sink);

/*
 * Makes a mapping that is being published ready for tracking, if it is on. domains_rwsem is held
 * for read.
 */
int vib_dirty_prepare(struct vib_ioas *ioas, struct vib_mapping *map);

/* Marks bytes that a device wrote. tree_lock is held. */
void vib_dirty_mark(struct vib_mapping *map, u64 iova, u64 size);

/*
 * The last group whose DMA nobody reports has left: all it could reach counts as dirty once.
 * tree_lock is held.
 */
void vib_dirty_mark_all(struct vib_ioas *ioas);

#endif
