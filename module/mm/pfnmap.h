/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User addresses that GUP refuses: device memory behind a PFNMAP vma is read, never pinned.
 */
#ifndef VIB_PFNMAP_H
#define VIB_PFNMAP_H

#include "pin.h"

/**
 * vib_pfnmap_append - look behind pin->vaddr, which GUP has answered with -EFAULT
 * @pin: progress; only read, but for @faulted
 * @out: gets extents without flags appended; room for @max is reserved
 * @max: how many page table entries to read at most
 *
 * Return: how many pages were appended; 0 when GUP should be asked again, because the page has been
 * faulted in meanwhile; -EFAULT or -EINTR.
 */
long vib_pfnmap_append(struct vib_pin *pin, struct vib_extents *out, unsigned int max);

#endif
