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

/*
 * Finds the last span that starts at or before @start and the first one behind that, either of them
 * NULL. @behind is not looked for if a span starts at @start.
 */
static __always_inline void find_around(struct vib_maptree *tree, u64 start,
					struct vib_span **before, struct vib_span **behind)
{
	struct rb_node *node = tree->root.rb_node;

	*before = NULL;
	*behind = NULL;
	while (node) {
		struct vib_span *here = vib_span_of(node);

		if (start < here->start) {
			*behind = here;
			node = node->rb_left;
			continue;
		}
		*before = here;
		if (start == here->start)
			return;
		node = node->rb_right;
	}
}

/* Is the span behind the recent one, and before the next? Then these are @before and @behind. */
static bool fits_recent(struct vib_maptree *tree, const struct vib_span *span,
			struct vib_span **before, struct vib_span **behind)
{
	*before = tree->recent;
	if (!*before || (*before)->last >= span->start)
		return false;
	*behind = vib_span_next(*before);
	return !*behind || span->last < (*behind)->start;
}

struct vib_span *vib_maptree_insert(struct vib_maptree *tree, struct vib_span *span)
{
	struct vib_span *before, *behind;

	if (!fits_recent(tree, span, &before, &behind))
		find_around(tree, span->start, &before, &behind);
	if (before && span->start <= before->last)
		return before;
	if (behind && behind->start <= span->last)
		return behind;
	link_between(tree, span, before, behind);
	return NULL;
}

struct vib_span *vib_maptree_descend(struct vib_maptree *tree, u64 start)
{
	struct vib_span *found, *behind;

	find_around(tree, start, &found, &behind);
	if (!found || found->last < start)
		found = behind;
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
