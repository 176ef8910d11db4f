// SPDX-License-Identifier: GPL-2.0-only
/* See generate.h. */
#include <linux/vfio.h>
#include <string.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/util.h"
#include "arena.h"
#include "generate.h"
#include "pick.h"

/* Per mille. What is left over is DMA. */
static const struct {
	enum op_kind kind;
	unsigned int weight;
} weights[] = {
	{ OP_MAP, 370 }, { OP_UNMAP, 310 }, { OP_DIRTY, 100 }, { OP_BATCH, 60 }, { OP_INFO, 40 },
	{ OP_EXTENSION, 25 }, { OP_OTHER, 9 }, { OP_LIMIT, 50 },
	{ OP_ATTACH, 10 }, { OP_DETACH, 10 }, { OP_ZAP, 15 },
};

void generate_begin(struct generator *g, __u64 seed)
{
	memset(g, 0, sizeof(*g));
	g->rng.state = seed;
}

static __u32 odd_flags(struct generator *g, __u32 flags)
{
	return rng_percent(&g->rng, 3) ? flags ^ 1u << rng_below(&g->rng, 32) :
	       flags;
}

static void pick_arg(struct generator *g, struct op *op, __u32 argsz)
{
	static const int off[] = { -24, -8, -4, -1, 1, 8, 32, 4096 };

	op->argsz = argsz;
	op->arg = rng_percent(&g->rng, 50) ? ARG_ROOMY : ARG_TIGHT;
	op->cut = 1 + rng_below(&g->rng, 32);
	if (rng_percent(&g->rng, 3))
		op->argsz += rng_pick(&g->rng, off);
	if (rng_percent(&g->rng, 2))
		op->arg = rng_below(&g->rng, ARG_PLACES);
}

static void remember(struct generator *g, const struct op *op)
{
	unsigned int slot = g->nhints;

	if (op->vaddr_raw || !op->size || op->size > 16 * MIB ||
	    op->size % PAGE)
		return;
	if (slot < GENERATE_MEMORY)
		g->nhints++;
	else
		slot = rng_below(&g->rng, GENERATE_MEMORY);
	g->hint[slot] = (struct generate_hint){
		.iova = op->iova, .size = op->size, .vaddr = op->vaddr,
	};
}

/* An address given anew; most of the time, the one that was taken back. */
static void generate_restore(struct generator *g, struct op *op)
{
	struct generate_hint *hint = pick_hint(g);

	op->flags = DMA_VADDR;
	if (hint && rng_percent(&g->rng, 80)) {
		op->iova = hint->iova;
		op->size = hint->size;
		op->vaddr = hint->vaddr;
		op->vaddr_raw = false;
	}
}

static void generate_map(struct generator *g, struct op *op)
{
	static const __u32 flags[] = { DMA_RW, DMA_RW, DMA_READ, DMA_WRITE };
	struct rng *rng = &g->rng;

	pick_arg(g, op, sizeof(struct vfio_iommu_type1_dma_map));
	op->flags = rng_pick(rng, flags);
	op->iova = pick_iova(g);
	op->size = pick_size(g);
	pick_vaddr(g, op);
	if (rng_percent(rng, 12))
		generate_restore(g, op);
	else
		remember(g, op);
	op->flags = odd_flags(g, op->flags);
}

static void range_of_hints(struct generator *g, struct op *op)
{
	struct generate_hint *first = pick_hint(g), *last = pick_hint(g);

	if (!first)
		return;
	op->iova = first->iova;
	op->size = first->size;
	switch (rng_below(&g->rng, 8)) {
	case 0: /* from one to another, if they lie so */
	case 1:
		if (last->iova > first->iova)
			op->size = last->iova + last->size - first->iova;
		break;
	case 2: /* cuts it */
		op->size -= rng_below(&g->rng, op->size / PAGE) * PAGE;
		break;
	case 3:
		op->iova += PAGE;
		break;
	case 4: /* and what is around it */
		op->iova -= pick_pages(g, 8);
		op->size += pick_pages(g, 300);
		break;
	}
}

static void pick_range(struct generator *g, struct op *op)
{
	if (rng_percent(&g->rng, 80)) {
		range_of_hints(g, op);
	} else if (rng_percent(&g->rng, 20)) {
		op->iova = PICK_BASE;
		op->size = PICK_SPAN;
	} else {
		op->iova = pick_iova(g);
		op->size = pick_size(g);
	}
}

static void pick_bitmap(struct generator *g, struct op *op)
{
	/* Not 0: type1's answer to that is undefined. */
	static const __u64 odd_pgsizes[] = {
		1, 2048, 2 * PAGE, 3 * PAGE, PAGE + 1, 2 * MIB, 1ULL << 63,
		-1ULL,
	};
	static const __u64 odd_bytes[] = {
		0, 1, 7, 256 * MIB, 256 * MIB + 1, 1ULL << 40, -1ULL,
	};
	static const int off[] = { -8, -1, 3, 8, 64 };
	struct rng *rng = &g->rng;
	struct op_bitmap *bitmap = &op->bitmap;

	bitmap->pgsize = rng_percent(rng, 93) ? PAGE :
			 rng_pick(rng, odd_pgsizes);
	bitmap->size = (op->size / PAGE + 63) / 64 * 8;
	if (rng_percent(rng, 10))
		bitmap->size += rng_pick(rng, off);
	if (rng_percent(rng, 4))
		bitmap->size = rng_pick(rng, odd_bytes);
	bitmap->place = rng_percent(rng, 50) ? BITMAP_ROOMY : BITMAP_TIGHT;
	if (rng_percent(rng, 7))
		bitmap->place = rng_below(rng, BITMAP_PLACES);
	bitmap->fill = rng_percent(rng, 70) ? 0 : rng_next(rng);
}

/* The range that goes with UNMAP_ALL. */
static void everything(struct op *op)
{
	op->iova = 0;
	op->size = 0;
}

static void generate_unmap(struct generator *g, struct op *op)
{
	unsigned int dice = rng_below(&g->rng, 100);

	pick_arg(g, op, sizeof(struct vfio_iommu_type1_dma_unmap));
	pick_range(g, op);
	pick_bitmap(g, op);
	if (dice < 3) {
		op->flags = UNMAP_ALL;
		if (rng_percent(&g->rng, 90))
			everything(op);
	} else if (dice < 15) {
		op->flags = UNMAP_VADDR;
	} else if (dice < 30) {
		op->flags = UNMAP_DIRTY;
		op->argsz += sizeof(struct vfio_bitmap);
	} else if (dice < 31) {
		op->flags = UNMAP_VADDR | UNMAP_ALL;
		everything(op);
	}
	op->flags = odd_flags(g, op->flags);
}

static void generate_dirty(struct generator *g, struct op *op)
{
	unsigned int dice = rng_below(&g->rng, 100);

	pick_arg(g, op, sizeof(struct vfio_iommu_type1_dirty_bitmap));
	if (dice < 15) {
		op->flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START;
	} else if (dice < 20) {
		op->flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP;
	} else {
		op->flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP;
		op->argsz += sizeof(struct vfio_iommu_type1_dirty_bitmap_get);
	}
	pick_range(g, op);
	pick_bitmap(g, op);
	op->flags = odd_flags(g, op->flags);
}

/* An unmap, more often than not of what an earlier part maps or a mapping of another call. */
static void generate_part_unmap(struct generator *g, const struct op *batch, struct op *one)
{
	const struct op_part *other = &batch->part[rng_below(&g->rng, batch->nparts + 1)];

	pick_range(g, one);
	if (other < batch->part + batch->nparts && rng_percent(&g->rng, 60)) {
		one->iova = other->iova;
		one->size = other->size;
	}
}

/* A map, sometimes where an earlier part unmaps, and most of the time of what is there. */
static void generate_part_map(struct generator *g, const struct op *batch, struct op *one)
{
	const struct op_part *other = &batch->part[rng_below(&g->rng, batch->nparts + 1)];

	generate_map(g, one);
	one->flags &= DMA_RW;
	if (!one->flags)
		one->flags = DMA_RW;
	if (!rng_percent(&g->rng, 10)) {
		one->iova = PICK_BASE + rng_below(&g->rng, PICK_SPAN / PAGE) * PAGE;
		one->size = pick_pages(g, 8);
		one->vaddr = arena_regions[REGION_SMALL].offset +
			     rng_below(&g->rng, 512) * PAGE;
		one->vaddr_raw = false;
	}
	if (other < batch->part + batch->nparts && rng_percent(&g->rng, 40))
		one->iova = other->iova;
	remember(g, one);
}

/* Without the end of the IOVA space, which some kernels' type1 has a rule of its own for. */
static void generate_batch(struct generator *g, struct op *op)
{
	unsigned int n = 1 + rng_below(&g->rng, OP_PARTS), i;
	struct op one;

	op->whole = rng_percent(&g->rng, 20);
	for (i = 0; i < n; i++) {
		memset(&one, 0, sizeof(one));
		if (op->whole || rng_percent(&g->rng, 60))
			generate_part_map(g, op, &one);
		else
			generate_part_unmap(g, op, &one);
		if (op_ends_at_the_end(&one))
			continue;
		op->part[op->nparts++] = (struct op_part){
			.iova = one.iova, .size = one.size, .vaddr = one.vaddr,
			.vaddr_raw = one.vaddr_raw, .flags = one.flags,
		};
	}
}

static void generate_info(struct generator *g, struct op *op)
{
	static const __u32 small[] = {
		0, 1, 8, 15, 16, 17, 19, 20, 21, 23, 24, 25, 40, 63,
	};
	static const int near[] = { -8, -1, 0, 1, 7, 100 };

	pick_arg(g, op, 0);
	if (rng_percent(&g->rng, 60)) {
		op->argsz_needed = true;
		op->argsz = rng_pick(&g->rng, near);
	} else {
		op->argsz = rng_pick(&g->rng, small);
	}
}

static void generate_limit(struct generator *g, struct op *op)
{
	op->privileged = rng_percent(&g->rng, 30);
	op->headroom = -1;
	if (rng_percent(&g->rng, 60))
		op->headroom = rng_below(&g->rng, 60 * PAGE);
	if (rng_percent(&g->rng, 50))
		op->headroom &= ~(long)(PAGE - 1);
}

static enum op_kind pick_kind(struct generator *g)
{
	unsigned int dice = rng_below(&g->rng, 1000);
	unsigned int i;

	for (i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		if (dice < weights[i].weight)
			return weights[i].kind;
		dice -= weights[i].weight;
	}
	return OP_DMA;
}

void generate(struct generator *g, struct op *op)
{
	static const __u64 numbers[] = {
		VFIO_GET_API_VERSION, VFIO_SET_IOMMU, VFIO_IOMMU_ENABLE,
		VFIO_IOMMU_DISABLE, VFIO_GROUP_GET_STATUS,
		VFIO_BASE + 30, 0x5401, 0, 0xffffffff,
	};
	static const __u64 far[] = { 0x5642, 0xffffffff, -1ULL, 1ULL << 32 };

	memset(op, 0, sizeof(*op));
	op->number = g->number++;
	op->kind = pick_kind(g);
	op->ours_first = rng_percent(&g->rng, 50);
	switch (op->kind) {
	case OP_MAP:
		generate_map(g, op);
		break;
	case OP_UNMAP:
		generate_unmap(g, op);
		break;
	case OP_DIRTY:
		generate_dirty(g, op);
		break;
	case OP_BATCH:
		generate_batch(g, op);
		break;
	case OP_INFO:
		generate_info(g, op);
		break;
	case OP_EXTENSION:
		op->value = rng_percent(&g->rng, 80) ?
			rng_below(&g->rng, 13) : rng_pick(&g->rng, far);
		break;
	case OP_OTHER:
		op->value = rng_pick(&g->rng, numbers);
		break;
	case OP_LIMIT:
		generate_limit(g, op);
		break;
	case OP_ZAP:
		op->size = pick_pages(g, 64);
		pick_vaddr(g, op);
		break;
	case OP_DMA:
		range_of_hints(g, op);
		op->iova &= ~(PAGE - 1);
		break;
	}
}
