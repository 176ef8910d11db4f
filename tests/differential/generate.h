/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stream of operations that a seed stands for. It remembers where it has
 * asked for mappings, so that later operations hit, touch, span and miss them;
 * it does not know what came of them.
 */
#ifndef VIB_DIFF_GENERATE_H
#define VIB_DIFF_GENERATE_H

#include "op.h"
#include "rng.h"

enum { GENERATE_MEMORY = 48 };

struct generate_hint {
	__u64 iova;
	__u64 size;
	__u64 vaddr;
};

struct generator {
	struct rng rng;
	struct generate_hint hint[GENERATE_MEMORY];
	unsigned int nhints;
	__u32 number;
};

void generate_begin(struct generator *g, __u64 seed);
void generate(struct generator *g, struct op *op);

#endif
