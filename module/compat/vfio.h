/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the user ABI that <linux/vfio.h> lacks before v5.12. Their values are ABI.
 */
#ifndef VIB_COMPAT_VFIO_H
#define VIB_COMPAT_VFIO_H

#include <linux/vfio.h>

#ifndef VFIO_UNMAP_ALL
#define VFIO_UNMAP_ALL			9
#endif
#ifndef VFIO_UPDATE_VADDR
#define VFIO_UPDATE_VADDR		10
#endif
#ifndef VFIO_DMA_MAP_FLAG_VADDR
#define VFIO_DMA_MAP_FLAG_VADDR		BIT(2)
#endif
#ifndef VFIO_DMA_UNMAP_FLAG_ALL
#define VFIO_DMA_UNMAP_FLAG_ALL		BIT(1)
#endif
#ifndef VFIO_DMA_UNMAP_FLAG_VADDR
#define VFIO_DMA_UNMAP_FLAG_VADDR	BIT(2)
#endif

#endif
