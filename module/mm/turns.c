// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the list of turns. Knows nothing of GUP and of pins.
 *
 * Invariants: a turn is on the list from vib_turn_begin() to vib_turn_end(); @before counts the
 * earlier turns on the list that are for some of the same memory. Calls wait for earlier ones only,
 * so there is no deadlock. The list has at most one turn for each thread that pins.
 */
#include "turns.h"

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/pgtable.h>
#include <linux/spinlock.h>

enum {
	TURN_WAIT = 4 * HZ,
};

static DEFINE_SPINLOCK(turns_lock);
static LIST_HEAD(turns);

static bool same_memory(const struct vib_turn *a, const struct vib_turn *b)
{
	return a->mm == b->mm && a->first <= b->last && b->first <= a->last;
}

/* Adds @turn behind all others. Return: must it wait? */
static bool turn_enter(struct vib_turn *turn)
{
	struct vib_turn *other;
	unsigned int before = 0;

	init_completion(&turn->came);
	spin_lock(&turns_lock);
	list_for_each_entry(other, &turns, node)
		before += same_memory(other, turn);
	turn->before = before;
	list_add_tail(&turn->node, &turns);
	spin_unlock(&turns_lock);
	return before;
}

int vib_turn_begin(struct vib_turn *turn, struct mm_struct *mm, u64 vaddr, unsigned long npages)
{
	turn->mm = mm;
	turn->first = vaddr >> PMD_SHIFT;
	turn->last = (vaddr + ((u64)npages << PAGE_SHIFT) - 1) >> PMD_SHIFT;
	if (!turn_enter(turn))
		return 0;
	if (wait_for_completion_killable_timeout(&turn->came, TURN_WAIT) >= 0)
		return 0;
	vib_turn_end(turn);
	return -EINTR;
}

void vib_turn_end(struct vib_turn *turn)
{
	struct vib_turn *later = turn;

	spin_lock(&turns_lock);
	list_for_each_entry_continue(later, &turns, node)
		if (same_memory(turn, later) && !--later->before)
			complete(&later->came);
	list_del(&turn->node);
	spin_unlock(&turns_lock);
}
