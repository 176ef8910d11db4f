// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sole caller of GUP. Takes mmap_lock for read. Knows nothing of accounts and extents.
 */
#include "gup.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat/mm.h"

/*
 * Asks as for another process, as type1 does: then GUP does not mind which protection keys the
 * calling thread has closed.
 */
static noinline long gup_remote(struct vib_pin *pin, unsigned long npages, unsigned int flags)
{
	struct mm_struct *mm = pin->owner->mm;
	long got;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	got = vib_compat_pin_remote(mm, pin->vaddr, npages, flags, pin->pages);
	mmap_read_unlock(mm);
	return got;
}

/* Asks once: for current's own memory the fast way, unless that was refused at this address. */
static __always_inline long gup_once(struct vib_pin *pin, unsigned long npages)
{
	unsigned int flags = FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
	long got;

	if (pin->owner->mm == current->mm && pin->vaddr != pin->faulted)
		got = pin_user_pages_fast(pin->vaddr, npages, flags, pin->pages);
	else
		got = gup_remote(pin, npages, flags);
	/* Newer kernels return -EOVERFLOW for a range that ends at the top of the address space. */
	return got && got != -EOVERFLOW ? got : -EFAULT;
}

long vib_gup(struct vib_pin *pin, unsigned long npages)
{
	return gup_once(pin, npages);
}
