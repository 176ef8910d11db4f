/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The emulated VFIO devices of tests/mock/emulated: putting them into a container
 * and giving them orders. Every function returns 0 or more / -errno.
 */
#ifndef VIB_TEST_EMULATED_H
#define VIB_TEST_EMULATED_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "../../mock/emulated/mock_emulated.h"

struct emulated {
	int group;		/* descriptor or -1 */
	int device;		/* descriptor or -1 */
};

/* Is the driver there? */
bool emulated_present(void);

/* Puts the group of device @number into @container; the device comes later. */
int emulated_join(struct emulated *e, unsigned int number, int container);
int emulated_open(struct emulated *e, unsigned int number);

/* Closing what is not open does nothing. */
void emulated_close_device(struct emulated *e);
void emulated_close(struct emulated *e);

int emulated_pin(const struct emulated *e, __u64 iova, unsigned int npages,
		 int prot);
int emulated_unpin(const struct emulated *e, __u64 iova, unsigned int npages);

/* VFIO's dma_rw. */
int emulated_read(const struct emulated *e, __u64 iova, void *data,
		  size_t size);
int emulated_write(const struct emulated *e, __u64 iova, const void *data,
		   size_t size);

/* The first 8 bytes of a page the device has pinned. */
int emulated_get_word(const struct emulated *e, __u64 iova, __u64 *value);
int emulated_put_word(const struct emulated *e, __u64 iova, __u64 value);

/* What it does at an unmap: MOCK_KEEP and the like. */
int emulated_react(const struct emulated *e, __u32 flags, __u64 iova);
int emulated_told(const struct emulated *e, struct mock_told *told);

/* Locks this process's address space until somebody says unlock. */
int emulated_lock_mm(const struct emulated *e);
int emulated_unlock_mm(const struct emulated *e);

#endif
