/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random places and sizes, with a liking for what matters: pages that meet, the
 * edges of the IOVA space and of its holes, and numbers at their limits.
 */
#ifndef VIB_DIFF_PICK_H
#define VIB_DIFF_PICK_H

#include "generate.h"

/* Most of the mappings are here, with room to meet. */
#define PICK_BASE (256 * MIB)
#define PICK_SPAN (64 * MIB)

/* 1 to @most pages, in bytes. */
__u64 pick_pages(struct generator *g, __u64 most);

/* A place that an earlier operation asked for, or NULL. */
struct generate_hint *pick_hint(struct generator *g);

__u64 pick_iova(struct generator *g);
__u64 pick_size(struct generator *g);

/* Memory for op->size bytes; most of the time it is all there. */
void pick_vaddr(struct generator *g, struct op *op);

#endif
