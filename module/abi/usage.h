/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the mappings of an ioas hold, counted when somebody asks: the hot paths keep no sums for it.
 */
#ifndef VIB_USAGE_H
#define VIB_USAGE_H

#include "engine/ioas.h"

/**
 * struct vib_usage - sums over the mappings that are neither coming nor going
 * @pinned: pages pinned for whole mappings
 * @accounted: how many of them are charged to locked memory
 * @device_pins: pages that emulated devices have pinned
 * @revoked: pages of device memory that are in no domain, for the kernel took them away
 * @metadata: bytes of our own that the mappings take
 */
struct vib_usage {
	u64 pinned;
	u64 accounted;
	u64 device_pins;
	u64 revoked;
	u64 metadata;
};

/*
 * Fills in @usage, in short turns of tree_lock: no snapshot while others map and unmap. May sleep.
 */
void vib_usage_read(struct vib_ioas *ioas, struct vib_usage *usage);

#endif
