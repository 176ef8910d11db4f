/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unpins with several threads, where that pays.
 */
#ifndef VIB_UNPIN_CREW_H
#define VIB_UNPIN_CREW_H

#include "pure/extents.h"

/**
 * vib_unpin_with - drop the pins of all extents of a row
 * @ex: the row; constant meanwhile
 * @pages: how many pages it has
 * @dirty: the device may have written
 * @threads: at most as many share the work, the caller among them; none but the caller if current
 *	is ending, or that takes no longer than helpers cost
 *
 * No IOMMU may translate to these pages any more. Cannot fail, and all is done, and every helper
 * gone, on return. May sleep; of ours no lock may be held.
 */
void vib_unpin_with(struct vib_extents *ex, u64 pages, bool dirty, unsigned int threads);

#endif
