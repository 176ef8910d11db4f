/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking GUP for long-term pins.
 *
 * Locking: takes mmap_lock of the owner for read, as GUP does itself.
 */
#ifndef VIB_GUP_H
#define VIB_GUP_H

#include "pin.h"

/**
 * vib_gup - pin the pages at pin->vaddr long-term
 * @pin: progress, not changed; @pages has room for @npages and gets the pages
 * @npages: how many at most
 *
 * A call for more than VIB_PIN_FEW pages first waits while others ask for some of the same memory
 * (turns.h). -ENOMEM is returned only after further tries.
 *
 * Return: how many pages were pinned, at least one; -EFAULT if there is no memory that GUP can pin,
 * -EINTR on a fatal signal, or GUP's own errno.
 */
long vib_gup(struct vib_pin *pin, unsigned long npages);

/*
 * Pins one page of current's memory long-term. Return: 0; -EFAULT if GUP refuses the address;
 * -EAGAIN after any other failure, which vib_gup() tells.
 */
int vib_gup_page(u64 vaddr, bool write, struct page **page);

/* Allocates @pin->pages; without memory it goes on with few at a time, in @pin->few. */
void vib_gup_array(struct vib_pin *pin);

#endif
