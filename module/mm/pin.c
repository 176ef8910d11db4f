// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins pages into extents and charges them. Takes mmap_lock through gup.h, pfnmap.h and owner.h,
 * and reads locked_vm for a message only. Knows nothing of IOVAs, domains or containers.
 *
 * A single page is pinned and then charged (vib_pin_page()), and given up if the limit does not
 * allow it. Others are charged before they are pinned, as many as a batch may need and the limit
 * allows; the charge for what needs none (zero pages, what the kernel keeps reserved, device
 * memory) is given back at the end of the batch. Once the limit is reached, memory is pinned page
 * by page, until a page would have to be charged.
 *
 * Invariant: each extent with VIB_EXT_PINNED holds one pin for each page, or each huge page with
 * VIB_EXT_HUGE, and each with VIB_EXT_ACCOUNTED one charge for each page; a failure gives both back
 * before it returns. There are never more pages pinned than charged, except the one that is being
 * tried.
 */
#include "pin.h"

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "gup.h"
#include "huge.h"
#include "pfnmap.h"
#include "rivals.h"
#include "run.h"
#include "share.h"
#include "thp.h"
#include "trace/refusal.h"

noinline int vib_pin_over_limit(struct vib_owner *owner, u64 mine, u64 wanted)
{
	unsigned long limit = task_rlimit(owner->task, RLIMIT_MEMLOCK);
	u64 locked = READ_ONCE(owner->mm->locked_vm);
	char name[TASK_COMM_LEN];

	locked -= min(locked, mine);
	trace_vib_limit(VIB_REASON_MEMLOCK, wanted, locked, limit >> PAGE_SHIFT);
	vib_caller_name(name);
	pr_warn_ratelimited("%s[%d]: RLIMIT_MEMLOCK of %lu bytes exceeded: %llu pages locked, %llu more asked for; raise it with ulimit -l or LimitMEMLOCK=\n",
			    name, current->tgid, limit, locked, wanted);
	return -ENOMEM;
}

/* The limit does not allow the next page. Reports it, unless the call begins anew, or will. */
static noinline int lack_page(struct vib_pin *pin)
{
	u64 after = pin->sharing ? pin->sharing->after : U64_MAX;

	if (pin->purse || (pin->rival && vib_rival_yields(pin->rival, vib_owner_pool(pin->owner),
							  pin->accounted + 1, after)))
		return -ENOMEM;
	return vib_pin_over_limit(pin->owner, pin->accounted, pin->accounted + pin->left);
}

void vib_pin_begin(struct vib_pin *pin)
{
	pin->max = min_t(u64, pin->left, VIB_PIN_BATCH);
	pin->pages = pin->max > VIB_PIN_FEW ? NULL : pin->few;
	pin->faulted = U64_MAX;
	pin->torn = 0;
	pin->credit = 0;
	pin->ahead = 0;
	pin->sharing = NULL;
	pin->crew = NULL;
}

/*
 * Appends one run that GUP pinned. A zero page is unpinned at once: some kernels pin it and others
 * do not, and this is right on both.
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

/*
 * Appends the pages that GUP pinned, run by run; room for as many extents is reserved. Whether
 * there are large folios is asked once, of the first page: memory is mostly of one kind.
 */
static int append_pages(struct vib_pin *pin, struct vib_extents *out, unsigned int nr, u64 *charge)
{
	bool folios = nr >= VIB_FOLIO_MIN && vib_folio_rest(pin->pages[0]);
	unsigned int i = 0;

	pin->pages[nr] = NULL;
	while (i < nr) {
		struct page **pages = pin->pages + i;
		bool reserved = PageReserved(pages[0]);
		bool single = pin->scattered || is_zero_pfn(page_to_pfn(pages[0]));
		unsigned int n = single ? 1 : folios ?
				 vib_folio_run_length(pages, nr - i, reserved) :
				 vib_run_length(pages, reserved);
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

/* Return: how many pages before @stop are charged ahead at once. */
static u64 pages_ahead(const struct vib_pin *pin, u64 stop)
{
	u64 left = pin->left - stop;

	return pin->ahead ? min(left, pin->ahead) : left;
}

/*
 * Charges ahead for the pages up to @stop, or of scattered memory some of them, as far as the limit
 * allows, when no credit is left. For a larger range, or where some has been seen, it looks for
 * device memory first, so that no charge is held for it that another thread may need. Return: 0;
 * pages of it appended; or an errno.
 */
static long charge_ahead(struct vib_pin *pin, struct vib_extents *out, unsigned int want, u64 stop)
{
	long got = 0;

	if (pin->uncharged)
		return 0;
	if (pin->purse && *pin->purse >= pin->left - stop) {
		pin->credit = pin->left - stop;
		*pin->purse -= pin->credit;
		return 0;
	}
	if (want > VIB_PIN_FEW || (pin->watched && !pin->scattered))
		got = vib_pfnmap_append(pin, out, want);
	if (got)
		return got;
	got = vib_owner_charge_some(pin->owner, pages_ahead(pin, stop));
	if (got < 0)
		return got;
	pin->credit = got;
	return 0;
}

/*
 * Asks GUP for no more than is charged ahead. Return: pages appended, 0 to try again, or an errno.
 */
static long take_pages(struct vib_pin *pin, struct vib_extents *out, unsigned int want)
{
	/* Without credit, try one page: it may need no charge. */
	unsigned int ask = pin->uncharged ? want : clamp_t(u64, pin->credit, 1, want);
	u64 charge = 0;
	long got;
	int ret;

	if (pin->crew)
		vib_crew_advance(pin->crew, pin->vaddr);
	got = vib_gup(pin, ask);
	if (got == -EFAULT) {
		got = vib_pfnmap_append(pin, out, want);
		return got ? got : vib_pfnmap_fault(pin);
	}
	if (got < 0)
		return got;
	ret = append_pages(pin, out, got, &charge);
	if (ret)
		return ret;
	if (charge > pin->credit)
		return lack_page(pin);
	pin->credit -= charge;
	pin->accounted += charge;
	return got;
}

/* Takes memory that is pinned page by page, or device memory. Return: as take_pages(). */
static __always_inline long take_plain(struct vib_pin *pin, struct vib_extents *out,
				       unsigned int want, u64 stop)
{
	long got;

	if (unlikely(!pin->pages))
		vib_gup_array(pin);
	want = min(want, pin->max);
	got = vib_extents_reserve(out, want);
	if (!got && !pin->credit)
		got = charge_ahead(pin, out, want, stop);
	if (!got && vib_thp_wanted(pin, want))
		got = vib_thp_append(pin, out);
	return got ? got : take_pages(pin, out, want);
}

/*
 * Takes hugetlb memory by the huge page, whose pages are charged before it is pinned. Return: pages
 * appended, 0 if the next ones are to be pinned page by page, or an errno.
 */
static noinline long take_huge(struct vib_pin *pin, struct vib_extents *out, u64 stop)
{
	u64 lacking, most = pin->left - stop;
	long got;

	if (pin->crew)
		vib_crew_advance(pin->crew, pin->vaddr);
	got = vib_huge_append(pin, out, most, &lacking);
	if (!lacking)
		return got;
	got = vib_owner_charge_some(pin->owner, max(lacking, most - min(most, pin->credit)));
	if (got < 0)
		return got;
	pin->credit += got;
	if ((u64)got >= lacking)
		return vib_huge_append(pin, out, most, &lacking);
	/* Page by page up to the limit; the whole call will fail. */
	pin->plain = U64_MAX;
	return 0;
}

/*
 * Borrows what another mapping of the process has pinned. Return: pages appended; 0 if the next
 * ones are to be pinned, with pin->run set to how many; or an errno.
 */
static noinline long borrow_pages(struct vib_pin *pin, struct vib_extents *out, u64 stop)
{
	long got = 0;

	if (vib_share_find(pin))
		got = vib_share_take(pin, out, pin->left - stop);
	if (!got)
		pin->run = min(pin->run, vib_share_gap(pin->sharing, pin->vaddr));
	return got;
}

/* Pins what one GUP call gives. Return: 0 with @pin advanced, or an errno. */
static int pin_step(struct vib_pin *pin, struct vib_extents *out, u64 stop)
{
	unsigned int want;
	long got = 0;

	if (fatal_signal_pending(current))
		return -EINTR;
	pin->run = pin->left;
	if (pin->sharing)
		got = borrow_pages(pin, out, stop);
	want = min_t(u64, pin->run, pin->max);
	stop = max(stop, pin->left - pin->run);
	if (!got && vib_huge_wanted(pin, want))
		got = take_huge(pin, out, stop);
	if (!got)
		got = take_plain(pin, out, want, stop);
	if (got < 0)
		return got;
	pin->vaddr += (u64)got << PAGE_SHIFT;
	pin->left -= got;
	return 0;
}

/* Unpins what was appended behind the first @nr extents, the last of which was @last. */
static void undo_pins(struct vib_extents *out, u32 nr, u64 last, bool dirty)
{
	u64 pages = vib_ext_pages(last), *word;

	(void)vib_unpin(out, nr, out->nr - nr, dirty);
	vib_extents_drop_tail(out, out->nr - nr);
	word = nr ? vib_extents_last(out) : &last;
	if (*word != last) {
		struct vib_extents grown;

		vib_extents_init(&grown);
		(void)vib_extents_append(&grown, vib_ext_pfn(last) + pages,
					 vib_ext_pages(*word) - pages, vib_ext_flags(last));
		(void)vib_unpin(&grown, 0, 1, dirty);
		*word = last;
	}
}

/* -EAGAIN means "look again" in the engine; GUP's is a refusal. */
static int pin_errno(long ret)
{
	return ret == -EAGAIN ? -EBUSY : ret;
}

/* Charges for a page, out of the purse if there is one with anything in it. */
static __always_inline bool charge_page(struct vib_owner *owner, u64 *purse)
{
	if (!purse || !*purse)
		return vib_owner_charge_some(owner, 1) > 0;
	--*purse;
	return true;
}

int vib_pin_page(struct vib_owner *owner, u64 vaddr, bool write, u64 *purse, u64 *ext)
{
	struct page *page;
	unsigned long pfn;
	int ret;

	if (fatal_signal_pending(current))
		return -EAGAIN;
	ret = vib_gup_page(vaddr, write, &page);
	if (ret)
		return ret;
	pfn = page_to_pfn(page);
	if (PageReserved(page) || is_zero_pfn(pfn) || pfn > VIB_EXT_PFN_MAX ||
	    !charge_page(owner, purse)) {
		unpin_user_page(page);
		return -EAGAIN;
	}
	*ext = vib_ext_make(pfn, 1, VIB_EXT_PINNED | VIB_EXT_ACCOUNTED);
	return 0;
}

/* Takes the page that is left if it is device memory. Return: 0; an errno; 1 if it is not. */
static int take_last_device(struct vib_pin *pin, struct vib_extents *out)
{
	long got = vib_pfnmap_append(pin, out, 1);

	if (got <= 0)
		return got ? pin_errno(got) : 1;
	pin->vaddr += PAGE_SIZE;
	pin->left = 0;
	return 0;
}

enum {
	/*
	 * What a batch begins with, what does not fill it, what the next GUP call gives, and half
	 * of the last run if that is split (extents.h).
	 */
	BATCH_MAX = 1 + (VIB_PIN_RUNS - 1) + VIB_PIN_BATCH + 1,
};

/* A module for tests has shorter vectors than one GUP call may fill. */
static_assert(VIB_FLAT_MAX >= BATCH_MAX || VIB_FLAT_MAX < VIB_PIN_BATCH);
static_assert(sizeof(struct vib_chunk) + sizeof(u64) <= VIB_CHUNK_BYTES);

/* Are these enough for a batch? Who asks for an extent a page takes all pages at once. */
static bool is_full(const struct vib_pin *pin, u32 nr)
{
	return nr >= VIB_PIN_RUNS && !pin->scattered;
}

static int pin_batch(struct vib_pin *pin, struct vib_extents *out, u64 budget)
{
	u64 stop = pin->left > budget ? pin->left - budget : 0;
	u32 nr = out->nr;
	u64 last = nr ? *vib_extents_last(out) : 0;
	u64 before = pin->accounted, left = pin->left;
	int ret;

	if (!vib_owner_hold(pin->owner))
		return -ESRCH;
	for (;;) {
		ret = pin_step(pin, out, stop);
		if (ret || pin->left <= stop || is_full(pin, out->nr - nr))
			break;
		cond_resched();
	}
	if (ret) {
		undo_pins(out, nr, last, false);
		pin->credit += pin->accounted - before;
		pin->accounted = before;
	}
	/* Charged ahead for pages that need no charge, or were not pinned. */
	if (pin->credit)
		vib_owner_uncharge(pin->owner, pin->credit);
	pin->credit = 0;
	pin->ahead = is_full(pin, out->nr - nr) ? left - pin->left : 0;
	vib_owner_release(pin->owner);
	return pin_errno(ret);
}

int vib_pin_some(struct vib_pin *pin, struct vib_extents *out, u64 budget)
{
	bool device = (pin->watched || pin->refused) && !pin->scattered;
	int ret = 1;

	if (device && pin->left == 1 && !out->nr && pin->owner->mm == current->mm)
		ret = take_last_device(pin, out);
	return ret > 0 ? pin_batch(pin, out, budget) : ret;
}
