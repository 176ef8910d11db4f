/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be mapped, by the answers so far: the third opinion, and what the
 * comparison asks where the two containers may differ. Sorted and disjoint.
 */
#ifndef VIB_DIFF_MODEL_H
#define VIB_DIFF_MODEL_H

#include "arena.h"
#include "op.h"

enum { MODEL_MAX = 4096 };

struct live {
	__u64 iova;
	__u64 last;
	const struct region *region;	/* NULL: none of the arena's */
	__u64 vaddr;			/* as in struct op */
	bool charged;			/* locked memory grew with it */
};

struct model {
	bool v2;
	bool tracking;
	unsigned int n;
	struct live live[MODEL_MAX];
};

void model_reset(struct model *m, bool v2);

/* The mapping that holds @iova, or NULL. */
const struct live *model_at(const struct model *m, __u64 iova);

/* False: it overlaps one that is there, or there are too many. */
bool model_map(struct model *m, const struct op *op, bool charged);

/* Takes out what an UNMAP that succeeded takes out: how many bytes. */
__u64 model_unmap(struct model *m, const struct op *op);

/* The same without taking anything out. */
__u64 model_covered(const struct model *m, const struct op *op);

/*
 * Does the MAP have memory of a mapping, both of 2 MiB or more? We share that and charge it once,
 * type1 twice (tests/kselftest/shared.c); with a limit, one of them fails.
 */
bool model_shares(const struct model *m, const struct op *op);

/* All bytes mapped, and mappings that charged nothing. */
__u64 model_bytes(const struct model *m);
unsigned int model_uncharged(const struct model *m);

#endif
