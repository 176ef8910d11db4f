/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VFIO container and its maps and unmaps, for C and C++: on vfio_iommu_batch with many
 * in one call, on any other backend of the type1 family one by one, with the same result.
 * Needs the installed header <linux/vfio_iommu_batch.h> and libc. Copy it, or learn from it.
 *
 *	struct vfio_dma dma;
 *
 *	vfio_dma_select(&dma, container);	when the first group is in it
 *	vfio_dma_map(&dma, iova, buffer, size);	as often as you like
 *	vfio_dma_unmap(&dma, old_iova, old_size);
 *	vfio_dma_flush(&dma);			now the device sees it
 *
 * Each function returns 0 or -errno. Not for several threads at a time.
 */
#ifndef VFIO_DMA_H
#define VFIO_DMA_H

#include <errno.h>
#include <linux/vfio_iommu_batch.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

enum { VFIO_DMA_QUEUE = 256 };	/* at most VFIO_IOMMU_BATCH_DMA_MAX */

struct vfio_dma {
	int container;
	unsigned long type;	/* what VFIO_SET_IOMMU was given */
	int batches;		/* does the container take many operations a call? */
	unsigned int queued;
	struct vfio_iommu_batch_op op[VFIO_DMA_QUEUE];
};

static inline int vfio_dma_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

/* Gives the container the best backend that there is. */
static inline int vfio_dma_select(struct vfio_dma *dma, int container)
{
	static const unsigned long types[] = {
		VFIO_BATCH_IOMMU, VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU,
	};
	unsigned int i;
	int ret = -ENODEV;

	memset(dma, 0, sizeof(*dma));
	dma->container = container;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (ioctl(container, VFIO_CHECK_EXTENSION, types[i]) <= 0)
			continue;
		if (ioctl(container, VFIO_SET_IOMMU, types[i])) {
			ret = -errno;
			continue;
		}
		dma->type = types[i];
		dma->batches = ioctl(container, VFIO_CHECK_EXTENSION,
				     VFIO_BATCH_DMA) > 0;
		return 0;
	}
	return ret;
}

/* One operation by the calls that every backend has. */
static inline int vfio_dma_single(struct vfio_dma *dma, const struct vfio_iommu_batch_op *op)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_iommu_type1_dma_map map;

	memset(&unmap, 0, sizeof(unmap));
	memset(&map, 0, sizeof(map));
	if (op->flags & VFIO_IOMMU_BATCH_OP_UNMAP) {
		unmap.argsz = sizeof(unmap);
		unmap.iova = op->iova;
		unmap.size = op->size;
		return vfio_dma_ioctl(dma->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
	}
	map.argsz = sizeof(map);
	map.flags = op->flags;
	map.iova = op->iova;
	map.vaddr = op->vaddr;
	map.size = op->size;
	return vfio_dma_ioctl(dma->container, VFIO_IOMMU_MAP_DMA, &map);
}

/* All that is queued in one call; *@done says how many operations were done. */
static inline int vfio_dma_batch(struct vfio_dma *dma, unsigned int *done)
{
	struct vfio_iommu_batch_dma batch;
	int ret;

	memset(&batch, 0, sizeof(batch));
	batch.argsz = sizeof(batch);
	batch.op_size = sizeof(dma->op[0]);
	batch.nr_ops = dma->queued;
	batch.ops = (uintptr_t)dma->op;
	ret = vfio_dma_ioctl(dma->container, VFIO_IOMMU_BATCH_DMA, &batch);
	*done = batch.done;
	return ret;
}

/*
 * Carries out what is queued. On an error the operation that failed is the first of
 * those still queued, dma->op[0]; vfio_dma_drop() takes it out.
 */
static inline int vfio_dma_flush(struct vfio_dma *dma)
{
	unsigned int done = 0;
	int ret = 0;

	if (dma->queued && dma->batches)
		ret = vfio_dma_batch(dma, &done);
	for (; !dma->batches && done < dma->queued && !ret; done += !ret)
		ret = vfio_dma_single(dma, &dma->op[done]);
	dma->queued -= done;
	memmove(dma->op, dma->op + done, dma->queued * sizeof(dma->op[0]));
	return ret;
}

static inline void vfio_dma_drop(struct vfio_dma *dma)
{
	if (dma->queued)
		memmove(dma->op, dma->op + 1, --dma->queued * sizeof(dma->op[0]));
}

static inline int vfio_dma_queue(struct vfio_dma *dma, uint32_t flags, uint64_t iova,
				 uint64_t vaddr, uint64_t size)
{
	struct vfio_iommu_batch_op *op;
	int ret = dma->queued == VFIO_DMA_QUEUE ? vfio_dma_flush(dma) : 0;

	if (ret)
		return ret;
	op = &dma->op[dma->queued++];
	memset(op, 0, sizeof(*op));
	op->flags = flags;
	op->iova = iova;
	op->vaddr = vaddr;
	op->size = size;
	return 0;
}

/* The device may read and write @size bytes at @memory under @iova. */
static inline int vfio_dma_map(struct vfio_dma *dma, uint64_t iova, void *memory, uint64_t size)
{
	return vfio_dma_queue(dma, VFIO_IOMMU_BATCH_OP_READ | VFIO_IOMMU_BATCH_OP_WRITE, iova,
			      (uintptr_t)memory, size);
}

/* The memory may be used for something else once vfio_dma_flush() has returned. */
static inline int vfio_dma_unmap(struct vfio_dma *dma, uint64_t iova, uint64_t size)
{
	return vfio_dma_queue(dma, VFIO_IOMMU_BATCH_OP_UNMAP, iova, 0, size);
}

#endif
