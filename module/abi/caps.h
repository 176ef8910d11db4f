/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capability chain of VFIO_IOMMU_GET_INFO, from a snapshot of the ioas.
 */
#ifndef VIB_CAPS_H
#define VIB_CAPS_H

#include <linux/types.h>

struct vfio_info_cap;
struct vib_ioas;

/* Largest dirty bitmap that a client may pass, in bytes: one bit for each of 2^31 pages. */
#define VIB_DIRTY_BITMAP_MAX	((u64)1 << 28)

/* Return: the page sizes that are offered. Takes tree_lock. */
u64 vib_caps_pgsizes(struct vib_ioas *ioas);

/*
 * Builds the chain into @caps: migration, DMA entries, IOVA ranges (if there is a domain), what one
 * call takes. Return: 0 or -ENOMEM; the caller frees caps->buf in both cases. Takes tree_lock; may
 * sleep.
 */
int vib_caps_build(struct vib_ioas *ioas, struct vfio_info_cap *caps);

#endif
