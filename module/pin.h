/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinning: user addresses to extents of pinned PFNs and back, and the locked-memory account.
 *
 * Locking: nothing here may be called with a lock of ours held, except vib_unpin(), which may. All of
 * it can sleep; pinning can sleep for as long as user space likes (userfaultfd, FUSE).
 */
#ifndef VIB_PIN_H
#define VIB_PIN_H

#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/sched.h>

#include "pure/extents.h"

/**
 * struct vib_owner - whose memory a mapping pins and whose account it charges
 * @refs: one for each mapping, one for the ioas that keeps the latest owner at hand
 * @mm: the address space (mmgrab: the structure, not its memory)
 * @task: its thread group leader, whose RLIMIT_MEMLOCK is the limit
 */
struct vib_owner {
	refcount_t refs;
	struct mm_struct *mm;
	struct task_struct *task;
};

/* A reference to the owner that current is: @latest if it is that, else a new one. -ENODEV without an mm, -ENOMEM. */
struct vib_owner *vib_owner_current(struct vib_owner *latest);

static inline struct vib_owner *vib_owner_get(struct vib_owner *owner)
{
	refcount_inc(&owner->refs);
	return owner;
}

/* NULL is fine. */
void vib_owner_put(struct vib_owner *owner);

/*
 * Charges @npages to the owner's locked_vm. Unless @unlimited (the mapper had CAP_IPC_LOCK), -ENOMEM
 * above RLIMIT_MEMLOCK. -EINTR on a fatal signal, -ESRCH when the process has gone.
 */
int vib_owner_charge(struct vib_owner *owner, u64 npages, bool unlimited);

/* Charges whatever the limit; cannot fail. For charges that change hands, not for new ones. */
void vib_owner_recharge(struct vib_owner *owner, u64 npages);

/* Takes back a charge; cannot fail. Does nothing when the process has gone: its account went with it. */
void vib_owner_uncharge(struct vib_owner *owner, u64 npages);

enum {
	VIB_PIN_FEW = 8,		/* up to this many pages need no page of pointers */
	VIB_PIN_BATCH = 512,		/* pages a GUP call asks for */
	/* Pages pinned between two charges; what a thread may overshoot RLIMIT_MEMLOCK by is one GUP batch. */
	VIB_PIN_BUDGET = SZ_128M >> PAGE_SHIFT,
};

/**
 * struct vib_pin - the progress of pinning one range of user memory
 * @owner: borrowed from the caller
 * @vaddr: next user address
 * @left: pages still to pin
 * @write: the device may write
 * @unlimited: the account has no limit
 * @uncharged: the pages are on the account already
 * @scattered: never merge runs (parameter disable_hugepages)
 * @pages: where GUP puts its pages
 * @few: @pages for small ranges
 * @max: how many fit into @pages
 */
struct vib_pin {
	struct vib_owner *owner;
	u64 vaddr;
	u64 left;
	bool write;
	bool unlimited;
	bool uncharged;
	bool scattered;
	unsigned int max;
	struct page **pages;
	struct page *few[VIB_PIN_FEW];
};

/* Fills in @pages from the other members, which the caller has set; undone by vib_pin_end(). Cannot fail. */
void vib_pin_begin(struct vib_pin *pin);
void vib_pin_end(struct vib_pin *pin);

/**
 * vib_pin_some - pin and charge the next pages
 * @pin: progress
 * @out: gets the extents appended, the first of them possibly merged into its last
 * @budget: stop after at least this many pages
 *
 * Ordinary memory is pinned long-term and charged; device memory behind a PFNMAP vma, and pages that
 * the kernel keeps reserved, are recorded without a charge, device memory and zero pages also
 * without a pin.
 *
 * Return: 0 with @pin advanced. Otherwise @out and the account are as before and @pin is of no more
 * use: -EFAULT, -ENOMEM (memory, or RLIMIT_MEMLOCK), -EINTR on a fatal signal, or GUP's own errno.
 */
int vib_pin_some(struct vib_pin *pin, struct vib_extents *out, u64 budget);

/**
 * vib_unpin - drop the pins of extents
 * @ex: the vector
 * @first: index of the first extent
 * @nr: how many
 * @dirty: the device may have written
 *
 * No IOMMU may translate to these pages any more: the flush that covers them is done.
 *
 * Return: how many of the pages were accounted; the caller owes an uncharge.
 */
u64 vib_unpin(struct vib_extents *ex, u32 first, u32 nr, bool dirty);

/*
 * Copies between @buf and the owner's memory. Current must be the owner or have no memory of its own
 * (a kernel thread): -EFAULT else, and on a fault; -EPERM when the process has gone.
 */
int vib_owner_copy(struct vib_owner *owner, u64 vaddr, void *buf, size_t size, bool write);

#endif
