/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOMMU backend's ioctls in the form most tests want them: plain arguments
 * in, 0 or -errno out. A test that needs a malformed structure builds it
 * itself and calls vfio_ioctl().
 */
#ifndef VIB_TEST_DMA_H
#define VIB_TEST_DMA_H

#include <linux/types.h>
#include <linux/vfio.h>

#define DMA_READ VFIO_DMA_MAP_FLAG_READ
#define DMA_WRITE VFIO_DMA_MAP_FLAG_WRITE
#define DMA_RW (DMA_READ | DMA_WRITE)
#define DMA_VADDR VFIO_DMA_MAP_FLAG_VADDR
#define UNMAP_ALL VFIO_DMA_UNMAP_FLAG_ALL
#define UNMAP_VADDR VFIO_DMA_UNMAP_FLAG_VADDR
#define UNMAP_DIRTY VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP

int dma_map(int container, __u64 iova, const void *vaddr, __u64 size,
	    __u32 flags);

/*
 * @unmapped (may be NULL) is what the kernel wrote back to the size field, or
 * the size asked for if the call failed.
 */
int dma_unmap(int container, __u64 iova, __u64 size, __u32 flags,
	      __u64 *unmapped);
int dma_unmap_all(int container, __u64 *unmapped);
int dma_unmap_dirty(int container, __u64 iova, __u64 size,
		    const struct vfio_bitmap *bitmap, __u64 *unmapped);

/* argsz of a query of dirty pages. */
#define DIRTY_GET_SIZE 48

int dirty_start(int container);
int dirty_stop(int container);
int dirty_get(int container, __u64 iova, __u64 size,
	      const struct vfio_bitmap *bitmap);

/* A bitmap argument over @words 64-bit words at @data, for 4 KiB pages. */
struct vfio_bitmap bitmap_words(__u64 *data, unsigned int words);

#endif
