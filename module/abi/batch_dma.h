/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctl VFIO_IOMMU_BATCH_DMA: many operations in one call.
 */
#ifndef VIB_BATCH_DMA_H
#define VIB_BATCH_DMA_H

#include <linux/compiler.h>

struct vib_ioas;

/* Return: 0 or the errno of the ioctl, see the uapi header. */
long vib_batch_dma(struct vib_ioas *ioas, void __user *arg);

#endif
