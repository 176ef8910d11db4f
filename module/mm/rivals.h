/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rivals: calls under way that charge a process for large ranges. Two of them may charge the same
 * memory for a moment, until one finds what the other has pinned, and each may fail and give back
 * what it has charged. So at the limit on locked memory a call may lack what it would have had if
 * they had come one after the other.
 *
 * Therefore it gives back all it has, and tries again when nobody else pins: such calls take turns,
 * in the order in which they came. One that fails without having met another one fails for good. A
 * call waits for another one as long as that goes on. If that does not for 6 seconds it is stuck,
 * until it does: nobody waits for it. Who takes its turn beside such a one does not try again; what
 * it lacks then it does not get.
 *
 * Small maps are no rivals until they come to the limit: they may wait for others, never others for
 * them. Nor is a map that is not limited kept waiting.
 *
 * Locking: all functions take the pool's lock (pool.h). Waiting may take long; none of ours but
 * device_lock may be held, and nothing that a rival may need.
 */
#ifndef VIB_RIVALS_H
#define VIB_RIVALS_H

#include <linux/list.h>

#include "owner.h"
#include "pool.h"

/**
 * struct vib_rival - such a call; the caller's
 * @node: link in @pool->rivals, in the order in which they came; empty if it has not entered
 * @pool: a reference; NULL: it has no rivals
 * @task: of the call
 * @at: user address, as a page number
 * @end: the same, first page behind the range
 * @need: at least so many pages it charges, unless it finds them pinned
 * @after: what it had compared its range with when it found that out (struct vib_sharing)
 * @works: it pins, or holds something; else it waits. The pool's lock
 * @turns: it has given way. The pool's lock
 * @alone: no other one has worked since it began to. The pool's lock
 * @vain: it takes its turn beside some that are stuck, and will not wait again. The pool's lock
 * @ran: for how long @task had run in all when it was last looked at. The pool's lock
 * @seen: when that was no longer what it had been, or it began to work. The pool's lock
 * @yields: it has failed at the limit, and may try again after vib_rival_wait()
 */
struct vib_rival {
	struct list_head node;
	struct vib_pool *pool;
	struct task_struct *task;
	u64 at;
	u64 end;
	u64 need;
	u64 after;
	bool works;
	bool turns;
	bool alone;
	bool vain;
	bool yields;
	u64 ran;
	unsigned long seen;
};

/* A call that is no rival yet; undone by vib_rival_end(). */
static inline void vib_rival_init(struct vib_rival *me)
{
	me->pool = NULL;
	me->yields = false;
}

/*
 * Enters a call that is about to pin [vaddr, vaddr + pages); @limited if the limit applies to it:
 * then it waits while others take turns. Does nothing without a pool, or if it has entered. Return:
 * 0, or -EINTR on a fatal signal.
 */
int vib_rival_begin(struct vib_rival *me, struct vib_pool *pool, u64 vaddr, u64 pages,
		    bool limited);

/* For vib_rival_end(). */
void vib_rival_leave(struct vib_rival *me);

static inline void vib_rival_end(struct vib_rival *me)
{
	if (unlikely(me->pool))
		vib_rival_leave(me);
}

/*
 * At the limit, which does not allow the last of @need pages: may the call try again when it has
 * given back what it has? @pool is that of the process, @after as in struct vib_rival. Sets
 * me->yields.
 */
bool vib_rival_yields(struct vib_rival *me, struct vib_pool *pool, u64 need, u64 after);

/* Waits for its turn. The caller holds no pin and no charge. Return: as vib_rival_begin(). */
int vib_rival_wait(struct vib_rival *me);

/*
 * After that: may the limit of its process allow what the call charges at least, beside what others
 * have been charged for? It saves pinning it once more.
 */
bool vib_rival_fits(struct vib_rival *me, const struct vib_owner *owner);

#endif
