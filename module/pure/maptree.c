// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping tree lookups. Knows nothing of what a span stands for. Invariant: spans in the tree are
 * disjoint and start <= last in each.
 */
#include "maptree.h"

static struct vib_span *span_of(struct rb_node *node)
{
	return rb_entry(node, struct vib_span, node);
}

static struct vib_span *next_of(struct vib_span *span)
{
	struct rb_node *node = rb_next(&span->node);

	return node ? span_of(node) : NULL;
}

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
	next = next_of(recent);
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
		struct vib_span *here = span_of(*link);

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
		tree->recent = next_of(span);
	rb_erase(&span->node, &tree->root);
	tree->nr--;
}

/* The lowest span that ends at or after @start, by descent. */
static struct vib_span *descend(struct vib_maptree *tree, u64 start)
{
	struct rb_node *node = tree->root.rb_node;
	struct vib_span *found = NULL;

	while (node) {
		struct vib_span *here = span_of(node);

		if (here->last < start) {
			node = node->rb_right;
		} else {
			found = here;
			if (here->start <= start)
				break;
			node = node->rb_left;
		}
	}
	return found;
}

struct vib_span *vib_maptree_first(struct vib_maptree *tree, u64 start, u64 last)
{
	struct vib_span *span = tree->recent;

	if (!span || start < span->start || start > span->last) {
		span = descend(tree, start);
		if (span)
			tree->recent = span;
	}
	return span && span->start <= last ? span : NULL;
}

struct vib_span *vib_maptree_next(struct vib_span *span, u64 last)
{
	struct vib_span *next = next_of(span);

	return next && next->start <= last ? next : NULL;
}

/* Does a span hold @addr without starting (or, with @at_end, without ending) there? */
static bool cut_at(struct vib_maptree *tree, u64 addr, bool at_end)
{
	struct vib_span *span = vib_maptree_first(tree, addr, addr);

	if (!span)
		return false;
	return at_end ? span->last != addr : span->start != addr;
}

bool vib_maptree_bisects(struct vib_maptree *tree, u64 start, u64 last)
{
	return cut_at(tree, start, false) || cut_at(tree, last, true);
}
