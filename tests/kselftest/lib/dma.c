// SPDX-License-Identifier: GPL-2.0-only
/* See dma.h. */
#include <string.h>

#include "container.h"
#include "dma.h"
#include "util.h"

/*
 * Structures with a bitmap as the kernel reads them, also those of a client of 32 bits: that
 * one finds others in <linux/vfio.h>, which has a pointer there.
 */
struct wide_bitmap {
	__u64 pgsize;
	__u64 size;
	__u64 data;
};

struct unmap_with_bitmap {
	struct vfio_iommu_type1_dma_unmap unmap;
	struct wide_bitmap bitmap;
};

struct dirty_get {
	struct vfio_iommu_type1_dirty_bitmap head;
	__u64 iova;
	__u64 size;
	struct wide_bitmap bitmap;
};

static struct wide_bitmap widen(const struct vfio_bitmap *bitmap)
{
	struct wide_bitmap wide = {
		.pgsize = bitmap->pgsize,
		.size = bitmap->size,
		.data = (unsigned long)bitmap->data,
	};

	return wide;
}

int dma_map(int container, __u64 iova, const void *vaddr, __u64 size,
	    __u32 flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (unsigned long)vaddr,
		.iova = iova,
		.size = size,
	};

	return vfio_ioctl(container, VFIO_IOMMU_MAP_DMA, &map);
}

int dma_unmap(int container, __u64 iova, __u64 size, __u32 flags,
	      __u64 *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int ret;

	ret = vfio_ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap);
	if (unmapped)
		*unmapped = unmap.size;
	return ret;
}

int dma_unmap_all(int container, __u64 *unmapped)
{
	/* type1 before 5.12 has no such flag: all that can be mapped, then. */
	if (!container_extension(container, VFIO_UNMAP_ALL))
		return dma_unmap(container, 0, 1ULL << 62, 0, unmapped);
	return dma_unmap(container, 0, 0, UNMAP_ALL, unmapped);
}

int dma_unmap_dirty(int container, __u64 iova, __u64 size,
		    const struct vfio_bitmap *bitmap, __u64 *unmapped)
{
	struct unmap_with_bitmap arg = {
		.unmap = {
			.argsz = sizeof(arg),
			.flags = UNMAP_DIRTY,
			.iova = iova,
			.size = size,
		},
		.bitmap = widen(bitmap),
	};
	int ret;

	ret = vfio_ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg);
	if (unmapped)
		*unmapped = arg.unmap.size;
	return ret;
}

static int dirty_switch(int container, __u32 flag)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg),
		.flags = flag,
	};

	return vfio_ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

int dirty_start(int container)
{
	return dirty_switch(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
}

int dirty_stop(int container)
{
	return dirty_switch(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP);
}

int dirty_get(int container, __u64 iova, __u64 size,
	      const struct vfio_bitmap *bitmap)
{
	struct dirty_get arg = {
		.head = {
			.argsz = DIRTY_GET_SIZE,
			.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		},
		.iova = iova,
		.size = size,
		.bitmap = widen(bitmap),
	};

	return vfio_ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

struct vfio_bitmap bitmap_words(__u64 *data, unsigned int words)
{
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE,
		.size = words * sizeof(*data),
		.data = (void *)data,
	};

	return bitmap;
}
