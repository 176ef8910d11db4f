// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a side carries OP_BATCH out; see side.h.
 */
#include <string.h>

#include "../kselftest/lib/batch.h"
#include "../kselftest/lib/dma.h"
#include "memlock.h"
#include "side.h"

static const void *vaddr_of(const struct side *side, const struct op_part *part)
{
	__u64 base = part->vaddr_raw ? 0 : (unsigned long)side->arena.base;

	return (const void *)(base + part->vaddr);
}

static int run_part(struct side *side, const struct op_part *part)
{
	__u64 unmapped;
	int ret;

	if (part->flags)
		return dma_map(side->w.container, part->iova, vaddr_of(side, part),
			       part->size, part->flags);
	ret = dma_unmap(side->w.container, part->iova, part->size, 0, &unmapped);
	if (!ret)
		side->out.batch.unmapped += unmapped;
	return ret;
}

static void run_one_by_one(struct side *side, const struct op *op)
{
	struct outcome *out = &side->out;
	unsigned int i;
	long before;

	for (i = 0; i < op->nparts; i++) {
		before = memlock_used();
		out->ret = run_part(side, &op->part[i]);
		out->batch.locked[i] = memlock_used() - before;
		if (out->ret)
			break;
	}
	out->batch.done = i;
	while (out->ret && op->whole && i--)
		dma_unmap(side->w.container, op->part[i].iova, op->part[i].size, 0, NULL);
}

static void run_in_one_call(struct side *side, const struct op *op)
{
	static struct batch batch;
	unsigned int i;

	batch.nr = 0;
	batch.flags = op->whole ? VFIO_IOMMU_BATCH_DMA_WHOLE : 0;
	for (i = 0; i < op->nparts; i++) {
		const struct op_part *part = &op->part[i];

		if (!part->flags) {
			batch_unmap(&batch, part->iova, part->size);
			continue;
		}
		batch_map(&batch, part->iova, vaddr_of(side, part), part->size);
		batch.op[i].flags =
			(part->flags & DMA_READ ? VFIO_IOMMU_BATCH_OP_READ : 0) |
			(part->flags & DMA_WRITE ? VFIO_IOMMU_BATCH_OP_WRITE : 0);
	}
	side->out.ret = batch_run(side->w.container, &batch);
	side->out.batch.done = batch.done;
	side->out.batch.unmapped = batch.unmapped;
}

void side_run_batch(struct side *side, const struct op *op)
{
	struct outcome *out = &side->out;
	unsigned int i;

	if (side->w.mode->backend == BACKEND_BATCH)
		run_in_one_call(side, op);
	else
		run_one_by_one(side, op);
	for (i = out->batch.done + 1; i < op->nparts; i++)
		if (!op->part[i].flags)
			out->batch.rest[i] = run_part(side, &op->part[i]);
}
