/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapping tree: disjoint IOVA spans, found by address.
 *
 * Spans never overlap, so ordering them by start orders them by last too, and a plain rbtree
 * suffices for range lookups. The tree owns no memory: a span is embedded in what it describes.
 */
#ifndef VIB_PURE_MAPTREE_H
#define VIB_PURE_MAPTREE_H

#include "pure.h"

struct vib_span {
	struct rb_node node;
	u64 start;
	u64 last;
};

/**
 * struct vib_maptree - the tree
 * @root: spans by start
 * @recent: a span of the tree near which the next lookup is likely, or NULL
 * @nr: spans in the tree
 */
struct vib_maptree {
	struct rb_root root;
	struct vib_span *recent;
	unsigned long nr;
};

static inline void vib_maptree_init(struct vib_maptree *tree)
{
	tree->root = RB_ROOT;
	tree->recent = NULL;
	tree->nr = 0;
}

/* Length in bytes; 0 stands for the whole 2^64. */
static inline u64 vib_span_size(const struct vib_span *span)
{
	return span->last - span->start + 1;
}

/**
 * vib_maptree_insert - add a span
 * @tree: the tree
 * @span: start and last are set
 *
 * Return: NULL when inserted; otherwise a span that overlaps, with nothing changed.
 */
struct vib_span *vib_maptree_insert(struct vib_maptree *tree, struct vib_span *span);

/* Takes out all spans at once; the caller has them in a list of its own. */
static inline void vib_maptree_clear(struct vib_maptree *tree)
{
	vib_maptree_init(tree);
}

/* The lowest span that ends at or after @start, or NULL. */
struct vib_span *vib_maptree_descend(struct vib_maptree *tree, u64 start);

/* The lowest span that has a byte in [start, last], or NULL. */
static inline struct vib_span *vib_maptree_first(struct vib_maptree *tree, u64 start, u64 last)
{
	struct vib_span *span = tree->recent;

	if (!span || start < span->start || start > span->last)
		span = vib_maptree_descend(tree, start);
	return span && span->start <= last ? span : NULL;
}

static inline struct vib_span *vib_span_of(struct rb_node *node)
{
	return rb_entry(node, struct vib_span, node);
}

/* The span after @span, or NULL. */
static inline struct vib_span *vib_span_next(struct vib_span *span)
{
	struct rb_node *node = rb_next(&span->node);

	return node ? vib_span_of(node) : NULL;
}

/* Takes out a span that is in the tree. */
static inline void vib_maptree_erase(struct vib_maptree *tree, struct vib_span *span)
{
	if (tree->recent == span)
		tree->recent = vib_span_next(span);
	rb_erase(&span->node, &tree->root);
	tree->nr--;
}

/* The span after @span if it has a byte at or below @last, else NULL. */
static inline struct vib_span *vib_maptree_next(struct vib_span *span, u64 last)
{
	struct vib_span *next = span->last < last ? vib_span_next(span) : NULL;

	return next && next->start <= last ? next : NULL;
}

/* Does a span cross either end of [start, last], so that unmapping the range would cut it? */
bool vib_maptree_bisects(struct vib_maptree *tree, u64 start, u64 last);

#endif
