/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One of the two containers that are compared, with its memory: carries out an
 * operation and keeps everything the process can see of what came of it. Knows
 * nothing of the other one.
 */
#ifndef VIB_DIFF_SIDE_H
#define VIB_DIFF_SIDE_H

#include "../kselftest/lib/world.h"
#include "arena.h"
#include "buffer.h"
#include "op.h"

enum { SIDE_ARG_BYTES = 4096 };

/* What came of OP_BATCH. */
struct batch_outcome {
	__u32 done;			/* parts, from the first on */
	__u64 unmapped;			/* bytes, also by what follows */
	long locked[OP_PARTS];		/* one by one: KiB, by each */
	int rest[OP_PARTS];		/* of the unmaps behind a part that failed */
};

/* What came of an operation. */
struct outcome {
	int ret;			/* 0 or more / -errno */
	long locked;			/* VmLck after minus before, KiB */
	char arg[SIDE_ARG_BYTES];	/* the argument's surroundings after */
	__u64 info_needed;		/* argsz that GET_INFO needs here */
	struct batch_outcome batch;
};

struct side {
	struct world w;
	unsigned int home, extra;	/* slots */
	bool extra_in;
	long headroom;		/* bytes that MAP may lock; < 0: no limit */
	struct arena arena;
	struct buffer arg, bitmap;
	struct outcome out;
};

/*
 * A container with one group behind it, served by @id, on the edu devices of
 * two slots; 0, or -errno with side->w.why set.
 */
int side_open(struct side *side, enum mode_id id, unsigned int home,
	      unsigned int extra);

/* Closes everything but does not look whether anything is left behind. */
void side_close(struct side *side);

/* Carries @op out, all but OP_DMA; the rest is in side->out. */
void side_run(struct side *side, const struct op *op);

/*
 * OP_BATCH: one by one on type1, in one call on ours. Which unmaps behind a part that
 * fails are done is open, so then all of them are done here, one by one. Sets side->out
 * but for the account.
 */
void side_run_batch(struct side *side, const struct op *op);

/* Where in its buffer the bitmap of @op begins. */
long side_bitmap_start(const struct op *op);

/* Unmaps everything: how many bytes there were, or -errno. */
__s64 side_unmap_all(struct side *side);

#endif
