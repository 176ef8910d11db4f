// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of pools. Knows nothing of what is in them. Invariant: there is one pool for a process
 * at most, and none without a reference.
 */
#include "pool.h"

#include <linux/hashtable.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

static DEFINE_HASHTABLE(pools, 8);
static DEFINE_SPINLOCK(pools_lock);

/* Return: a reference, or NULL. pools_lock is held. */
static struct vib_pool *find_pool(struct mm_struct *mm)
{
	struct vib_pool *pool;

	lockdep_assert_held(&pools_lock);
	hash_for_each_possible(pools, pool, node, (unsigned long)mm)
		if (pool->mm == mm)
			return vib_pool_ref(pool);
	return NULL;
}

static struct vib_pool *alloc_pool(struct mm_struct *mm)
{
	struct vib_pool *pool = kmalloc(sizeof(*pool), GFP_KERNEL_ACCOUNT);

	if (!pool)
		return NULL;
	refcount_set(&pool->refs, 1);
	mmgrab(mm);
	pool->mm = mm;
	mutex_init(&pool->lock);
	pool->tree = RB_ROOT_CACHED;
	pool->latest = 0;
	INIT_LIST_HEAD(&pool->rivals);
	pool->changes = 0;
	init_waitqueue_head(&pool->wait);
	return pool;
}

static void free_pool(struct vib_pool *pool)
{
	mmdrop(pool->mm);
	mutex_destroy(&pool->lock);
	kfree(pool);
}

struct vib_pool *vib_pool_get(struct mm_struct *mm)
{
	struct vib_pool *pool, *fresh;

	spin_lock(&pools_lock);
	pool = find_pool(mm);
	spin_unlock(&pools_lock);
	if (pool)
		return pool;
	fresh = alloc_pool(mm);
	if (!fresh)
		return NULL;
	spin_lock(&pools_lock);
	pool = find_pool(mm);
	if (!pool)
		hash_add(pools, &fresh->node, (unsigned long)mm);
	spin_unlock(&pools_lock);
	if (pool)
		free_pool(fresh);
	return pool ? pool : fresh;
}

void vib_pool_put(struct vib_pool *pool)
{
	bool last;

	if (!pool || refcount_dec_not_one(&pool->refs))
		return;
	spin_lock(&pools_lock);
	last = refcount_dec_and_test(&pool->refs);
	if (last)
		hash_del(&pool->node);
	spin_unlock(&pools_lock);
	if (last)
		free_pool(pool);
}
