/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool's tree of pinned memory, by user page; its parts may overlap. For pinned.c and
 * pinned_find.c. The pool's lock is held.
 */
#ifndef VIB_PINNED_TREE_H
#define VIB_PINNED_TREE_H

#include <linux/interval_tree_generic.h>

#include "pinned.h"

#define PINNED_START(of) ((of)->start)
#define PINNED_LAST(of) ((of)->last)

INTERVAL_TREE_DEFINE(struct vib_pinned, rb, u64, subtree_last, PINNED_START, PINNED_LAST,
		     static inline, pinned_tree)

/* Return: the object for vib_use_join_whole(), or NULL. */
struct vib_pinned *vib_pinned_whole(struct vib_pool *pool, const struct vib_wanted *wanted);

#endif
