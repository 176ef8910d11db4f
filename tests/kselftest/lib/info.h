/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO_IOMMU_GET_INFO, fetched whole and taken apart. A chain that is not
 * well formed (a loop, an offset outside the answer) is -EPROTO.
 */
#ifndef VIB_TEST_INFO_H
#define VIB_TEST_INFO_H

#include <linux/types.h>
#include <linux/vfio.h>
#include <stdbool.h>

#include "backend.h"

/*
 * 1 MiB of IOVAs for interrupts, which nothing can be mapped at: on x86 they are
 * never translated; on arm64 the kernel maps the interrupt controller there.
 */
#ifdef __aarch64__
#define MSI_WINDOW 0x8000000ULL
#else
#define MSI_WINDOW 0xfee00000ULL
#endif

enum { INFO_MAX_CAPS = 8, INFO_MAX_WINDOWS = 32 };

struct info_cap {
	__u16 id;
	__u16 version;
	__u32 offset;		/* from the start of the answer */
};

struct info_window {
	__u64 start;
	__u64 last;
};

struct info {
	__u32 argsz;		/* as written back */
	__u32 flags;
	__u64 pgsizes;
	__u32 cap_offset;
	unsigned int ncaps;	/* in chain order */
	struct info_cap cap[INFO_MAX_CAPS];
	unsigned int nwindows;
	struct info_window window[INFO_MAX_WINDOWS];
	__u32 avail;
	struct vfio_iommu_type1_info_cap_migration migration;
};

int info_get(int container, struct info *info);

/* The cap with @id, or NULL. */
const struct info_cap *info_cap(const struct info *info, __u16 id);

/* True if all of [start, last] lies inside one window. */
bool info_inside(const struct info *info, __u64 start, __u64 last);

/* What the DMA_AVAIL capability says; -errno. */
long info_avail(int container);

/*
 * How many mappings that count against dma_entry_limit may still be made in the only
 * container there is: type1's capability tells, or our debugfs; -errno.
 */
long entries_room(enum backend backend, int container);

#endif
