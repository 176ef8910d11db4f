/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function beside the edu devices, in a group of its own that joins the world's
 * container. Close it before the world is closed. What is not said otherwise returns 0 or
 * -errno.
 */
#ifndef VIB_TEST_FUNCTION_H
#define VIB_TEST_FUNCTION_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define PCI_TESTDEV 0x1b360005	/* BAR 2 of any size */
#define PCI_E1000E 0x808610d3	/* can be reset, and sleep */

/* A register of its BAR 0 that keeps what is written to it: the receive address, low. */
#define E1000E_SCRATCH 0x5400

struct function {
	int group;
	int device;
	unsigned int power;	/* where PMCSR is in config space, 0 if not known */
};

/* -ENODEV if the machine has none. Its memory is decoded when this returns. */
int function_open(struct function *f, __u32 id, int container);
void function_close(struct function *f);

/* Maps a BAR of @size at @at, or anywhere if that is NULL; NULL if it fails. */
char *function_bar(struct function *f, __u32 index, char *at, size_t size);

int function_command(struct function *f, __u16 command);
int function_reset(struct function *f);

/* Puts it into D3hot, or back into D0. */
int function_sleep(struct function *f, bool sleep);

#endif
