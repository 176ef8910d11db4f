/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User addresses that GUP refuses: device memory behind a PFNMAP vma is read, never pinned.
 */
#ifndef VIB_PFNMAP_H
#define VIB_PFNMAP_H

#include "pin.h"

/**
 * vib_pfnmap_append - take what a PFNMAP vma at pin->vaddr holds
 * @pin: progress; only read
 * @out: gets extents without flags appended; room for @max is reserved
 * @max: how many page table entries to read at most
 *
 * Return: how many pages were appended; 0 when there is another vma, or none; -EFAULT or -EINTR;
 * -EREMOTE where there is device memory and pin->watched is not set.
 */
long vib_pfnmap_append(struct vib_pin *pin, struct vib_extents *out, unsigned int max);

/**
 * vib_pfnmap_fault - fault in the page at pin->vaddr, for which GUP has answered -EFAULT
 * @pin: progress; @faulted is set
 *
 * GUP refuses more than there is reason to: before v6.2 it does not wait for a long-term pin when
 * the fault handler asks to be called again without mmap_lock (userfaultfd, and some file systems);
 * and it minds protection keys, which are the calling thread's, not the memory's. So it gets a
 * second chance at an address (see vib_gup()), but no third.
 *
 * Return: 0 when GUP should be asked again; -EFAULT or -EINTR.
 */
int vib_pfnmap_fault(struct vib_pin *pin);

/**
 * vib_pfnmap_peek - vib_pfnmap_append() for a worker: never waits for mmap_lock
 * @pin: which addresses; only read
 * @out: gets extents appended; room for @max is reserved
 * @max: how many page table entries to read at most
 * @skip: without success, how many pages need no further look for now
 *
 * Return: how many pages were appended; -EAGAIN, or -EFAULT when there is no device memory now.
 */
long vib_pfnmap_peek(struct vib_pin *pin, struct vib_extents *out, unsigned int max, u64 *skip);

/* Is what stands behind pin->vaddr, pin->left pages, device memory from @pfn on? Uses up @pin. */
bool vib_pfnmap_matches(struct vib_pin *pin, u64 pfn);

#endif
