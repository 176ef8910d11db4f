/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the mappings of an ioas hold, counted when debugfs is read: the hot paths keep no sums.
 */
#ifndef VIB_USAGE_H
#define VIB_USAGE_H

#include "engine/ioas.h"

/**
 * struct vib_usage - sums over the mappings that are neither RESERVED nor DRAINING
 * @pinned: pages pinned for whole mappings
 * @accounted: those of @pinned that are charged to locked memory; what is shared counts once, where
 *	it came first
 * @shared: those of @pinned that another mapping of the process shares, in whatever container
 * @device_pins: pages that emulated devices have pinned
 * @revoked: pages of device memory that are in no domain because the kernel took them away
 * @metadata: bytes of memory that the module uses for the mappings
 */
struct vib_usage {
	u64 pinned;
	u64 accounted;
	u64 shared;
	u64 device_pins;
	u64 revoked;
	u64 metadata;
};

/*
 * Fills in @usage. Takes tree_lock in short turns, so it is no snapshot while others map and unmap.
 * May sleep.
 */
void vib_usage_read(struct vib_ioas *ioas, struct vib_usage *usage);

#endif
