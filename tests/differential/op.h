/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One operation on a container, complete in itself: what it does depends on no
 * other operation, so that a list of them stays meaningful when some are taken
 * out. Addresses of memory are offsets in an arena (arena.h), because each
 * container has memory of its own.
 */
#ifndef VIB_DIFF_OP_H
#define VIB_DIFF_OP_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

enum op_kind {
	OP_MAP,
	OP_UNMAP,
	OP_DIRTY,
	OP_BATCH,		/* maps and unmaps: ours in one call, type1's one by one */
	OP_INFO,
	OP_EXTENSION,
	OP_OTHER,		/* any other ioctl number */
	OP_LIMIT,		/* for what follows: locked memory, capability */
	OP_ATTACH,
	OP_DETACH,
	OP_ZAP,			/* the process drops pages */
	OP_DMA,			/* a device reads and writes */
	OP_KINDS,
};

/* Where the argument structure stands. */
enum arg_place {
	ARG_ROOMY,		/* bytes behind it must stay as they are */
	ARG_TIGHT,		/* the byte behind it does not exist */
	ARG_CUT,		/* its last bytes do not exist */
	ARG_READONLY,
	ARG_NULL,
	ARG_PLACES,
};

/* Where the user's bitmap stands. */
enum bitmap_place {
	BITMAP_ROOMY,
	BITMAP_TIGHT,
	BITMAP_CUT,
	BITMAP_ODD,		/* not at a multiple of 8 */
	BITMAP_READONLY,
	BITMAP_NULL,
	BITMAP_KERNEL,		/* an address that is not the user's */
	BITMAP_PLACES,
};

struct op_bitmap {
	__u64 pgsize;
	__u64 size;
	__u8 place;
	__u8 fill;		/* every byte before the call */
};

/* One of the maps and unmaps of OP_BATCH. */
struct op_part {
	__u64 iova;
	__u64 size;
	__u64 vaddr;		/* as in struct op */
	bool vaddr_raw;
	__u32 flags;		/* of a map; 0: an unmap */
};

enum { OP_PARTS = 12 };

struct op {
	__u32 number;		/* in the stream, for reports */
	__u8 kind;
	__u8 arg;
	__u8 cut;		/* bytes missing, for ARG_CUT and BITMAP_CUT */
	bool ours_first;
	__u32 argsz;
	bool argsz_needed;	/* GET_INFO: argsz counts from what is needed */
	__u32 flags;
	__u64 iova;
	__u64 size;
	__u64 vaddr;		/* in the arena, or absolute */
	bool vaddr_raw;
	struct op_bitmap bitmap;
	__u64 value;		/* extension, ioctl number */
	long headroom;		/* bytes that may be locked; < 0: no limit */
	bool privileged;	/* CAP_IPC_LOCK */
	bool whole;		/* OP_BATCH: all or none, of maps alone */
	__u8 nparts;
	struct op_part part[OP_PARTS];
};

/* True if @start + @size - 1 is beyond 2^64; nothing to say about size 0. */
static inline bool op_wraps(__u64 start, __u64 size)
{
	return size && start + size - 1 < start;
}

/* That is no wrap. */
static inline bool op_ends_at_the_end(const struct op *op)
{
	return op->size && op->iova + op->size == 0;
}

/* The part of OP_BATCH as an operation of its own. */
struct op op_of_part(const struct op *op, unsigned int part);

/* Nothing but maps: then a limit is met at the same one, in one call or one by one. */
bool op_only_maps(const struct op *op);

const char *op_kind_name(enum op_kind kind);

/* The operation in one line. */
void op_print(const struct op *op, char *text, size_t size);

#endif
