// SPDX-License-Identifier: GPL-2.0-only
/*
 * Did OP_BATCH come to the same on both sides? See compare.h.
 */
#include "compare.h"

static bool same_result(const struct op *op, unsigned int part, int type1, int ours)
{
	struct op one = op_of_part(op, part);

	return type1 == ours || compare_excused(&one, type1, ours);
}

/* Where it ended, and why. */
static bool same_end(struct pair *pair, const struct op *op)
{
	const struct outcome *type1 = &pair->type1.out, *ours = &pair->ours.out;

	if (type1->batch.done != ours->batch.done)
		return pair_disagree(pair, "type1 did %u operations (%d), ours %u (%d)",
				     type1->batch.done, type1->ret,
				     ours->batch.done, ours->ret);
	if (type1->batch.done == op->nparts ? type1->ret != ours->ret :
	    !same_result(op, type1->batch.done, type1->ret, ours->ret))
		return pair_disagree(pair, "operation %u of the call: type1 %d, ours %d",
				     type1->batch.done, type1->ret, ours->ret);
	return true;
}

bool compare_batch(struct pair *pair, const struct op *op)
{
	const struct outcome *type1 = &pair->type1.out, *ours = &pair->ours.out;
	unsigned int i;

	if (!same_end(pair, op))
		return false;
	for (i = 0; i < op->nparts; i++)
		if (!same_result(op, i, type1->batch.rest[i], ours->batch.rest[i]))
			return pair_disagree(pair, "operation %u after the call: type1 %d, ours %d",
					     i, type1->batch.rest[i], ours->batch.rest[i]);
	if (type1->batch.unmapped != ours->batch.unmapped)
		return pair_disagree(pair, "unmapped: type1 %#llx bytes, ours %#llx",
				     type1->batch.unmapped, ours->batch.unmapped);
	if (type1->locked != ours->locked)
		return pair_disagree(pair, "VmLck: type1 %+ld KiB, ours %+ld",
				     type1->locked, ours->locked);
	return true;
}
