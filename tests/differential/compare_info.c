// SPDX-License-Identifier: GPL-2.0-only
/* See compare.h. */
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "../kselftest/lib/batch.h"
#include "../kselftest/lib/info.h"
#include "../kselftest/lib/util.h"
#include "compare.h"

enum {
	FIXED = COMPARE_INFO_BYTES,
	FIRST = 16,		/* what every kernel has written */
	AVAIL_AT = 64,		/* where both put it, right after MIGRATION */
	UNTOUCHED = 0xa5,
	OUR_CAP = sizeof(struct vfio_iommu_info_cap_batch_dma),
};

/* What this side was told argsz is. */
static __u32 given(const struct side *side, const struct op *op)
{
	return op->argsz + (op->argsz_needed ? side->out.info_needed : 0);
}

__u32 compare_info_written(enum backend backend, __u32 argsz)
{
	const struct difference *row = difference_get(DIFF_INFO_WRITTEN);

	if (backend == BACKEND_TYPE1 && compare_row_active(DIFF_INFO_WRITTEN))
		return argsz < row->type1 ? FIRST : row->type1;
	return argsz < row->ours ? argsz : row->ours;
}

static __u32 written(const struct side *side, const struct op *op)
{
	return compare_info_written(side->w.mode->backend, given(side, op));
}

/* The answer of one side by itself: sizes, and what had to stay as it was. */
static bool check_side(struct pair *pair, const struct side *side,
		       const struct op *op)
{
	const struct vfio_iommu_type1_info *info = (void *)side->out.arg;
	__u32 argsz = given(side, op), needed = side->out.info_needed;
	const unsigned char *raw = (void *)side->out.arg;
	bool whole = argsz >= needed;
	__u32 i;

	if (info->argsz != (whole ? argsz : needed))
		return pair_disagree(pair, "%s: argsz %u became %u, not %u",
				     side->w.mode->name, argsz, info->argsz,
				     whole ? argsz : needed);
	if (written(side, op) >= 20 && info->cap_offset != (whole ? FIXED : 0))
		return pair_disagree(pair, "%s: cap_offset %u",
				     side->w.mode->name, info->cap_offset);
	for (i = written(side, op); i < SIDE_ARG_BYTES; i++) {
		if (whole && i >= FIXED && i < needed)
			continue;
		if (raw[i] != UNTOUCHED)
			return pair_disagree(pair, "%s: byte %u written",
					     side->w.mode->name, i);
	}
	return true;
}

static bool same_fixed_part(struct pair *pair, const struct op *op)
{
	const char *type1 = pair->type1.out.arg, *ours = pair->ours.out.arg;
	__u32 common = written(&pair->type1, op);

	if (written(&pair->ours, op) < common)
		common = written(&pair->ours, op);
	if (memcmp(type1 + sizeof(__u32), ours + sizeof(__u32),
		   common - sizeof(__u32)))
		return pair_disagree(pair, "the fixed part of GET_INFO");
	return true;
}

/*
 * The whole chain, byte by byte; all but the avail count must be the same, and ours goes on
 * behind type1's last capability.
 */
static bool same_bytes(struct pair *pair, const struct op *op, const struct info *info)
{
	char *type1 = pair->type1.out.arg, *ours = pair->ours.out.arg;
	__u32 needed = pair->type1.out.info_needed;
	struct vfio_info_cap_header *last;

	if (given(&pair->ours, op) < pair->ours.out.info_needed ||
	    given(&pair->type1, op) < needed ||
	    pair->ours.out.info_needed != needed + OUR_CAP)
		return true;
	memset(type1 + AVAIL_AT, 0, sizeof(__u32));
	memset(ours + AVAIL_AT, 0, sizeof(__u32));
	last = (void *)(ours + info->cap[info->ncaps - 1].offset);
	if (last->next != needed)
		return pair_disagree(pair, "where our own capability begins");
	last->next = 0;
	if (memcmp(type1 + FIXED, ours + FIXED, needed - FIXED))
		return pair_disagree(pair, "the bytes of the capabilities");
	return true;
}

static bool same_caps(struct pair *pair, const struct info *type1,
		      const struct info *ours)
{
	__u32 shift = 0;
	unsigned int i;

	if (type1->ncaps + 1 != ours->ncaps ||
	    ours->cap[type1->ncaps].id != VFIO_IOMMU_INFO_CAP_BATCH_DMA)
		return pair_disagree(pair, "%u capabilities, ours %u",
				     type1->ncaps, ours->ncaps);
	for (i = 0; i < type1->ncaps; i++) {
		if (ours->cap[i].id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE &&
		    compare_row_active(DIFF_INFO_WINDOWS_OFFSET))
			shift = difference_get(DIFF_INFO_WINDOWS_OFFSET)->ours -
				difference_get(DIFF_INFO_WINDOWS_OFFSET)->type1;
		if (type1->cap[i].id != ours->cap[i].id ||
		    type1->cap[i].version != ours->cap[i].version ||
		    type1->cap[i].offset + shift != ours->cap[i].offset)
			return pair_disagree(pair, "capability %u", i);
	}
	if (pair->type1.out.info_needed + shift + OUR_CAP != pair->ours.out.info_needed)
		return pair_disagree(pair, "GET_INFO needs %llu, ours %llu",
				     pair->type1.out.info_needed,
				     pair->ours.out.info_needed);
	return true;
}

static bool same_contents(struct pair *pair, const struct info *type1,
			  const struct info *ours)
{
	if (type1->flags != ours->flags || type1->pgsizes != ours->pgsizes)
		return pair_disagree(pair, "flags or page sizes");
	if (type1->nwindows != ours->nwindows ||
	    memcmp(type1->window, ours->window,
		   ours->nwindows * sizeof(ours->window[0])))
		return pair_disagree(pair, "IOVA ranges");
	if (type1->migration.flags != ours->migration.flags ||
	    type1->migration.pgsize_bitmap != ours->migration.pgsize_bitmap ||
	    type1->migration.max_dirty_bitmap_size !=
	    ours->migration.max_dirty_bitmap_size)
		return pair_disagree(pair, "the migration capability");
	return true;
}

/* Each by its own rule (DIFF_RAM_TAKES_ENTRY, DIFF_DMA_AVAIL). */
static bool right_avail(struct pair *pair, const struct info *type1,
			const struct info *ours)
{
	long limit = backend_param(BACKEND_TYPE1, "dma_entry_limit"), left;

	if (type1->avail != limit - pair->model.n)
		return pair_disagree(pair, "type1: avail %u with %u mappings",
				     type1->avail, pair->model.n);
	limit = backend_param(BACKEND_BATCH, "dma_entry_limit");
	left = entries_room(BACKEND_BATCH, pair->ours.w.container);
	if (ours->avail != UINT_MAX || left != limit - model_uncharged(&pair->model))
		return pair_disagree(pair, "ours: avail %u, %ld entries left, %u uncharged",
				     ours->avail, left,
				     model_uncharged(&pair->model));
	return true;
}

bool compare_info(struct pair *pair, const struct op *op)
{
	struct info type1, ours;

	if (info_get(pair->type1.w.container, &type1) ||
	    info_get(pair->ours.w.container, &ours))
		return pair_disagree(pair, "a chain that is not well formed");
	return check_side(pair, &pair->type1, op) &&
	       check_side(pair, &pair->ours, op) &&
	       same_fixed_part(pair, op) && same_bytes(pair, op, &type1) &&
	       same_caps(pair, &type1, &ours) &&
	       same_contents(pair, &type1, &ours) &&
	       right_avail(pair, &type1, &ours);
}
