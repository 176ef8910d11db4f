/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways in which the kernel moves pages of a process, or takes them away, as it is asked
 * from user space. They need root, and most are system-wide. What is not said otherwise
 * returns 0 or -errno.
 */
#ifndef VIB_TEST_MOVER_H
#define VIB_TEST_MOVER_H

#include <stdbool.h>
#include <stddef.h>

/* Swap on /dev/ram0, which the driver brd has to offer. */
int mover_swap_on(void);
int mover_swap_off(void);

/* Asks to write out @size bytes at @mem; are they all gone from memory? */
bool mover_page_out(char *mem, size_t size);

bool mover_can_collapse(void);
bool mover_collapse(char *mem);

/* Lets ksm go over @size bytes at @mem until it must have found what is equal. */
void mover_merge(char *mem, size_t size);

/* Is there a second memory node? mover_to_other_node() moves the page at @mem to it, or back. */
bool mover_other_node(void);
int mover_to_other_node(char *mem);

int mover_soft_offline(char *mem);

/* Takes the block of the page at @mem offline, tries so long, and online again. */
int mover_offline_block(char *mem, int seconds);

/* Memory in a block that has just been offline; NULL if there is none. */
char *mover_place_in_a_block(void);

/*
 * A page in a block that has become movable memory; NULL if there is none. That block goes
 * offline, and comes back as what it was, with the two others.
 */
char *mover_place_in_a_movable_block(void);
int mover_offline_movable(void);
int mover_online_kernel(void);

#endif
