/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinning: user addresses to extents of pinned PFNs and back.
 *
 * Locking: vib_pin_some() takes mmap_lock, so of ours no lock but device_lock may be held;
 * unpinning may be called under any. All of it can sleep; pinning can sleep for as long as user
 * space likes (userfaultfd, FUSE).
 */
#ifndef VIB_PIN_H
#define VIB_PIN_H

#include <linux/sizes.h>
#include <linux/slab.h>

#include "crew.h"
#include "owner.h"
#include "pure/extents.h"

enum {
	VIB_PIN_FEW = 8,		/* pages that need no array to be allocated */
	VIB_PIN_BATCH = 1023,		/* pages a GUP call asks for */
	/* Pages charged ahead, and entered into the domains, in one go. */
	VIB_PIN_BUDGET = SZ_128M >> PAGE_SHIFT,
};

/**
 * struct vib_pin - the progress of pinning one range of user memory
 * @owner: borrowed from the caller
 * @vaddr: next user address
 * @left: pages still to pin
 * @accounted: pages pinned and charged so far
 * @credit: pages charged ahead, inside vib_pin_some()
 * @faulted: user address that was faulted in last because GUP refused it, or U64_MAX
 * @plain: before this user address, no huge page is pinned as one (huge.h); the caller begins with
 *	0
 * @purse: pages that the caller has charged ahead, for this range and others, and that are used
 *	first; what fails at the limit it tries again without, and that is reported. The caller may
 *	cut the extents: no huge page is pinned as one. NULL: none
 * @write: the device may write
 * @uncharged: the pages are charged already, so nothing is charged
 * @scattered: make one extent for every page
 * @crew: threads that populate the range ahead, or NULL; see crew.h
 * @watched: device memory may be read: the caller watches it (watch.h), or fills it nowhere
 * @pages: GUP's pages, and one slot more for a NULL, which ends every run; allocated when needed
 * @few: @pages for small ranges
 * @max: how many fit into @pages
 */
struct vib_pin {
	struct vib_owner *owner;
	u64 vaddr;
	u64 left;
	u64 accounted;
	u64 credit;
	u64 faulted;
	u64 plain;
	u64 *purse;
	struct vib_crew *crew;
	bool write;
	bool uncharged;
	bool scattered;
	bool watched;
	unsigned int max;
	struct page **pages;
	struct page *few[VIB_PIN_FEW + 1];
};

/* Sets up @max, @pages, @faulted, @credit and @crew; undone by vib_pin_end(). Cannot fail. */
void vib_pin_begin(struct vib_pin *pin);

static inline void vib_pin_end(struct vib_pin *pin)
{
	if (pin->pages != pin->few)
		kfree(pin->pages);
}

/**
 * vib_pin_some - pin and charge the next pages
 * @pin: progress
 * @out: gets the extents appended, the first of them possibly merged into its last
 * @budget: stop after at least this many pages
 *
 * Ordinary memory is pinned long-term and charged. Pages that the kernel keeps reserved are pinned
 * and not charged; device memory behind a PFNMAP vma and zero pages are neither.
 *
 * Return: 0 with @pin advanced. -EREMOTE when there is device memory and @pin->watched is not set:
 * the caller may set it, restore @pin->vaddr and @pin->left, and call again. After any other errno
 * @pin must not be used again: -EFAULT, -ENOMEM (memory, or RLIMIT_MEMLOCK), -EINTR on a fatal
 * signal, -ESRCH when the process has gone, or GUP's own. @out and the account are as before then.
 */
int vib_pin_some(struct vib_pin *pin, struct vib_extents *out, u64 budget);

/**
 * struct vib_unpinning - pins that are being dropped
 * @next: the extent word, without a length, that would continue the pending run
 * @npages: length of the pending run, which is not dropped yet
 * @dirty: the device may have written; constant while a run is pending
 * @accounted: how many of the dropped pages are charged
 * @since_resched: pages dropped since the last chance to reschedule
 *
 * Extents that follow one another in physical memory are dropped as one run, whichever mappings
 * they are of; not those with VIB_EXT_HUGE: where two meet in a huge page, each holds a pin of it.
 */
struct vib_unpinning {
	u64 next;
	u64 npages;
	bool dirty;
	u64 accounted;
	u64 since_resched;
};

/* For vib_unpin_add(): drops an extent with VIB_EXT_HUGE (huge.c); the pending run, which stays. */
void vib_huge_unpin(struct vib_unpinning *up, u64 ext);
void vib_unpin_run(struct vib_unpinning *up);

/* Drops the pending run, if there is one. */
static inline void vib_unpin_flush(struct vib_unpinning *up)
{
	if (up->npages)
		vib_unpin_run(up);
	up->npages = 0;
}

/*
 * Adds an extent, which vib_unpin_flush() drops at the latest. No IOMMU may translate to its pages
 * any more: the IOTLB flush that covers them is done.
 */
static inline void vib_unpin_add(struct vib_unpinning *up, u64 ext)
{
	u64 pages = vib_ext_pages(ext);
	u64 start = vib_ext_make(vib_ext_pfn(ext), 0, vib_ext_flags(ext));

	if (unlikely(ext & VIB_EXT_HUGE)) {
		vib_huge_unpin(up, ext);
		return;
	}
	if (start == up->next) {
		up->next += pages;
		up->npages += pages;
		return;
	}
	if (up->npages)
		vib_unpin_run(up);
	up->next = start + pages;
	up->npages = pages;
}

/**
 * vib_unpin - drop the pins of extents
 * @ex: the vector
 * @first: index of the first extent
 * @nr: how many
 * @dirty: the device may have written
 *
 * No IOMMU may translate to these pages any more.
 *
 * Return: how many of the pages are charged; the caller uncharges them.
 */
u64 vib_unpin(struct vib_extents *ex, u32 first, u32 nr, bool dirty);

#endif
