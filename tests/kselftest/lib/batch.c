// SPDX-License-Identifier: GPL-2.0-only
/* See batch.h. */
#include "batch.h"
#include "container.h"

static struct vfio_iommu_batch_op *next_op(struct batch *b)
{
	return &b->op[b->nr++];
}

void batch_map(struct batch *b, __u64 iova, const void *vaddr, __u64 size)
{
	*next_op(b) = (struct vfio_iommu_batch_op) {
		.flags = VFIO_IOMMU_BATCH_OP_READ | VFIO_IOMMU_BATCH_OP_WRITE,
		.iova = iova,
		.vaddr = (unsigned long)vaddr,
		.size = size,
	};
}

void batch_unmap(struct batch *b, __u64 iova, __u64 size)
{
	*next_op(b) = (struct vfio_iommu_batch_op) {
		.flags = VFIO_IOMMU_BATCH_OP_UNMAP,
		.iova = iova,
		.size = size,
	};
}

int batch_run(int container, struct batch *b)
{
	struct vfio_iommu_batch_dma dma = {
		.argsz = sizeof(dma),
		.flags = b->flags,
		.op_size = sizeof(b->op[0]),
		.nr_ops = b->nr,
		.ops = (unsigned long)b->op,
	};
	int ret = vfio_ioctl(container, VFIO_IOMMU_BATCH_DMA, &dma);

	b->done = dma.done;
	b->unmapped = dma.unmapped;
	return ret;
}
