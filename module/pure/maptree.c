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

struct vib_span *vib_maptree_insert(struct vib_maptree *tree, struct vib_span *span)
{
	struct rb_node **link = &tree->root.rb_node;
	struct rb_node *parent = NULL;

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
	rb_link_node(&span->node, parent, link);
	rb_insert_color(&span->node, &tree->root);
	tree->nr++;
	return NULL;
}

void vib_maptree_erase(struct vib_maptree *tree, struct vib_span *span)
{
	rb_erase(&span->node, &tree->root);
	tree->nr--;
}

struct vib_span *vib_maptree_first(struct vib_maptree *tree, u64 start, u64 last)
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
	return found && found->start <= last ? found : NULL;
}

struct vib_span *vib_maptree_next(struct vib_span *span, u64 last)
{
	struct rb_node *node = rb_next(&span->node);

	if (!node || span_of(node)->start > last)
		return NULL;
	return span_of(node);
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
