// SPDX-License-Identifier: GPL-2.0-only
/* See pair.h. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/util.h"
#include "compare.h"
#include "pair.h"
#include "tally.h"
#include "witness.h"

bool pair_disagree(struct pair *pair, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(pair->why, sizeof(pair->why), format, args);
	va_end(args);
	return false;
}

int pair_open(struct pair *pair, enum mode_id type1, enum mode_id ours)
{
	int ret;

	pair->why[0] = '\0';
	model_reset(&pair->model, mode_get(ours)->v2);
	ret = side_open(&pair->type1, type1, 0, 2);
	if (ret)
		pair_disagree(pair, "%.200s", pair->type1.w.why);
	else
		ret = side_open(&pair->ours, ours, 1, 3);
	if (ret && !pair->why[0])
		pair_disagree(pair, "%.200s", pair->ours.w.why);
	/* at the end, both are gone */
	pair->ours.w.use = pair->type1.w.use;
	return ret;
}

bool pair_close(struct pair *pair)
{
	const char *left;

	side_close(&pair->ours);
	side_close(&pair->type1);
	left = world_leak(&pair->ours.w);
	if (!left)
		left = world_leak(&pair->type1.w);
	return left ? pair_disagree(pair, "left behind: %.200s", left) : true;
}

/* Both empty again, from a state that no answer tells. */
static bool start_over(struct pair *pair)
{
	__s64 type1 = side_unmap_all(&pair->type1);
	__s64 ours = side_unmap_all(&pair->ours);

	pair->model.n = 0;
	if (type1 != ours || type1 < 0)
		return pair_disagree(pair, "after a fault, type1 has %lld bytes, ours %lld",
				     type1, ours);
	return true;
}

static __u64 unmapped(const struct side *side)
{
	const struct vfio_iommu_type1_dma_unmap *answer;

	answer = (const void *)side->out.arg;
	return answer->size;
}

/* DIFF_UNMAP_LAST_PAGE: each as its kernel has it, and from there anew. */
static bool unmap_to_the_end(struct pair *pair, const struct op *op)
{
	__u64 bytes = model_covered(&pair->model, op);

	if (unmapped(&pair->type1) ||
	    (!pair->ours.out.ret && unmapped(&pair->ours) != bytes))
		return pair_disagree(pair, "type1 says %#llx bytes, ours %#llx, the model %#llx",
				     unmapped(&pair->type1),
				     unmapped(&pair->ours), bytes);
	if (side_unmap_all(&pair->type1) != (__s64)model_bytes(&pair->model))
		return pair_disagree(pair, "type1 unmapped some of it");
	if (side_unmap_all(&pair->ours) < 0)
		return pair_disagree(pair, "ours does not unmap the rest");
	pair->model.n = 0;
	return true;
}

static bool is_unmap_to_the_end(struct pair *pair, const struct op *op)
{
	return op->kind == OP_UNMAP && op_ends_at_the_end(op) &&
	       compare_row_active(DIFF_UNMAP_LAST_PAGE) &&
	       !pair->type1.out.ret &&
	       (!pair->ours.out.ret || op->flags & (UNMAP_VADDR | UNMAP_DIRTY));
}

static bool follow_map(struct pair *pair, const struct op *op)
{
	if (op->flags & DMA_VADDR ||
	    model_map(&pair->model, op, pair->ours.out.locked > 0))
		return true;
	return pair_disagree(pair, "both map what is mapped already");
}

static bool follow_unmap(struct pair *pair, const struct op *op)
{
	__u64 bytes;

	bytes = op->flags & UNMAP_VADDR ?
		model_covered(&pair->model, op) :
		model_unmap(&pair->model, op);
	if (unmapped(&pair->ours) == bytes)
		return true;
	return pair_disagree(pair, "both say %#llx bytes, the model %#llx",
			     unmapped(&pair->ours), bytes);
}

/* The same for OP_BATCH; what it charged is known of the side that did it one by one. */
static bool follow_batch(struct pair *pair, const struct op *op)
{
	const struct batch_outcome *out = &pair->type1.out.batch;
	__u32 i, done = op->whole && pair->ours.out.ret ? 0 : out->done;
	__u64 bytes = 0;

	for (i = 0; i < op->nparts; i++) {
		struct op one = op_of_part(op, i);

		if (i == out->done || (i >= done && one.kind == OP_MAP) || out->rest[i])
			continue;
		if (one.kind == OP_UNMAP)
			bytes += model_unmap(&pair->model, &one);
		else if (!model_map(&pair->model, &one, out->locked[i] > 0))
			return pair_disagree(pair, "both map what is mapped already");
	}
	if (bytes == out->unmapped)
		return true;
	return pair_disagree(pair, "both say %#llx bytes, the model %#llx", out->unmapped, bytes);
}

/* Keeps the model up with what both have agreed on. */
static bool follow(struct pair *pair, const struct op *op)
{
	int ret = pair->ours.out.ret;

	if (op->kind == OP_UNMAP && ret == -EFAULT)
		return start_over(pair);
	if (ret)
		return true;
	if (op->kind == OP_MAP)
		return follow_map(pair, op);
	if (op->kind == OP_UNMAP)
		return follow_unmap(pair, op);
	return true;
}

/* Is it about memory that we share and type1 does not? Such calls differ on purpose. */
static bool shares(const struct pair *pair, const struct op *op)
{
	unsigned int large = 0;
	__u32 i;

	if (op->kind != OP_BATCH)
		return model_shares(&pair->model, op);
	for (i = 0; i < op->nparts; i++) {
		struct op one = op_of_part(op, i);

		large += one.kind == OP_MAP && one.size >= 2 * MIB;
		if (large > 1 || model_shares(&pair->model, &one))
			return true;
	}
	return false;
}

bool pair_step(struct pair *pair, const struct op *op)
{
	if (shares(pair, op)) {
		tally_add(op, -ECANCELED);
		return true;
	}
	if (op->kind == OP_DMA) {
		tally_add(op, 0);
		return witness(pair, op);
	}
	side_run(op->ours_first ? &pair->ours : &pair->type1, op);
	side_run(op->ours_first ? &pair->type1 : &pair->ours, op);
	tally_add(op, pair->ours.out.ret);
	if (op->kind == OP_BATCH)
		return compare_batch(pair, op) && follow_batch(pair, op);
	if (is_unmap_to_the_end(pair, op))
		return unmap_to_the_end(pair, op);
	return compare(pair, op) && follow(pair, op);
}
