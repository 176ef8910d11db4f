// SPDX-License-Identifier: GPL-2.0-only
/* See compare.h. */
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/util.h"
#include "compare.h"

#define GET_BITMAP VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

bool compare_row_active(enum difference_id id)
{
	return kernel_running() < difference_get(id)->until;
}

static bool range_wraps(const struct op *op)
{
	return op_wraps(op->iova, op->size);
}

/* An arena is somewhere in the upper half of the user's addresses. */
static bool map_wraps(const struct op *op)
{
	__u64 base = op->vaddr_raw ? 0 : 1ULL << 46;

	return range_wraps(op) || op_wraps(base + op->vaddr, op->size);
}

static bool asks_nesting(const struct op *op)
{
	return op->value == 6;
}

static bool asks_type1(const struct op *op)
{
	return op->value == 1 || op->value == 3;
}

static bool asks_ours(const struct op *op)
{
	return op->value == 0x5642;
}

static const struct {
	enum op_kind kind;
	enum difference_id id;
	bool (*applies)(const struct op *op);
} rules[] = {
	{ OP_MAP, DIFF_MAP_WRAP, map_wraps },
	{ OP_UNMAP, DIFF_UNMAP_WRAP, range_wraps },
	{ OP_DIRTY, DIFF_DIRTY_WRAP, range_wraps },
	{ OP_DIRTY, DIFF_DIRTY_LAST_PAGE, op_ends_at_the_end },
	{ OP_EXTENSION, DIFF_NESTING, asks_nesting },
	{ OP_EXTENSION, DIFF_OWN_ID, asks_ours },
	{ OP_EXTENSION, DIFF_OWN_IS_NOT_TYPE1, asks_type1 },
};

/* User memory ends behind what type1 writes of GET_INFO, and before what we do. */
static bool ends_between(const struct op *op, int type1, int ours)
{
	size_t size = op->argsz > COMPARE_INFO_BYTES ? op->argsz :
		      COMPARE_INFO_BYTES;
	size_t there = size - op->cut;

	return op->kind == OP_INFO && !op->argsz_needed &&
	       op->arg == ARG_CUT && !type1 && ours == -EFAULT &&
	       there >= compare_info_written(BACKEND_TYPE1, op->argsz) &&
	       there < compare_info_written(BACKEND_BATCH, op->argsz);
}

bool compare_excused(const struct op *op, int type1, int ours)
{
	const struct difference *row;
	unsigned int i;

	if (ends_between(op, type1, ours))
		return true;
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		row = difference_get(rules[i].id);
		if (rules[i].kind == op->kind && rules[i].applies(op) &&
		    compare_row_active(rules[i].id) && row->type1 == type1 &&
		    row->ours == ours)
			return true;
	}
	return false;
}

/*
 * May type1 say that page @bit of the range is dirty, and we not? Where nothing
 * is mapped, yes (DIFF_DIRTY_STALE_BITS).
 */
static bool stale(struct pair *pair, const struct op *op, __u64 bit)
{
	return compare_row_active(DIFF_DIRTY_STALE_BITS) &&
	       bit < op->bitmap.size * 8 &&
	       (bit >= op->size / PAGE ||
		!model_at(&pair->model, op->iova + bit * PAGE));
}

static bool same_byte(struct pair *pair, const struct op *op, long at,
		      unsigned char type1, unsigned char ours)
{
	int bit;

	if (ours & ~type1)
		return false;
	for (bit = 0; bit < 8; bit++) {
		if ((type1 ^ ours) & 1 << bit &&
		    (at < 0 || !stale(pair, op, at * 8 + bit)))
			return false;
	}
	return true;
}

static bool compare_bitmaps(struct pair *pair, const struct op *op)
{
	const unsigned char *type1 = (void *)pair->type1.bitmap.mem;
	const unsigned char *ours = (void *)pair->ours.bitmap.mem;
	long i, start = side_bitmap_start(op);

	if (!memcmp(type1, ours, BUFFER_BYTES))
		return true;
	for (i = 0; i < BUFFER_BYTES; i++) {
		if (type1[i] != ours[i] &&
		    !same_byte(pair, op, i - start, type1[i],
			       ours[i]))
			return pair_disagree(pair,
				"byte %ld of the bitmap: type1 %#x, ours %#x",
				i - start, type1[i], ours[i]);
	}
	return true;
}

static bool has_bitmap(const struct op *op)
{
	return (op->kind == OP_UNMAP && op->flags & UNMAP_DIRTY) ||
	       (op->kind == OP_DIRTY && op->flags & GET_BITMAP);
}

static bool compare_arguments(struct pair *pair)
{
	const char *type1 = pair->type1.out.arg, *ours = pair->ours.out.arg;
	int i;

	for (i = 0; i < SIDE_ARG_BYTES; i++) {
		if (type1[i] != ours[i])
			return pair_disagree(pair,
				"byte %d of the argument: type1 %#x, ours %#x",
				i, type1[i] & 0xff, ours[i] & 0xff);
	}
	return true;
}

bool compare(struct pair *pair, const struct op *op)
{
	const struct outcome *type1 = &pair->type1.out;
	const struct outcome *ours = &pair->ours.out;
	bool excused = type1->ret != ours->ret;

	if (excused && !compare_excused(op, type1->ret, ours->ret))
		return pair_disagree(pair, "result: type1 %d, ours %d",
				     type1->ret, ours->ret);
	if (type1->locked != ours->locked)
		return pair_disagree(pair, "VmLck: type1 %+ld KiB, ours %+ld",
				     type1->locked, ours->locked);
	if (op->kind == OP_INFO)
		return excused || ours->ret || compare_info(pair, op);
	if (excused)
		return true;
	/* How far it came before it met the end of user memory is no promise. */
	if (has_bitmap(op) && ours->ret != -EFAULT &&
	    !compare_bitmaps(pair, op))
		return false;
	return compare_arguments(pair);
}
