// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping tree lookups. Knows nothing of mappings. Invariant: spans in the tree are disjoint, with
 * start <= last in each.
 */
#include "maptree.h"

/* Links @span between two neighbours of the tree, either of them NULL at an end of it. */
static void link_between(struct vib_maptree *tree, struct vib_span *span, struct vib_span *before,
			 struct vib_span *behind)
{
	struct rb_node *parent = NULL, **link = &tree->root.rb_node;

	/*
	 * If a node has a right subtree, its successor is that subtree's leftmost: no left child.
	 */
	if (before && !before->node.rb_right) {
		parent = &before->node;
		link = &parent->rb_right;
	} else if (behind) {
		parent = &behind->node;
		link = &parent->rb_left;
	}
	rb_link_node(&span->node, parent, link);
	rb_insert_color(&span->node, &tree->root);
	tree->recent = span;
	tree->nr++;
}

struct vib_span *vib_maptree_insert(struct vib_maptree *tree, struct vib_span *span)
{
	struct vib_span *before = tree->recent, *behind = NULL;
	struct rb_node *node = tree->root.rb_node;

	if (before && before->last < span->start) {
		behind = vib_span_next(before);
		if (!behind || span->last < behind->start)
			node = NULL;
	}
	if (node) {
		before = NULL;
		behind = NULL;
	}
	while (node) {
		struct vib_span *here = vib_span_of(node);

		if (span->start < here->start) {
			behind = here;
			node = node->rb_left;
		} else {
			before = here;
			node = node->rb_right;
		}
	}
	if (before && span->start <= before->last)
		return before;
	if (behind && behind->start <= span->last)
		return behind;
	link_between(tree, span, before, behind);
	return NULL;
}

void vib_maptree_erase(struct vib_maptree *tree, struct vib_span *span)
{
	if (tree->recent == span)
		tree->recent = vib_span_next(span);
	rb_erase(&span->node, &tree->root);
	tree->nr--;
}

struct vib_span *vib_maptree_descend(struct vib_maptree *tree, u64 start)
{
	struct rb_node *node = tree->root.rb_node;
	struct vib_span *found = NULL;

	while (node) {
		struct vib_span *here = vib_span_of(node);

		if (here->last < start) {
			node = node->rb_right;
		} else {
			found = here;
			if (here->start <= start)
				break;
			node = node->rb_left;
		}
	}
	if (found)
		tree->recent = found;
	return found;
}

bool vib_maptree_bisects(struct vib_maptree *tree, u64 start, u64 last)
{
	struct vib_span *span = vib_maptree_first(tree, start, last);

	if (!span || span->start < start)
		return span;
	if (span->last < last)
		span = vib_maptree_first(tree, last, last);
	return span && span->last > last;
}
