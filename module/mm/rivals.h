/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rivals: calls under way that pin the same memory of a process. Each charges what it pins, and at
 * the limit all of them could fail, though the memory is to be charged once. So there a call gives
 * back what it has, waits for its rivals, and begins anew with what they have pinned.
 *
 * Locking: all functions take the pool's lock (pool.h). Waiting may take seconds; none of ours but
 * device_lock may be held, and nothing that a rival may need.
 */
#ifndef VIB_RIVALS_H
#define VIB_RIVALS_H

#include <linux/list.h>

#include "owner.h"
#include "pool.h"

/**
 * struct vib_rival - a call that pins a large range; the caller's
 * @node: link in @pool->rivals
 * @pool: a reference; NULL: it has no rivals
 * @at: user address, as a page number
 * @end: the same, first page behind the range
 * @waiting: it holds nothing and waits for others; the pool's lock
 * @yields: it has failed at the limit, and may try again after vib_rival_wait()
 * @tries: how often it did
 */
struct vib_rival {
	struct list_head node;
	struct vib_pool *pool;
	u64 at;
	u64 end;
	bool waiting;
	bool yields;
	unsigned int tries;
};

/* Enters a call; undone by vib_rival_end(). Cannot fail: without memory @pool is NULL. */
void vib_rival_begin(struct vib_rival *me, struct vib_owner *owner, u64 vaddr, u64 pages);

/* For vib_rival_end(). */
void vib_rival_leave(struct vib_rival *me);

/* Also of one that has not been entered, whose @pool is NULL: small mappings pay one test. */
static inline void vib_rival_end(struct vib_rival *me)
{
	if (unlikely(me->pool))
		vib_rival_leave(me);
}

/*
 * At the limit: is a rival under way, or has one come to its end since the object @after was the
 * latest? Sets me->yields.
 */
bool vib_rival_yields(struct vib_rival *me, u64 after);

/*
 * Waits until each rival has ended or waits, too, but no longer than 4 seconds: it may be waiting
 * for memory that never comes. The caller holds no pin and no charge. Return: 0, or -EINTR on a
 * fatal signal.
 */
int vib_rival_wait(struct vib_rival *me);

#endif
