// SPDX-License-Identifier: GPL-2.0-only
/* See hostile_call.h. */
#include <string.h>

#include "../kselftest/lib/batch.h"
#include "../kselftest/lib/util.h"
#include "hostile_call.h"

#define KERNEL_ADDRESS 0xffff888000100000ULL
#define NONCANONICAL 0x8000000000000000ULL
#define IOVA_BASE (1 * GIB)
#define MSI_WINDOW 0xfee00000ULL

enum { BATCH_IOMMU = 0x5642, SLOTS = 40 };

const char * const call_name[CALL_KINDS] = {
	[CALL_MAP] = "map", [CALL_UNMAP] = "unmap",
	[CALL_UNMAP_DIRTY] = "unmap_dirty", [CALL_DIRTY] = "dirty",
	[CALL_DIRTY_GET] = "dirty_get", [CALL_INFO] = "info",
	[CALL_EXTENSION] = "extension", [CALL_UNKNOWN] = "unknown",
	[CALL_SET_IOMMU] = "set_iommu", [CALL_BATCH] = "batch",
};

/* In parts of a thousand; the rest are maps. */
static const unsigned int weight[CALL_KINDS] = {
	[CALL_UNMAP] = 240, [CALL_UNMAP_DIRTY] = 60, [CALL_DIRTY] = 30,
	[CALL_DIRTY_GET] = 100, [CALL_INFO] = 90, [CALL_EXTENSION] = 30,
	[CALL_UNKNOWN] = 20, [CALL_SET_IOMMU] = 10, [CALL_BATCH] = 80,
};

static const __u64 odd[] = {
	0, 1, 2, 3, 7, 8, 4095, 4096, 4097, 8192, 1ULL << 21, 1ULL << 31,
	(1ULL << 32) - 1, 1ULL << 32, (1ULL << 39) - 4096, 1ULL << 39,
	1ULL << 47, 1ULL << 52, (1ULL << 63) - 4096, 1ULL << 63, -8192ULL,
	-4096ULL, -4095ULL, -1ULL,
};

static __u64 some_place(struct rng *rng, const struct places *places,
			enum place *which)
{
	/* What can be used most of the time, else nothing would be mapped. */
	enum place place = rng_percent(rng, 60) ? rng_below(rng, 2) :
		rng_below(rng, PLACES);

	/* Each late copy costs milliseconds. */
	if (place == PLACE_LATE && rng_percent(rng, 90))
		place = PLACE_OWN;
	*which = place;
	switch (place) {
	case PLACE_KERNEL:
		return KERNEL_ADDRESS + rng_below(rng, 64) * PAGE;
	case PLACE_NONCANONICAL:
		return NONCANONICAL;
	case PLACE_NULL:
		return 0;
	default:
		return (unsigned long)places->at[place];
	}
}

/* An address that is to be mapped: whole pages, mostly. */
static __u64 some_vaddr(struct rng *rng, const struct places *places)
{
	enum place place;
	__u64 at = some_place(rng, places, &place);

	at += rng_below(rng, PLACE_SIZE / PAGE) * PAGE;
	return rng_percent(rng, 3) ? at + rng_pick(rng, odd) : at;
}

static __u64 some_iova(struct rng *rng)
{
	if (rng_percent(rng, 4))
		return rng_pick(rng, odd);
	if (rng_percent(rng, 2))
		return MSI_WINDOW + rng_below(rng, 4) * PAGE;
	return IOVA_BASE + rng_below(rng, SLOTS) * 8 * PAGE;
}

static __u64 some_size(struct rng *rng, __u64 iova)
{
	if (rng_percent(rng, 6))
		return rng_pick(rng, odd);
	if (rng_percent(rng, 2))
		return -iova + rng_below(rng, 3) * PAGE - PAGE;
	return (1 + rng_below(rng, 12)) * PAGE;
}

static __u32 some_flags(struct rng *rng, __u32 right)
{
	if (rng_percent(rng, 92))
		return right;
	return rng_percent(rng, 80) ? right ^ (1u << rng_below(rng, 32)) :
		rng_next(rng);
}

static __u32 some_argsz(struct rng *rng, unsigned int right)
{
	static const __u32 sizes[] = { 0, 1, 8, 16, 23, 31, -1u, 1u << 31 };

	if (rng_percent(rng, 94))
		return right;
	return rng_percent(rng, 50) ? right - 1 : rng_pick(rng, sizes);
}

static struct vfio_bitmap some_bitmap(struct rng *rng,
				      const struct places *places, __u64 size)
{
	struct vfio_bitmap bitmap = { .pgsize = PAGE };
	enum place place;

	bitmap.data = (void *)some_place(rng, places, &place);
	bitmap.size = size / PAGE / 8 / 8 * 8 + 8;
	if (rng_percent(rng, 5))
		bitmap.pgsize = rng_pick(rng, odd);
	if (rng_percent(rng, 5))
		bitmap.size = rng_pick(rng, odd);
	return bitmap;
}

static void put(struct call *call, const void *part, unsigned int size)
{
	memcpy(call->body + call->size, part, size);
	call->size += size;
}

static void craft_map(struct call *call, struct rng *rng,
		      const struct places *places)
{
	static const __u32 access[] = {
		VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE,
		VFIO_DMA_MAP_FLAG_VADDR,
	};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = some_argsz(rng, sizeof(map)),
		.flags = some_flags(rng, rng_pick(rng, access)),
		.vaddr = some_vaddr(rng, places),
		.iova = some_iova(rng),
	};

	map.size = some_size(rng, map.iova);
	call->request = VFIO_IOMMU_MAP_DMA;
	put(call, &map, sizeof(map));
}

static void craft_unmap(struct call *call, struct rng *rng,
			const struct places *places, bool dirty)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = some_argsz(rng, sizeof(unmap) +
				    dirty * sizeof(struct vfio_bitmap)),
		.flags = some_flags(rng, dirty ?
				    VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP : 0),
		.iova = some_iova(rng),
	};
	struct vfio_bitmap bitmap;

	unmap.size = some_size(rng, unmap.iova);
	if (!dirty && rng_percent(rng, 4)) {
		unmap.flags |= VFIO_DMA_UNMAP_FLAG_ALL;
		unmap.iova = 0;
		unmap.size = 0;
	}
	if (!dirty && rng_percent(rng, 8))
		unmap.flags |= VFIO_DMA_UNMAP_FLAG_VADDR;
	bitmap = some_bitmap(rng, places, unmap.size);
	call->request = VFIO_IOMMU_UNMAP_DMA;
	put(call, &unmap, sizeof(unmap));
	put(call, &bitmap, sizeof(bitmap));
}

static void craft_dirty(struct call *call, struct rng *rng,
			const struct places *places, bool get)
{
	struct vfio_iommu_type1_dirty_bitmap_get range = {
		.iova = some_iova(rng),
	};
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = some_argsz(rng, sizeof(dirty) + get * sizeof(range)),
		.flags = some_flags(rng, get ?
				    VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP :
				    1 + rng_below(rng, 2)),
	};

	range.size = some_size(rng, range.iova);
	range.bitmap = some_bitmap(rng, places, range.size);
	call->request = VFIO_IOMMU_DIRTY_PAGES;
	put(call, &dirty, sizeof(dirty));
	put(call, &range, sizeof(range));
}

static void craft_info(struct call *call, struct rng *rng)
{
	struct vfio_iommu_type1_info info = {
		.argsz = rng_percent(rng, 50) ? sizeof(call->body) :
			some_argsz(rng, sizeof(info)),
		.flags = rng_next(rng),
	};

	call->request = VFIO_IOMMU_GET_INFO;
	put(call, &info, sizeof(info));
}

static void craft_op(struct vfio_iommu_batch_op *op, struct rng *rng,
		     const struct places *places)
{
	static const __u32 flags[] = { 1, 2, 3, 3, 3, 4, 4, 4 };

	memset(op, 0, sizeof(*op));
	op->flags = rng_pick(rng, flags);
	op->iova = some_iova(rng);
	op->size = some_size(rng, op->iova);
	if (op->flags != VFIO_IOMMU_BATCH_OP_UNMAP)
		op->vaddr = some_vaddr(rng, places);
	if (rng_percent(rng, 1))
		op->flags = some_flags(rng, op->flags);
}

/* Its array is in memory that the other client changes, or that cannot be read as a whole. */
static void craft_batch(struct call *call, struct rng *rng,
			const struct places *places)
{
	struct vfio_iommu_batch_dma dma = {
		.argsz = some_argsz(rng, sizeof(dma)),
		.flags = some_flags(rng, rng_percent(rng, 10)),
		.op_size = some_flags(rng, sizeof(struct vfio_iommu_batch_op)),
		.nr_ops = rng_below(rng, 24),
	};
	struct vfio_iommu_batch_op *ops = NULL;
	enum place place;
	unsigned int i;

	dma.ops = some_place(rng, places, &place);
	if (place == PLACE_OWN || place == PLACE_COMMON)
		ops = (void *)places->at[place];
	else if (place == PLACE_READ_ONLY)
		ops = (void *)places->read_only;
	else if (place == PLACE_EDGE)
		dma.ops += PLACE_SIZE - 3 * sizeof(*ops);
	for (i = 0; ops && i < dma.nr_ops; i++)
		craft_op(&ops[i], rng, places);
	if (rng_percent(rng, 3))
		dma.nr_ops = rng_pick(rng, odd);
	call->request = VFIO_IOMMU_BATCH_DMA;
	put(call, &dma, sizeof(dma));
}

static enum call_kind some_kind(struct rng *rng)
{
	unsigned int at = rng_below(rng, 1000), i;

	for (i = 0; i < CALL_KINDS; i++) {
		if (at < weight[i])
			return i;
		at -= weight[i];
	}
	return CALL_MAP;
}

/* The structure from @at on, as far as the page goes; the rest at @rest. */
static void straddle(const struct call *call, char *at, char *rest)
{
	unsigned int room = PAGE - (unsigned long)at % PAGE;
	unsigned int head = call->size < room ? call->size : room;

	memcpy(at, call->body, head);
	if (rest)
		memcpy(rest, call->body + head, call->size - head);
}

/*
 * Where the structure stands: mostly in the caller's own buffer, now and then
 * so that its end is missing, or late, or that it cannot be written back.
 */
static void settle(struct call *call, struct rng *rng,
		   const struct places *places)
{
	enum place place;
	__u64 into;

	call->arg = (unsigned long)call->body;
	if (rng_percent(rng, 80))
		return;
	call->arg = some_place(rng, places, &place);
	into = rng_below(rng, call->size / 4 + 1) * 4;
	switch (place) {
	case PLACE_LATE:
		call->arg += PAGE - into;
		straddle(call, (char *)call->arg, places->late + PAGE);
		break;
	case PLACE_EDGE:
		call->arg += PLACE_SIZE - into;
		if (into)
			straddle(call, (char *)call->arg, NULL);
		break;
	case PLACE_READ_ONLY:
		memcpy(places->read_only, call->body, call->size);
		break;
	case PLACE_OWN:
	case PLACE_COMMON:
		memcpy((char *)call->arg, call->body, call->size);
		break;
	default:
		break;
	}
}

/* One word of a structure, or half of one, made another. */
static void change_word(struct call *call, struct rng *rng)
{
	unsigned int wide = rng_percent(rng, 60) ? 8 : 4;
	unsigned char *at;
	__u64 word = 0;

	if (call->size < wide)
		return;
	at = call->body + rng_below(rng, call->size / wide) * wide;
	memcpy(&word, at, wide);
	switch (rng_below(rng, 4)) {
	case 0:
		word = rng_pick(rng, odd);
		break;
	case 1:
		word ^= 1ULL << rng_below(rng, 8 * wide);
		break;
	case 2:
		word += (rng_below(rng, 9) - 4) * PAGE;
		break;
	default:
		word += rng_below(rng, 9) - 4;
	}
	memcpy(at, &word, wide);
}

void hostile_call_vary(struct call *call, const struct call *model, struct rng *rng,
		       const struct places *places)
{
	unsigned int changes = rng_below(rng, 4);

	*call = *model;
	if (!call->size)
		return;
	while (changes--)
		change_word(call, rng);
	settle(call, rng, places);
}

void hostile_call_make(struct call *call, struct rng *rng, const struct places *places)
{
	static const unsigned long ids[] = {
		BATCH_IOMMU, BATCH_IOMMU, VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU,
		VFIO_UPDATE_VADDR, VFIO_UNMAP_ALL, VFIO_DMA_CC_IOMMU, 0, -1UL,
	};

	memset(call, 0, sizeof(*call));
	call->kind = some_kind(rng);
	switch (call->kind) {
	case CALL_MAP:
		craft_map(call, rng, places);
		break;
	case CALL_UNMAP:
	case CALL_UNMAP_DIRTY:
		craft_unmap(call, rng, places, call->kind == CALL_UNMAP_DIRTY);
		break;
	case CALL_DIRTY:
	case CALL_DIRTY_GET:
		craft_dirty(call, rng, places, call->kind == CALL_DIRTY_GET);
		break;
	case CALL_INFO:
		craft_info(call, rng);
		break;
	case CALL_BATCH:
		craft_batch(call, rng, places);
		break;
	case CALL_UNKNOWN:
		call->request = _IO(VFIO_TYPE, rng_below(rng, 256));
		call->size = sizeof(call->body);
		break;
	default:
		call->request = call->kind == CALL_EXTENSION ?
			VFIO_CHECK_EXTENSION : VFIO_SET_IOMMU;
		call->arg = rng_pick(rng, ids);
		return;
	}
	settle(call, rng, places);
}
