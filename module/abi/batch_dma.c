// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_BATCH_DMA: copies the structure and the array in, checks their form, passes the
 * operations to the engine, and writes back how far it came. The array is read once, before
 * anything is done, and never written.
 */
#include "batch_dma.h"

#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include <uapi/linux/vfio_iommu_batch.h>

#include "compat/vfio.h"
#include "engine/bulk.h"
#include "engine/ioas.h"
#include "trace/refusal.h"
#include "trace/trace.h"

enum {
	READ_AT_ONCE = 16,		/* operations copied in by one copy_from_user() */
};

/* Checks and translates one operation. Return: 0, or -EINVAL if it is malformed. */
static int take_op(struct vib_bulk_op *out, const struct vfio_iommu_batch_op *op)
{
	u32 access = op->flags & (VFIO_IOMMU_BATCH_OP_READ | VFIO_IOMMU_BATCH_OP_WRITE);
	bool unmap = op->flags & VFIO_IOMMU_BATCH_OP_UNMAP;

	if (op->reserved || op->flags & ~(access | VFIO_IOMMU_BATCH_OP_UNMAP) || !access == !unmap)
		return -EINVAL;
	if (unmap && op->vaddr)
		return -EINVAL;
	out->iova = op->iova;
	out->size = op->size;
	out->vaddr = op->vaddr;
	out->prot = (access & VFIO_IOMMU_BATCH_OP_READ ? IOMMU_READ : 0) |
		    (access & VFIO_IOMMU_BATCH_OP_WRITE ? IOMMU_WRITE : 0);
	return 0;
}

/* Copies all operations in. Return: 0; -EFAULT before -EINVAL for a malformed one. */
static int take_ops(struct vib_bulk_op *ops, const struct vfio_iommu_batch_dma *dma)
{
	const struct vfio_iommu_batch_op __user *from = (void __user *)dma->ops;
	struct vfio_iommu_batch_op some[READ_AT_ONCE];
	u32 i, at, n;
	int ret = 0;

	for (at = 0; at < dma->nr_ops; at += n) {
		n = min_t(u32, dma->nr_ops - at, READ_AT_ONCE);
		if (copy_from_user(some, from + at, n * sizeof(*some)))
			return -EFAULT;
		for (i = 0; i < n && !ret; i++) {
			ret = take_op(&ops[at + i], &some[i]);
			if (!ret && !ops[at + i].prot && dma->flags & VFIO_IOMMU_BATCH_DMA_WHOLE)
				ret = -EINVAL;
		}
	}
	return ret;
}

static int run_ops(struct vib_ioas *ioas, struct vfio_iommu_batch_dma *dma,
		   struct vib_bulk_op *ops)
{
	struct vib_bulk bulk = {
		.ops = ops,
		.nr = dma->nr_ops,
		.whole = dma->flags & VFIO_IOMMU_BATCH_DMA_WHOLE,
	};
	int ret;

	ret = vib_bulk(ioas, &bulk);
	dma->done = bulk.done;
	dma->unmapped = bulk.unmapped;
	if (ret)
		trace_vib_failed(ioas->handle, VIB_CALL_BATCH, ops[bulk.done].iova,
				 ops[bulk.done].size, ret);
	return ret;
}

/* Reports that the call is refused as a whole. Return: @error. */
static int refuse_call(struct vib_ioas *ioas, int error)
{
	vib_refuse(ioas->handle, VIB_REASON_ARGS, error);
	trace_vib_failed(ioas->handle, VIB_CALL_BATCH, 0, 0, error);
	return error;
}

/* Return: 0 or an operation's errno, with the results in @dma; or the call's, with nothing done. */
static int batch_dma(struct vib_ioas *ioas, struct vfio_iommu_batch_dma *dma)
{
	struct vib_bulk_op *ops;
	int ret;

	dma->done = 0;
	dma->unmapped = 0;
	if (dma->flags & ~VFIO_IOMMU_BATCH_DMA_WHOLE ||
	    dma->op_size != sizeof(struct vfio_iommu_batch_op) ||
	    dma->nr_ops > VFIO_IOMMU_BATCH_DMA_MAX || dma->reserved)
		return refuse_call(ioas, -EINVAL);
	ops = kvmalloc_array(dma->nr_ops, sizeof(*ops), GFP_KERNEL_ACCOUNT);
	if (!ops)
		return -ENOMEM;
	ret = take_ops(ops, dma);
	ret = ret ? refuse_call(ioas, ret) : run_ops(ioas, dma, ops);
	kvfree(ops);
	return ret;
}

long vib_batch_dma(struct vib_ioas *ioas, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_batch_dma, unmapped);
	struct vfio_iommu_batch_dma dma;
	int ret;

	if (copy_from_user(&dma, arg, minsz))
		return -EFAULT;
	if (dma.argsz < minsz)
		return refuse_call(ioas, -EINVAL);
	ret = batch_dma(ioas, &dma);
	return copy_to_user(arg, &dma, minsz) ? -EFAULT : ret;
}
