/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns: calls that ask GUP for the same memory of a process do so one after the other.
 *
 * Locking: takes a spinlock inside which no other lock is taken. Beginning a turn may sleep.
 */
#ifndef VIB_TURNS_H
#define VIB_TURNS_H

#include <linux/completion.h>
#include <linux/mm_types.h>
#include <linux/types.h>

/**
 * struct vib_turn - a call that asks GUP, or waits to; lives on its stack
 * @node: on the list of all turns, in the order they were asked for
 * @mm: whose memory
 * @first: the memory, in units that the kernel may move as one (PMD_SIZE)
 * @last: last such unit
 * @before: earlier turns for some of the same memory that have not ended
 * @came: completed when there are none of those left
 */
struct vib_turn {
	struct list_head node;
	struct mm_struct *mm;
	u64 first;
	u64 last;
	unsigned int before;
	struct completion came;
};

/**
 * vib_turn_begin - wait until no earlier call asks for this memory
 * @turn: filled in; has to stay where it is until vib_turn_end()
 * @mm: whose memory
 * @vaddr: where
 * @npages: how much, more than 0
 *
 * Waits for the calls that came before, but no longer than 4 seconds: they may be waiting for
 * memory that never comes.
 *
 * Return: 0, undone by vib_turn_end(); -EINTR on a fatal signal.
 */
int vib_turn_begin(struct vib_turn *turn, struct mm_struct *mm, u64 vaddr, unsigned long npages);

/* Cannot fail. */
void vib_turn_end(struct vib_turn *turn);

#endif
