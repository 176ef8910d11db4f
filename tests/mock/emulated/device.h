/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An emulated device, between what it does (device.c), how this kernel's VFIO core is spoken to
 * (vfio.c, or mdev.c up to v5.15; one of them is linked), and the module (main.c).
 */
#ifndef MOCK_DEVICE_H
#define MOCK_DEVICE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "mock_emulated.h"

struct device;
struct page;

struct mock {
	struct mutex lock;	/* all below */
	struct list_head held;
	struct mock_reaction reaction;
	struct mock_told told;
	wait_queue_head_t wait;	/* for told.calls to grow, and for the end of the next */
	bool mm_locked;
};

/* What VFIO asks of a device, whose memory is zero at first. */
void mock_init(struct mock *mock);
void mock_closed(struct mock *mock);
long mock_ioctl(struct mock *mock, unsigned int cmd, unsigned long user);
void mock_unmapped(struct mock *mock, u64 iova, u64 size);

/* What a device asks of VFIO. The first returns how many pages it has pinned, or an errno. */
int mock_vfio_pin(struct mock *mock, const struct mock_range *range, struct page **pages);
void mock_vfio_unpin(struct mock *mock, u64 iova, u32 npages);
int mock_vfio_rw(struct mock *mock, u64 iova, void *buf, size_t size, bool write);

/* Makes the device of @parent, whose driver data is ours until it is removed. */
int mock_add(struct device *parent);
void mock_remove(struct device *parent);

#endif
