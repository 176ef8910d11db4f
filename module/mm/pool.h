/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pools: where the mappings of one process find what others of its mappings have pinned (pinned.h).
 *
 * Locking: finding a pool takes a spinlock. A pool's own lock is short, and the innermost of our
 * locks: nothing allocates, faults, pins, charges or waits under it.
 */
#ifndef VIB_POOL_H
#define VIB_POOL_H

#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/wait.h>

/**
 * struct vib_pool - what mappings of one process have pinned, or are about to
 * @node: link in the table of all pools
 * @refs: one for each owner (owner.h), struct vib_pinned and struct vib_rival
 * @mm: the process' memory (mmgrab: the structure, not its memory)
 * @lock: protects all below, and the uses of what is in @tree
 * @tree: struct vib_pinned by user address; they may overlap
 * @latest: number of the latest one; may be read without @lock
 * @rivals: struct vib_rival
 * @changes: grows whenever a rival ends or gives way; may be read without @lock
 * @wait: for @changes to grow
 */
struct vib_pool {
	struct hlist_node node;
	refcount_t refs;
	struct mm_struct *mm;
	struct mutex lock;
	struct rb_root_cached tree;
	u64 latest;
	struct list_head rivals;
	unsigned int changes;
	wait_queue_head_t wait;
};

/* Return: a reference to the pool of @mm, which the caller keeps; NULL without memory. */
struct vib_pool *vib_pool_get(struct mm_struct *mm);

/* Return: another reference. */
static inline struct vib_pool *vib_pool_ref(struct vib_pool *pool)
{
	refcount_inc(&pool->refs);
	return pool;
}

/* Drops a reference; @pool may be NULL. */
void vib_pool_put(struct vib_pool *pool);

#endif
