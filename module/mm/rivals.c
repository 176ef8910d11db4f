// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the list of rivals. Knows nothing of pins and accounts.
 *
 * Invariant: a rival waits only for those that do not. So of several that wait for each other the
 * last one does not, and when it goes on the others hold nothing.
 */
#include "rivals.h"

#include <linux/jiffies.h>
#include <linux/wait.h>

#include "pinned_tree.h"

enum {
	TRIES = 4,
	RIVAL_WAIT = 4 * HZ,
};

/* What others wait for has changed. The pool's lock is held. */
static void rivals_changed(struct vib_pool *pool)
{
	lockdep_assert_held(&pool->lock);
	WRITE_ONCE(pool->changes, pool->changes + 1);
	if (wq_has_sleeper(&pool->wait))
		wake_up_all(&pool->wait);
}

void vib_rival_begin(struct vib_rival *me, struct vib_owner *owner, u64 vaddr, u64 pages)
{
	struct vib_pool *pool = vib_owner_pool(owner);

	*me = (struct vib_rival){ .at = vaddr >> PAGE_SHIFT };
	if (!pool)
		return;
	me->end = me->at + pages;
	/* The mapping that keeps the owner may be gone before the call ends. */
	me->pool = vib_pool_ref(pool);
	mutex_lock(&pool->lock);
	list_add_tail(&me->node, &pool->rivals);
	mutex_unlock(&pool->lock);
}

void vib_rival_leave(struct vib_rival *me)
{
	struct vib_pool *pool = me->pool;

	mutex_lock(&pool->lock);
	list_del(&me->node);
	rivals_changed(pool);
	mutex_unlock(&pool->lock);
	vib_pool_put(pool);
}

/* Is there another one for some of the same memory, @active ones only? */
static bool has_rival(const struct vib_rival *me, bool active)
{
	struct vib_rival *other;

	lockdep_assert_held(&me->pool->lock);
	list_for_each_entry(other, &me->pool->rivals, node)
		if (other != me && other->at < me->end && me->at < other->end &&
		    !(active && other->waiting))
			return true;
	return false;
}

/* Has one for some of the same memory come to its end since? */
static bool had_rival(const struct vib_rival *me, u64 after)
{
	struct vib_pool *pool = me->pool;
	struct vib_pinned *of;

	if (pool->latest <= after)
		return false;
	for (of = pinned_tree_iter_first(&pool->tree, me->at, me->end - 1); of;
	     of = pinned_tree_iter_next(of, me->at, me->end - 1))
		if (of->number > after)
			return true;
	return false;
}

bool vib_rival_yields(struct vib_rival *me, u64 after)
{
	if (!me->pool || me->tries == TRIES)
		return false;
	mutex_lock(&me->pool->lock);
	me->yields = has_rival(me, false) || had_rival(me, after);
	mutex_unlock(&me->pool->lock);
	me->tries += me->yields;
	return me->yields;
}

/* Begins to wait, or goes on with it. Return: is there something to wait for? */
static bool must_wait(struct vib_rival *me, unsigned long *changes)
{
	struct vib_pool *pool = me->pool;
	bool wait;

	mutex_lock(&pool->lock);
	wait = has_rival(me, true);
	if (wait && !me->waiting)
		rivals_changed(pool);
	me->waiting = wait;
	*changes = pool->changes;
	mutex_unlock(&pool->lock);
	return wait;
}

int vib_rival_wait(struct vib_rival *me)
{
	struct vib_pool *pool = me->pool;
	long left = RIVAL_WAIT;
	unsigned long changes;

	me->yields = false;
	while (left > 0 && must_wait(me, &changes))
		left = wait_event_killable_timeout(pool->wait,
						   READ_ONCE(pool->changes) != changes, left);
	/* Who has not ended by now is not waited for again. */
	if (!left)
		me->tries = TRIES;
	mutex_lock(&pool->lock);
	me->waiting = false;
	mutex_unlock(&pool->lock);
	return left < 0 ? -EINTR : 0;
}
