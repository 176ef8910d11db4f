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
	/* Not where KASAN is to see what is used beside its end, or afterwards. */
	KEEP_ROOM = !IS_ENABLED(CONFIG_KASAN),
};

/* Checks and translates one operation. Return: false if it is malformed. */
static __always_inline bool take_op(struct vib_bulk_op *out, const struct vfio_iommu_batch_op *op)
{
	u32 access = op->flags & (VFIO_IOMMU_BATCH_OP_READ | VFIO_IOMMU_BATCH_OP_WRITE);
	bool unmap = op->flags & VFIO_IOMMU_BATCH_OP_UNMAP;

	out->iova = op->iova;
	out->size = op->size;
	out->vaddr = op->vaddr;
	out->prot = (access & VFIO_IOMMU_BATCH_OP_READ ? IOMMU_READ : 0) |
		    (access & VFIO_IOMMU_BATCH_OP_WRITE ? IOMMU_WRITE : 0);
	if (op->reserved || op->flags & ~(access | VFIO_IOMMU_BATCH_OP_UNMAP))
		return false;
	return unmap ? !access && !op->vaddr : access;
}

/*
 * Reads all operations and counts the maps. Return: 0; -EFAULT before -EINVAL for a malformed one.
 * Nothing that is not inlined may be called while user memory can be accessed.
 */
static int take_ops(struct vib_bulk_op *ops, const struct vfio_iommu_batch_dma *dma, u32 *maps)
{
	const struct vfio_iommu_batch_op __user *from = (void __user *)dma->ops;
	bool valid = true;
	u32 i;

	*maps = 0;
	if (!dma->nr_ops)
		return 0;
	if (!user_access_begin(from, dma->nr_ops * sizeof(*from)))
		return -EFAULT;
	for (i = 0; i < dma->nr_ops; i++) {
		struct vfio_iommu_batch_op op;

		unsafe_get_user(op.flags, &from[i].flags, err_fault);
		unsafe_get_user(op.reserved, &from[i].reserved, err_fault);
		unsafe_get_user(op.iova, &from[i].iova, err_fault);
		unsafe_get_user(op.size, &from[i].size, err_fault);
		unsafe_get_user(op.vaddr, &from[i].vaddr, err_fault);
		valid &= take_op(&ops[i], &op);
		*maps += !!ops[i].prot;
	}
	user_access_end();
	/* Unmaps cannot be undone. */
	if (dma->flags & VFIO_IOMMU_BATCH_DMA_WHOLE && *maps < dma->nr_ops)
		valid = false;
	return valid ? 0 : -EINVAL;

err_fault:
	user_access_end();
	return -EFAULT;
}

static int run_ops(struct vib_ioas *ioas, struct vfio_iommu_batch_dma *dma,
		   const struct vib_bulk_op *ops, u32 maps)
{
	struct vib_bulk bulk = {
		.ops = ops,
		.nr = dma->nr_ops,
		.maps = maps,
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

/*
 * Return: room for @nr operations, or NULL. A container keeps room for any call, since the kernel
 * clears what it allocates, which costs as much as reading the operations.
 */
static struct vib_bulk_op *get_room(struct vib_ioas *ioas, u32 nr)
{
	struct vib_bulk_op *ops = xchg(&ioas->spare_ops, NULL);

	if (ops)
		return ops;
	return kvmalloc_array(KEEP_ROOM ? VFIO_IOMMU_BATCH_DMA_MAX : nr, sizeof(*ops),
			      GFP_KERNEL_ACCOUNT);
}

static void put_room(struct vib_ioas *ioas, struct vib_bulk_op *ops)
{
	kvfree(KEEP_ROOM ? xchg(&ioas->spare_ops, ops) : ops);
}

/* Return: 0 or an operation's errno, with the results in @dma; or the call's, with nothing done. */
static int batch_dma(struct vib_ioas *ioas, struct vfio_iommu_batch_dma *dma)
{
	struct vib_bulk_op *ops;
	u32 maps;
	int ret;

	dma->done = 0;
	dma->unmapped = 0;
	if (dma->flags & ~VFIO_IOMMU_BATCH_DMA_WHOLE ||
	    dma->op_size != sizeof(struct vfio_iommu_batch_op) ||
	    dma->nr_ops > VFIO_IOMMU_BATCH_DMA_MAX || dma->reserved)
		return refuse_call(ioas, -EINVAL);
	ops = get_room(ioas, dma->nr_ops);
	if (!ops)
		return -ENOMEM;
	ret = take_ops(ops, dma, &maps);
	ret = ret ? refuse_call(ioas, ret) : run_ops(ioas, dma, ops, maps);
	put_room(ioas, ops);
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
