// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping tree lookups. Knows nothing of what a span stands for. Invariant: spans in the tree are
 * disjoint and start <= last in each.
 */
#include "maptree.h"

static void link_span(struct vib_maptree *tree, struct vib_span *span, struct rb_node *parent,
		      struct rb_node **link)
{
	rb_link_node(&span->node, parent, link);
	rb_insert_color(&span->node, &tree->root);
	tree->recent = span;
	tree->nr++;
}

/* Links @span right behind the recent one, if it belongs there. */
static bool insert_behind_recent(struct vib_maptree *tree, struct vib_span *span)
{
	struct vib_span *recent = tree->recent;
	struct vib_span *next;

	if (!recent || span->start <= recent->last)
		return false;
	next = vib_span_next(recent);
	if (next && span->last >= next->start)
		return false;
	/*
	 * Where a node has a right subtree, its successor is that subtree's leftmost: no left
	 * child.
	 */
	if (!recent->node.rb_right)
		link_span(tree, span, &recent->node, &recent->node.rb_right);
	else
		link_span(tree, span, &next->node, &next->node.rb_left);
	return true;
}

struct vib_span *vib_maptree_insert(struct vib_maptree *tree, struct vib_span *span)
{
	struct rb_node **link = &tree->root.rb_node;
	struct rb_node *parent = NULL;

	if (insert_behind_recent(tree, span))
		return NULL;
	while (*link) {
		struct vib_span *here = vib_span_of(*link);

		parent = *link;
		if (span->last < here->start)
			link = &parent->rb_left;
		else if (span->start > here->last)
			link = &parent->rb_right;
		else
			return here;
	}
	link_span(tree, span, parent, link);
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
