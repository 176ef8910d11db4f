// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls GUP, as only huge.c and thp.c do too. Takes mmap_lock for read. Knows nothing of accounts
 * and extents.
 *
 * Pages of ZONE_MOVABLE and of CMA have to be moved before they are pinned for long. GUP holds a
 * reference to each while it finds that out, and a page that somebody else refers to cannot be
 * moved. Two calls that want the same pages at once delay each other for a long time, and one or
 * both get -ENOMEM. So they take turns: the first one moves the pages and pins them, the second one
 * finds them where they can stay. Small calls take turns only after a failure, and so do those of
 * thp.c, which ask for one page each.
 *
 * A call that gets -ENOMEM all the same tries again for a while: a small call, another process that
 * shares the memory, or the kernel itself may have held a page for a moment.
 */
#include "gup.h"

#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/gup.h"
#include "turns.h"

/* The first pause is 2 ms, and each is twice as long as the one before: 254 ms in all. */
enum {
	PAUSES = 7,
};

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

static __always_inline unsigned int gup_flags(bool write)
{
	return FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
}

/* Asks once: for current's own memory the fast way, unless that was refused at this address. */
static __always_inline long gup_once(struct vib_pin *pin, unsigned long npages)
{
	unsigned int flags = gup_flags(pin->write);
	long got;

	if (pin->owner->mm == current->mm && pin->vaddr != pin->faulted)
		got = pin_user_pages_fast(pin->vaddr, npages, flags, pin->pages);
	else
		got = gup_remote(pin, npages, flags);
	/* Newer kernels return -EOVERFLOW for a range that ends at the top of the address space. */
	return got && got != -EOVERFLOW ? got : -EFAULT;
}

static long gup_again(struct vib_pin *pin, unsigned long npages)
{
	long got = -ENOMEM;
	unsigned int i;

	for (i = 1; got == -ENOMEM && i <= PAUSES; i++) {
		schedule_timeout_killable(msecs_to_jiffies(1 << i));
		if (fatal_signal_pending(current))
			return -EINTR;
		got = gup_once(pin, npages);
	}
	return got;
}

static noinline long gup_in_turn(struct vib_pin *pin, unsigned long npages)
{
	struct vib_turn turn;
	long got;

	got = vib_turn_begin(&turn, pin->owner->mm, pin->vaddr, npages);
	if (got)
		return got;
	got = gup_once(pin, npages);
	if (got == -ENOMEM)
		got = gup_again(pin, npages);
	vib_turn_end(&turn);
	return got;
}

long vib_gup(struct vib_pin *pin, unsigned long npages)
{
	long got = -ENOMEM;

	if (npages <= VIB_PIN_FEW)
		got = gup_once(pin, npages);
	return likely(got != -ENOMEM) ? got : gup_in_turn(pin, npages);
}

int vib_gup_page(u64 vaddr, bool write, struct page **page)
{
	int got = pin_user_pages_fast(vaddr, 1, gup_flags(write), page);

	if (likely(got == 1))
		return 0;
	return got == -EFAULT ? got : -EAGAIN;
}

noinline void vib_gup_array(struct vib_pin *pin)
{
	pin->pages = kmalloc_array(pin->max + 1, sizeof(*pin->pages), GFP_KERNEL_ACCOUNT);
	if (!pin->pages) {
		pin->max = VIB_PIN_FEW;
		pin->pages = pin->few;
	}
}
