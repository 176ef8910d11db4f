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
#include "unpin.h"

enum {
	VIB_PIN_FEW = 8,		/* pages that need no array to be allocated */
	VIB_PIN_BATCH = 1023,		/* pages a GUP call asks for */
	/* Pages charged ahead, and entered into the domains, in one go. */
	VIB_PIN_BUDGET = SZ_128M >> PAGE_SHIFT,
	/* Extents after which a batch ends, too, so that they stay in one vector. */
	VIB_PIN_RUNS = 4096,
};

struct vib_rival;
struct vib_sharing;

/**
 * struct vib_pin - the progress of pinning one range of user memory
 * @owner: borrowed from the caller
 * @vaddr: next user address
 * @left: pages still to pin
 * @accounted: pages pinned and charged so far
 * @credit: pages charged ahead, inside vib_pin_some()
 * @ahead: pages to charge ahead at once, as many as the last batch took if VIB_PIN_RUNS has ended
 *	it; 0: as many as the batch may take
 * @faulted: user address that was faulted in last because GUP refused it, or U64_MAX
 * @plain: before this user address, no huge page is pinned as one (huge.h); the caller begins with
 *	0
 * @torn: before this user address, no transparent huge page is asked for as one (thp.h)
 * @purse: pages that the caller has charged ahead, for this range and others, and that are used
 *	first; what fails at the limit it tries again without, and that is reported. The caller may
 *	cut the extents: no huge page is pinned as one. NULL: none
 * @write: the device may write
 * @uncharged: the pages are charged already, so nothing is charged
 * @scattered: make one extent for every page
 * @run: pages that may be pinned in the next step; at most @left
 * @sharing: what of the range is borrowed, or NULL (share.h)
 * @rival: the call, if it may begin anew when it fails at the limit, or NULL (rivals.h)
 * @crew: threads that populate the range ahead, or NULL; see crew.h
 * @refused: GUP has refused the first page already, so it may be device memory
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
	u64 ahead;
	u64 faulted;
	u64 plain;
	u64 torn;
	u64 *purse;
	u64 run;
	struct vib_sharing *sharing;
	struct vib_rival *rival;
	struct vib_crew *crew;
	bool write;
	bool uncharged;
	bool scattered;
	bool refused;
	bool watched;
	unsigned int max;
	struct page **pages;
	struct page *few[VIB_PIN_FEW + 1];
};

/*
 * Sets up @max, @pages, @faulted, @torn, @credit, @ahead, @sharing and @crew; undone by
 * vib_pin_end(). Cannot fail.
 */
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
 * @budget: stop after at least this many pages, or, without @pin->scattered, VIB_PIN_RUNS extents
 *
 * Ordinary memory is pinned long-term and charged, or borrowed with @pin->sharing. Pages that the
 * kernel keeps reserved are pinned and not charged; device memory behind a PFNMAP vma and zero
 * pages are neither.
 *
 * Return: 0 with @pin advanced. -EREMOTE when there is device memory and @pin->watched is not set:
 * the caller may set it, restore @pin->vaddr and @pin->left, and call again. After any other errno
 * @pin must not be used again: -EFAULT, -ENOMEM (memory, or RLIMIT_MEMLOCK), -EINTR on a fatal
 * signal, -ESRCH when the process has gone, or GUP's own. @out and the account are as before then.
 */
int vib_pin_some(struct vib_pin *pin, struct vib_extents *out, u64 budget);

/*
 * Reports that the limit does not allow @wanted pages of current, of which @mine have been charged.
 * Return: -ENOMEM.
 */
int vib_pin_over_limit(struct vib_owner *owner, u64 mine, u64 wanted);

/**
 * vib_pin_page - pin and charge one page, if it is ordinary memory: the most frequent case
 * @owner: current
 * @vaddr: user address
 * @write: the device may write
 * @purse: as that of struct vib_pin
 * @ext: gets the extent
 *
 * Return: 0; or, with nothing pinned and nothing charged, what tells the caller to use
 * vib_pin_some(): -EFAULT if GUP refuses the address, -EAGAIN otherwise.
 */
int vib_pin_page(struct vib_owner *owner, u64 vaddr, bool write, u64 *purse, u64 *ext);

#endif
