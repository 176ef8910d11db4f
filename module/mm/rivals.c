// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the list of rivals, and decides whose turn it is. Knows nothing of how memory is pinned.
 *
 * Invariants: a charge that another rival holds has been made while that one worked, so who was
 * alone when it came to the limit met nobody's charge but what lasts, and what small maps and
 * emulated devices charge for a moment. Those that take turns wait for who works, and for those
 * before them that take turns; others only for those that take turns: so there is always one that
 * waits for nobody who waits. Nobody waits for who is stuck.
 */
#include "rivals.h"

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "pinned_tree.h"

enum {
	LOOK = HZ,			/* how often those that work are looked at */
	PATIENCE = 6 * HZ,		/* longer than a call waits to ask GUP (turns.c) */
};

/* What others wait for has changed. The pool's lock is held. */
static void rivals_changed(struct vib_pool *pool)
{
	lockdep_assert_held(&pool->lock);
	WRITE_ONCE(pool->changes, pool->changes + 1);
	if (wq_has_sleeper(&pool->wait))
		wake_up_all(&pool->wait);
}

/* Begins to work. Who takes turns finds nobody at it but who is stuck. */
static void begin_work(struct vib_rival *me)
{
	struct vib_rival *other;

	lockdep_assert_held(&me->pool->lock);
	me->works = true;
	me->alone = true;
	me->seen = jiffies;
	list_for_each_entry(other, &me->pool->rivals, node) {
		if (other == me || !other->works)
			continue;
		other->alone = false;
		me->alone = false;
		me->vain = me->turns;
	}
}

/*
 * Has it not run for so long that it may never go on? Whoever waits for user memory, which may
 * never come, does not run. Nor does who waits for a lock, or for its crew: that comes to an end,
 * but is taken for the same if it lasts. Once it runs it is waited for again.
 */
static bool is_stuck(struct vib_rival *other)
{
	u64 ran = READ_ONCE(other->task->se.sum_exec_runtime);

	lockdep_assert_held(&other->pool->lock);
	if (!other->works)
		return false;
	if (other->ran != ran) {
		other->ran = ran;
		other->seen = jiffies;
	}
	return time_after_eq(jiffies, other->seen + PATIENCE);
}

/* Do others come first? Looks at all of them: the time of each begins when it stops running. */
static bool must_wait(const struct vib_rival *me)
{
	struct vib_rival *other;
	bool before = true, wait = false;

	lockdep_assert_held(&me->pool->lock);
	list_for_each_entry(other, &me->pool->rivals, node) {
		if (other == me)
			before = false;
		else if (!is_stuck(other))
			wait |= me->turns ? other->works || (other->turns && before) :
					    other->turns;
	}
	return wait;
}

/* Begins to work if it is time to. Return: was it? @changes: what it has seen of the pool's. */
static bool try_turn(struct vib_rival *me, unsigned int *changes)
{
	struct vib_pool *pool = me->pool;

	mutex_lock(&pool->lock);
	*changes = pool->changes;
	if (!must_wait(me))
		begin_work(me);
	mutex_unlock(&pool->lock);
	return me->works;
}

/* Waits until it is time to work. Return: 0, or -EINTR on a fatal signal. */
static int await_turn(struct vib_rival *me)
{
	struct vib_pool *pool = me->pool;
	unsigned int seen;

	while (!try_turn(me, &seen))
		if (wait_event_killable_timeout(pool->wait, READ_ONCE(pool->changes) != seen,
						LOOK) < 0)
			return -EINTR;
	return 0;
}

/* Sets up a call that has not entered. */
static void set_up(struct vib_rival *me, struct vib_pool *pool, u64 at, u64 end)
{
	*me = (struct vib_rival){
		/* The mapping that keeps the owner may be gone before the call ends. */
		.pool = vib_pool_ref(pool),
		.task = current,
		.at = at,
		.end = end,
	};
	INIT_LIST_HEAD(&me->node);
}

int vib_rival_begin(struct vib_rival *me, struct vib_pool *pool, u64 vaddr, u64 pages, bool limited)
{
	u64 at = vaddr >> PAGE_SHIFT;

	if (me->pool || !pool)
		return 0;
	set_up(me, pool, at, at + pages);
	mutex_lock(&pool->lock);
	list_add_tail(&me->node, &pool->rivals);
	if (!limited || !must_wait(me))
		begin_work(me);
	mutex_unlock(&pool->lock);
	return me->works ? 0 : await_turn(me);
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

/* Return: has it been alone, or is this its last try? */
static bool is_final(struct vib_rival *me)
{
	bool final;

	mutex_lock(&me->pool->lock);
	final = me->alone || me->vain;
	mutex_unlock(&me->pool->lock);
	return final;
}

bool vib_rival_yields(struct vib_rival *me, struct vib_pool *pool, u64 need, u64 after)
{
	if (!me->pool) {
		if (!pool)
			return false;
		/* It does not know whom it has met. */
		set_up(me, pool, 0, 0);
	}
	me->yields = !is_final(me);
	me->need = need;
	me->after = after;
	return me->yields;
}

int vib_rival_wait(struct vib_rival *me)
{
	struct vib_pool *pool = me->pool;

	me->yields = false;
	mutex_lock(&pool->lock);
	if (list_empty(&me->node))
		list_add_tail(&me->node, &pool->rivals);
	me->works = false;
	me->turns = true;
	rivals_changed(pool);
	mutex_unlock(&pool->lock);
	return await_turn(me);
}

/* Return: of how many pages of its range, at most, others have offered the pins since. */
static u64 count_offered(struct vib_rival *me)
{
	struct vib_pool *pool = me->pool;
	struct vib_pinned *of;
	u64 pages = 0;

	if (me->at == me->end)
		return 0;
	mutex_lock(&pool->lock);
	for (of = pinned_tree_iter_first(&pool->tree, me->at, me->end - 1); of;
	     of = pinned_tree_iter_next(of, me->at, me->end - 1)) {
		cond_resched();
		if (of->number > me->after)
			pages += min(of->last + 1, me->end) - max(of->start, me->at);
	}
	mutex_unlock(&pool->lock);
	return pages;
}

bool vib_rival_fits(struct vib_rival *me, const struct vib_owner *owner)
{
	u64 offered, locked, limit;

	/* What others that work hold now it may have when they are done. */
	if (!is_final(me))
		return true;
	offered = count_offered(me);
	vib_owner_account(owner, &locked, &limit);
	return locked + me->need - min(offered, me->need) <= limit;
}
