// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sole caller of GUP, and with owner.c of mmap_lock. Knows nothing of IOVAs, domains or containers.
 *
 * Invariant: each extent handed out with VIB_EXT_PINNED holds one pin per page, each with
 * VIB_EXT_ACCOUNTED one charged page; what fails half-way gives back both before it returns.
 */
#include "pin.h"

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/mm.h"
#include "pfnmap.h"
#include "trace/refusal.h"

/* Unpinning this many pages goes without a reschedule. */
enum {
	UNPIN_STEP = 1 << 15,
};

static void report_limit(struct vib_pin *pin, u64 more)
{
	unsigned long limit = task_rlimit(pin->owner->task, RLIMIT_MEMLOCK);
	unsigned long locked = READ_ONCE(pin->owner->mm->locked_vm);

	trace_vib_limit(VIB_REASON_MEMLOCK, more + pin->left, locked, limit >> PAGE_SHIFT);
	pr_warn_ratelimited("%s[%d]: RLIMIT_MEMLOCK of %lu bytes exceeded: %lu pages locked, %llu more asked for\n",
			    current->comm, current->pid, limit, locked, more + pin->left);
}

/*
 * Would charging @more pages break the limit? A look without the lock, before still more is pinned:
 * the charge itself decides.
 */
static bool over_limit(struct vib_pin *pin, u64 more)
{
	unsigned long limit = task_rlimit(pin->owner->task, RLIMIT_MEMLOCK);
	unsigned long locked = READ_ONCE(pin->owner->mm->locked_vm);

	if (pin->owner->unlimited || !more || locked + more <= limit >> PAGE_SHIFT)
		return false;
	report_limit(pin, more);
	return true;
}

static int charge_pinned(struct vib_pin *pin, u64 npages)
{
	int ret = vib_owner_charge(pin->owner, npages);

	if (ret == -ENOMEM)
		report_limit(pin, npages);
	return ret;
}

void vib_pin_begin(struct vib_pin *pin)
{
	pin->pages = NULL;
	pin->max = min_t(u64, pin->left, VIB_PIN_BATCH);
	if (pin->left > VIB_PIN_FEW)
		pin->pages = kmalloc_array(pin->max + 1, sizeof(*pin->pages), GFP_KERNEL);
	pin->faulted = U64_MAX;
	if (!pin->pages) {
		pin->max = VIB_PIN_FEW;
		pin->pages = pin->few;
	}
}

/* Asks GUP for up to @npages from pin->vaddr on: how many it gave, or its errno. */
static long pin_pages(struct vib_pin *pin, unsigned long npages)
{
	unsigned int flags = FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
	struct mm_struct *mm = pin->owner->mm;
	long got;

	if (mm == current->mm) {
		got = pin_user_pages_fast(pin->vaddr, npages, flags, pin->pages);
	} else {
		mmap_read_lock(mm);
		got = vib_compat_pin_remote(mm, pin->vaddr, npages, flags, pin->pages);
		mmap_read_unlock(mm);
	}
	/*
	 * Newer kernels say -EOVERFLOW where the range ends at the very top of the address space.
	 */
	return got && got != -EOVERFLOW ? got : -EFAULT;
}

/*
 * How many pages from pages[0] on are one contiguous run with the same standing. The loop is the
 * hottest of the module: the sentinel spares it the bounds check, and reservedness, which is rare,
 * is collected and looked at afterwards.
 */
static unsigned int run_length(struct page **pages, bool reserved)
{
	unsigned long reserved_bit = BIT(PG_reserved), seen = 0;
	struct page **at = pages;
	struct page *page = pages[0];

	if (likely(!reserved)) {
		while (*++at == ++page)
			seen |= vib_compat_page_flags(page);
		if (likely(!(seen & reserved_bit)))
			return at - pages;
		at = pages;
		page = pages[0];
	}
	while (*++at == ++page && PageReserved(page) == reserved)
		;
	return at - pages;
}

/*
 * Appends one run that GUP gave. Zero pages are not held: some kernels pin them and others do not,
 * and a release at once is right on both.
 */
static int append_run(struct vib_pin *pin, struct vib_extents *out, struct page **pages,
		      unsigned int n, bool reserved, u64 *charge)
{
	unsigned long pfn = page_to_pfn(pages[0]);
	u64 flags = VIB_EXT_PINNED;

	if (is_zero_pfn(pfn)) {
		unpin_user_page(pages[0]);
		flags = 0;
	} else if (!reserved && !pin->uncharged) {
		flags |= VIB_EXT_ACCOUNTED;
		*charge += n;
	}
	return pin->scattered ? vib_extents_push(out, pfn, n, flags) :
				vib_extents_append(out, pfn, n, flags);
}

/* Appends what GUP gave, run by run; room for as many extents as pages is reserved. */
static int append_pages(struct vib_pin *pin, struct vib_extents *out, unsigned int nr, u64 *charge)
{
	unsigned int i = 0;

	pin->pages[nr] = NULL;
	while (i < nr) {
		struct page **pages = pin->pages + i;
		bool reserved = PageReserved(pages[0]);
		bool single = pin->scattered || is_zero_pfn(page_to_pfn(pages[0]));
		unsigned int n = single ? 1 : run_length(pages, reserved);
		int ret = append_run(pin, out, pages, n, reserved, charge);

		if (WARN_ON_ONCE(ret)) {
			/* A PFN beyond 52 bits of physical address: no such machine yet. */
			unpin_user_pages(pages, nr - i);
			return ret;
		}
		i += n;
	}
	return 0;
}

/* One GUP call's worth: 0 with pin advanced and @charge grown, or an errno with nothing kept. */
static int pin_step(struct vib_pin *pin, struct vib_extents *out, u64 *charge)
{
	unsigned int want = min_t(u64, pin->left, pin->max);
	long got;
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	ret = vib_extents_reserve(out, want);
	if (ret)
		return ret;
	got = pin_pages(pin, want);
	if (got > 0) {
		ret = append_pages(pin, out, got, charge);
		if (ret)
			return ret;
	} else if (got == -EFAULT) {
		got = vib_pfnmap_append(pin, out, want);
	}
	if (got < 0)
		return got;
	pin->vaddr += (u64)got << PAGE_SHIFT;
	pin->left -= got;
	return 0;
}

/* Gives back what was appended behind the first @nr extents, the last of which was @last. */
static void rollback(struct vib_extents *out, u32 nr, u64 last, bool dirty)
{
	u64 *words = vib_extents_words(out);
	u64 pages = vib_ext_pages(last);

	(void)vib_unpin(out, nr, out->nr - nr, dirty);
	vib_extents_drop_tail(out, out->nr - nr);
	if (nr && words[nr - 1] != last) {
		struct vib_extents grown;

		vib_extents_init(&grown);
		(void)vib_extents_append(&grown, vib_ext_pfn(last) + pages,
					 vib_ext_pages(words[nr - 1]) - pages, vib_ext_flags(last));
		(void)vib_unpin(&grown, 0, 1, dirty);
		words[nr - 1] = last;
	}
}

int vib_pin_some(struct vib_pin *pin, struct vib_extents *out, u64 budget)
{
	u64 stop = pin->left > budget ? pin->left - budget : 0;
	u32 nr = out->nr;
	u64 last = nr ? vib_extents_words(out)[nr - 1] : 0;
	u64 charge = 0;
	int ret;

	if (!vib_owner_hold(pin->owner))
		return -ESRCH;
	for (;;) {
		ret = pin_step(pin, out, &charge);
		if (ret || pin->left <= stop)
			break;
		ret = over_limit(pin, charge) ? -ENOMEM : 0;
		if (ret)
			break;
		cond_resched();
	}
	if (!ret)
		ret = charge_pinned(pin, charge);
	if (ret)
		rollback(out, nr, last, false);
	else
		pin->accounted += charge;
	vib_owner_release(pin->owner);
	/* -EAGAIN means "look again" in the engine. */
	return ret == -EAGAIN ? -EBUSY : ret;
}

/* Drops a run that is too long to go without a reschedule. */
static noinline void unpin_long(struct page *page, u64 npages, bool dirty)
{
	unsigned long n;

	for (; npages; npages -= n, page += n) {
		n = min_t(u64, npages, UNPIN_STEP);
		vib_compat_unpin_range(page, n, dirty);
		cond_resched();
	}
}

void vib_unpin_run(struct vib_unpinning *up)
{
	u64 npages = up->npages, run = up->next - npages;
	struct page *page;

	if (run & VIB_EXT_ACCOUNTED)
		up->accounted += npages;
	if (!(run & VIB_EXT_PINNED))
		return;
	page = pfn_to_page(vib_ext_pfn(run));
	up->awake += npages;
	if (npages > UNPIN_STEP)
		unpin_long(page, npages, up->dirty);
	else
		vib_compat_unpin_range(page, npages, up->dirty);
	if (up->awake < UNPIN_STEP)
		return;
	up->awake = 0;
	cond_resched();
}

u64 vib_unpin(struct vib_extents *ex, u32 first, u32 nr, bool dirty)
{
	u64 *words = vib_extents_words(ex);
	struct vib_unpinning up = {};
	u32 i;

	for (i = first; i < first + nr; i++)
		vib_unpin_add(&up, words[i], dirty);
	vib_unpin_flush(&up);
	return up.accounted;
}
