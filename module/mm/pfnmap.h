/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User addresses that GUP refuses: device memory behind a PFNMAP vma is read from the page table,
 * never pinned.
 *
 * Locking: takes mmap_lock of the owner for read.
 */
#ifndef VIB_PFNMAP_H
#define VIB_PFNMAP_H

#include "pin.h"

/**
 * vib_pfnmap_append - append what stands behind pin->vaddr in a PFNMAP vma
 * @pin: progress, not changed
 * @out: gets extents without flags appended; room for @max is reserved
 * @max: how many page table entries to read at most
 *
 * Return: how many pages were appended; 0 if the vma is of another kind, or there is none; -EFAULT
 * or -EINTR; -EREMOTE if there is device memory and pin->watched is not set.
 */
long vib_pfnmap_append(struct vib_pin *pin, struct vib_extents *out, unsigned int max);

/**
 * vib_pfnmap_fault - fault in the page at pin->vaddr, for which GUP has answered -EFAULT
 * @pin: progress; @faulted is set
 *
 * GUP refuses some memory that can be pinned: before v6.2 a long-term pin fails when the fault
 * handler asks to be called again without mmap_lock (userfaultfd, and some file systems); and the
 * fast way heeds protection keys, which are the calling thread's, not the memory's. So GUP is asked
 * a second time for an address (see vib_gup()), but not a third time.
 *
 * Return: 0 when GUP should be asked again; -EFAULT or -EINTR.
 */
int vib_pfnmap_fault(struct vib_pin *pin);

/**
 * vib_pfnmap_peek - vib_pfnmap_append() for a worker: never waits for mmap_lock
 * @pin: which addresses; not changed
 * @out: gets extents appended; room for @max is reserved
 * @max: how many page table entries to read at most
 * @skip: on failure, gets how many pages need not be looked at again now
 *
 * Return: how many pages were appended; -EAGAIN; -EFAULT if there is no device memory at the
 * moment.
 */
long vib_pfnmap_peek(struct vib_pin *pin, struct vib_extents *out, unsigned int max, u64 *skip);

/* Are the pin->left pages behind pin->vaddr device memory from @pfn on? Advances @pin. */
bool vib_pfnmap_matches(struct vib_pin *pin, u64 pfn);

#endif
