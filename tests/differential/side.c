// SPDX-License-Identifier: GPL-2.0-only
/* See side.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/util.h"
#include "memlock.h"
#include "side.h"

#define UNTOUCHED 0xa5
#define INFO_BYTES 24	/* with the pad, which older headers do not have */

static int open_devices(struct side *side)
{
	struct world *w = &side->w;
	int ret;

	ret = world_open_container(w);
	if (!ret)
		ret = world_join(w, side->home);
	if (!ret)
		ret = world_set_iommu(w);
	if (!ret)
		ret = world_open_edu(w, side->home);
	if (!ret)
		ret = arena_put_bar(&side->arena, w->slot[side->home].device);
	if (ret)
		snprintf(w->why, sizeof(w->why), "not set up: error %d", ret);
	return ret;
}

int side_open(struct side *side, enum mode_id id, unsigned int home,
	      unsigned int extra)
{
	const char *doubt;
	int ret;

	memset(side, 0, sizeof(*side));
	side->home = home;
	side->extra = extra;
	side->headroom = -1;
	memlock_privilege(true);
	ret = arena_open(&side->arena);
	if (!ret)
		ret = buffer_open(&side->arg);
	if (!ret)
		ret = buffer_open(&side->bitmap);
	if (ret)
		return ret;
	if (world_enter(&side->w, id, 4) != WORLD_READY)
		return -ENODEV;
	ret = open_devices(side);
	if (ret)
		return ret;
	doubt = world_proof(&side->w);
	if (doubt)
		snprintf(side->w.why, sizeof(side->w.why), "%s", doubt);
	return doubt ? -ENODEV : 0;
}

void side_close(struct side *side)
{
	unsigned int i;

	for (i = 0; i < WORLD_MAX_GROUPS; i++)
		world_close_device(&side->w, i);
	/* the BAR, too: it keeps its device open */
	arena_close(&side->arena);
	for (i = 0; i < WORLD_MAX_GROUPS; i++)
		world_close_group(&side->w, i);
	world_close_container(&side->w);
	buffer_close(&side->arg);
	buffer_close(&side->bitmap);
}

__s64 side_unmap_all(struct side *side)
{
	__u64 size;
	int ret;

	ret = dma_unmap_all(side->w.container, &size);
	return ret ? ret : (__s64)size;
}

long side_bitmap_start(const struct op *op)
{
	const struct op_bitmap *bitmap = &op->bitmap;
	long size = bitmap->size < BUFFER_BYTES ? bitmap->size : BUFFER_BYTES;

	switch (bitmap->place) {
	case BITMAP_TIGHT:
		return BUFFER_BYTES - size;
	case BITMAP_CUT:
		return BUFFER_BYTES - size + (op->cut < size ? op->cut : size);
	case BITMAP_ODD:
		return 3;
	}
	return 0;
}

static void *bitmap_at(struct side *side, const struct op *op)
{
	memset(side->bitmap.mem, op->bitmap.fill, BUFFER_BYTES);
	switch (op->bitmap.place) {
	case BITMAP_READONLY:
		return side->bitmap.readonly;
	case BITMAP_NULL:
		return NULL;
	case BITMAP_KERNEL:
		return (void *)0xffff888000000000ULL;
	}
	return side->bitmap.mem + side_bitmap_start(op);
}

/* An argument structure of any kind, as its largest form. */
union argument {
	struct vfio_iommu_type1_dma_map map;
	struct {
		struct vfio_iommu_type1_dma_unmap head;
		struct vfio_bitmap bitmap;
	} unmap;
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} dirty;
	struct vfio_iommu_type1_info info;
};

static struct vfio_bitmap make_bitmap(struct side *side, const struct op *op)
{
	struct vfio_bitmap bitmap = {
		.pgsize = op->bitmap.pgsize,
		.size = op->bitmap.size,
		.data = bitmap_at(side, op),
	};

	return bitmap;
}

/* Fills in the argument; its size as the ABI has it. */
static size_t make_argument(struct side *side, const struct op *op,
			    union argument *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->map.argsz = op->argsz;
	arg->map.flags = op->flags;
	switch (op->kind) {
	case OP_MAP:
		arg->map.vaddr = op->vaddr;
		if (!op->vaddr_raw)
			arg->map.vaddr += (unsigned long)side->arena.base;
		arg->map.iova = op->iova;
		arg->map.size = op->size;
		return sizeof(arg->map);
	case OP_UNMAP:
		arg->unmap.head.iova = op->iova;
		arg->unmap.head.size = op->size;
		arg->unmap.bitmap = make_bitmap(side, op);
		return op->flags & UNMAP_DIRTY ?
			sizeof(arg->unmap) : sizeof(arg->unmap.head);
	case OP_DIRTY:
		arg->dirty.get.iova = op->iova;
		arg->dirty.get.size = op->size;
		arg->dirty.get.bitmap = make_bitmap(side, op);
		return op->flags & VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP ?
			sizeof(arg->dirty) : sizeof(arg->dirty.head);
	}
	memset((char *)arg + sizeof(__u32), UNTOUCHED, INFO_BYTES - sizeof(__u32));
	return INFO_BYTES;
}

/*
 * Puts the argument, @given bytes of @size that the kernel may take it for,
 * where @op wants it.
 */
static void *place_argument(struct side *side, const struct op *op,
			    const void *arg, size_t given, size_t size)
{
	char *end = side->arg.mem + BUFFER_BYTES;
	char *at = side->arg.mem;
	size_t there = size;

	if (op->arg == ARG_CUT)
		there = size > op->cut ? size - op->cut : 0;
	if (op->arg == ARG_TIGHT || op->arg == ARG_CUT)
		at = end - there;
	memset(at, UNTOUCHED, at == side->arg.mem ? SIDE_ARG_BYTES : there);
	memcpy(at, arg, given < there ? given : there);
	return at;
}

/*
 * What the kernel may have written, made independent of where this side's
 * memory is.
 */
static void keep_argument(struct side *side, const struct op *op,
			  const char *at, size_t size)
{
	const union argument *arg;
	size_t there = side->arg.mem + BUFFER_BYTES - at;

	memset(side->out.arg, UNTOUCHED, SIDE_ARG_BYTES);
	memcpy(side->out.arg, at,
	       there < SIDE_ARG_BYTES ? there : SIDE_ARG_BYTES);
	if (op->kind == OP_MAP)
		memset(side->out.arg + offsetof(union argument, map.vaddr), 0,
		       sizeof(__u64));
	if (op->kind == OP_UNMAP && size == sizeof(arg->unmap))
		memset(side->out.arg +
		       offsetof(union argument, unmap.bitmap.data), 0,
		       sizeof(__u64));
	if (op->kind == OP_DIRTY && size == sizeof(arg->dirty))
		memset(side->out.arg +
		       offsetof(union argument, dirty.get.bitmap.data), 0,
		       sizeof(__u64));
}

/* What GET_INFO says it needs to tell everything. */
static __u32 info_needed(struct side *side)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	if (vfio_ioctl(side->w.container, VFIO_IOMMU_GET_INFO, &info))
		return 0;
	return info.argsz;
}

static void run_ioctl(struct side *side, const struct op *op,
		      unsigned long request)
{
	union argument arg;
	size_t given, size;
	void *at, *pass;

	given = make_argument(side, op, &arg);
	size = given;
	if (op->kind == OP_INFO) {
		side->out.info_needed = info_needed(side);
		if (op->argsz_needed)
			arg.info.argsz += side->out.info_needed;
		if (arg.info.argsz > size && arg.info.argsz < SIDE_ARG_BYTES)
			size = arg.info.argsz;
	}
	at = place_argument(side, op, &arg, given, size);
	pass = at;
	if (op->arg == ARG_READONLY)
		pass = side->arg.readonly;
	if (op->arg == ARG_NULL)
		pass = NULL;
	side->out.ret = vfio_ioctl(side->w.container, request, pass);
	keep_argument(side, op, at, size);
}

static int leave_extra(struct side *side)
{
	int ret = group_leave(side->w.slot[side->extra].group);

	world_close_group(&side->w, side->extra);
	return ret;
}

static int join_extra(struct side *side)
{
	int ret = world_join(&side->w, side->extra);

	if (ret)
		world_close_group(&side->w, side->extra);
	return ret;
}

static void run_extra(struct side *side, bool in)
{
	if (side->extra_in == in)
		return;
	side->out.ret = in ? join_extra(side) : leave_extra(side);
	if (!side->out.ret)
		side->extra_in = in;
}

static void run(struct side *side, const struct op *op)
{
	switch (op->kind) {
	case OP_MAP:
		memlock_allow(side->headroom);
		run_ioctl(side, op, VFIO_IOMMU_MAP_DMA);
		/* How far a call came that the limit refused is nobody's business. */
		if (side->out.ret == -ENOMEM)
			arena_untouch(&side->arena);
		break;
	case OP_UNMAP:
		run_ioctl(side, op, VFIO_IOMMU_UNMAP_DMA);
		break;
	case OP_DIRTY:
		run_ioctl(side, op, VFIO_IOMMU_DIRTY_PAGES);
		break;
	case OP_BATCH:
		memlock_allow(op_only_maps(op) ? side->headroom : -1);
		side_run_batch(side, op);
		if (side->out.ret == -ENOMEM)
			arena_untouch(&side->arena);
		break;
	case OP_INFO:
		run_ioctl(side, op, VFIO_IOMMU_GET_INFO);
		break;
	case OP_EXTENSION:
		side->out.ret = container_extension(side->w.container,
						    op->value);
		break;
	case OP_OTHER:
		side->out.ret = vfio_ioctl(side->w.container, op->value, NULL);
		break;
	case OP_LIMIT:
		side->headroom = op->headroom;
		side->out.ret = memlock_privilege(op->privileged);
		break;
	case OP_ATTACH:
	case OP_DETACH:
		run_extra(side, op->kind == OP_ATTACH);
		break;
	case OP_ZAP:
		arena_zap(&side->arena, op->vaddr, op->size);
		break;
	}
}

void side_run(struct side *side, const struct op *op)
{
	long before = memlock_used();

	memset(&side->out, 0, sizeof(side->out));
	run(side, op);
	side->out.locked = memlock_used() - before;
}
