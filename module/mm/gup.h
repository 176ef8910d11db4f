/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking GUP for long-term pins.
 */
#ifndef VIB_GUP_H
#define VIB_GUP_H

#include "pin.h"

/**
 * vib_gup - pin the pages at pin->vaddr for long
 * @pin: progress; @pages has room for @npages. Only read
 * @npages: how many at most
 *
 * Return: how many pages are pinned, at least one; -EFAULT where there is no memory that GUP would
 * give, -EINTR on a fatal signal, or GUP's own errno.
 */
long vib_gup(struct vib_pin *pin, unsigned long npages);

#endif
