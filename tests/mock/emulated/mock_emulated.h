/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test can order an emulated VFIO device to do: ioctls on its VFIO device
 * descriptor, in addition to VFIO's own. Included by the driver and by the tests.
 * Each ioctl answers 0 or -errno, and what VFIO said of it is its answer.
 */
#ifndef MOCK_EMULATED_H
#define MOCK_EMULATED_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Devices vib-emulated.0, .1, ..., each in a group of its own, of the same name on every kernel. */
#define MOCK_DEVICES 2
#define MOCK_NAME "vib-emulated"

/* As the kernel's IOMMU_READ and IOMMU_WRITE. */
#define MOCK_READ 1
#define MOCK_WRITE 2

struct mock_range {
	__u64 iova;
	__u32 npages;
	__u32 prot;
};

struct mock_rw {
	__u64 iova;
	__u64 data;		/* in user memory */
	__u32 size;		/* at most MOCK_RW_MAX */
	__u32 write;
};

#define MOCK_RW_MAX (64 * 1024)

/* The first 8 bytes of a page that the device has pinned. */
struct mock_word {
	__u64 iova;
	__u64 value;
	__u32 write;
	__u32 reserved;
};

/* What the device does when it is told that a range is unmapped. */
#define MOCK_KEEP 1		/* does not unpin what it has there */
#define MOCK_PIN_THERE 2	/* pins one page at iova, before it unpins */
#define MOCK_RW_THERE 4		/* reads 8 bytes at iova, before it unpins */
#define MOCK_SLOW 16		/* knows of what it is pinning only once it has been told */
/* And when it is closed, where a driver has to take back its registration (up to v5.15): */
#define MOCK_STAY 8		/* it does not */
/* And it forgets what it has pinned. */
#define MOCK_FORGET 32

struct mock_reaction {
	__u32 flags;
	__u32 reserved;
	__u64 iova;
};

/* What it has been told so far. */
struct mock_told {
	__u32 calls;
	__s32 pin_ret;		/* of the last call */
	__s32 rw_ret;
	__u32 held;		/* pages pinned now */
	__u64 iova;
	__u64 size;
	__u32 mm_locked;	/* MOCK_LOCK_MM holds an address space */
	__u32 reserved;
};

#define MOCK_PIN _IOW('E', 0x80, struct mock_range)
#define MOCK_UNPIN _IOW('E', 0x81, struct mock_range)
#define MOCK_RW _IOW('E', 0x82, struct mock_rw)
#define MOCK_WORD _IOWR('E', 0x83, struct mock_word)
#define MOCK_REACT _IOW('E', 0x84, struct mock_reaction)
#define MOCK_TOLD _IOR('E', 0x85, struct mock_told)

/* Locks the address space of the caller, until somebody says MOCK_UNLOCK_MM or it is killed. */
#define MOCK_LOCK_MM _IO('E', 0x86)
#define MOCK_UNLOCK_MM _IO('E', 0x87)

#endif
