/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO_IOMMU_BATCH_DMA at the door: many operations in one call.
 */
#ifndef VIB_BATCH_DMA_H
#define VIB_BATCH_DMA_H

#include <linux/compiler.h>

struct vib_ioas;

/* The ioctl: 0 or its errno, see the user ABI's header. */
long vib_batch_dma(struct vib_ioas *ioas, void __user *arg);

#endif
