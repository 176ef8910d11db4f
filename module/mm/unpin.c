// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops pins, long runs in steps. Knows nothing of who holds them. Invariant: what has no pin of
 * its own (zero pages, device memory, what is borrowed) is left alone.
 */
#include "unpin.h"

#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/gup.h"
#include "pure/stretch.h"

enum {
	UNPIN_STEP = 1 << 15,		/* pages unpinned between two chances to reschedule */
	HUGE_LIST = 32,			/* huge pages handed to the kernel at once */
};

/* Drops a long run, with chances to reschedule. */
static noinline void unpin_long(struct page *page, u64 npages, bool dirty)
{
	unsigned long n;

	for (; npages; npages -= n, page += n) {
		n = min_t(u64, npages, UNPIN_STEP);
		vib_compat_unpin_range(page, n, dirty);
		cond_resched();
	}
}

void vib_unpin_run(struct vib_unpinning *up, u64 next, u64 npages)
{
	u64 run = up->next - up->npages;
	struct page *page;

	swap(up->npages, npages);
	up->next = next;
	if (run & VIB_EXT_ACCOUNTED)
		up->accounted += npages;
	if (!(run & VIB_EXT_PINNED) || run & VIB_EXT_BORROWED)
		return;
	page = pfn_to_page(vib_ext_pfn(run));
	up->since_resched += npages;
	if (npages > UNPIN_STEP)
		unpin_long(page, npages, up->dirty);
	else
		vib_compat_unpin_range(page, npages, up->dirty);
	if (up->since_resched < UNPIN_STEP)
		return;
	up->since_resched = 0;
	cond_resched();
}

/* Drops one pin of each page of the list, then a chance to reschedule. */
static void unpin_list(struct vib_unpinning *up, struct page **list, unsigned int n)
{
	vib_compat_unpin_list(list, n, up->dirty);
	cond_resched();
}

/*
 * Drops extents with VIB_EXT_HUGE from @word on, up to the first other one or @stop. Return: that.
 * The huge pages of an extent are of one size, so only the first is read for it: that is pinned.
 */
static noinline const u64 *unpin_huge(struct vib_unpinning *up, const u64 *word, const u64 *stop)
{
	unsigned int used = 0, most;
	struct page *list[HUGE_LIST];
	u64 pfn, end, size;

	for (; word < stop && *word & VIB_EXT_HUGE; word++) {
		pfn = vib_ext_pfn(*word);
		end = pfn + vib_ext_pages(*word);
		up->accounted += end - pfn;
		size = vib_huge_pages(pfn_to_page(pfn));
		/* The last pin may free the page: one of the larger ones a list. */
		most = size > UNPIN_STEP / HUGE_LIST ? 1 : HUGE_LIST;
		/* The first part may begin inside its huge page, the others do not. */
		for (; pfn < end; pfn = (pfn | (size - 1)) + 1) {
			list[used++] = pfn_to_page(pfn);
			if (used < most)
				continue;
			unpin_list(up, list, used);
			used = 0;
		}
	}
	if (used)
		unpin_list(up, list, used);
	return word;
}

void vib_huge_unpin(struct vib_unpinning *up, u64 ext)
{
	unpin_huge(up, &ext, &ext + 1);
}

u64 vib_unpin_page(u64 ext, bool dirty)
{
	if (ext & VIB_EXT_PINNED && !(ext & VIB_EXT_BORROWED))
		vib_compat_unpin_range(pfn_to_page(vib_ext_pfn(ext)), 1, dirty);
	return !!(ext & VIB_EXT_ACCOUNTED);
}

static __always_inline void drop_words(struct vib_unpinning *up, const u64 *word, u32 nr)
{
	const u64 *stop = word + nr;

	while (word < stop)
		if (unlikely(*word & VIB_EXT_HUGE))
			word = unpin_huge(up, word, stop);
		else
			vib_unpin_add(up, *word++);
}

void vib_unpin_add_words(struct vib_unpinning *up, const u64 *words, u32 nr)
{
	drop_words(up, words, nr);
}

void vib_unpin_add_all(struct vib_unpinning *up, struct vib_extents *ex, u32 first, u32 end)
{
	struct vib_stretch st;

	vib_for_each_stretch(&st, ex, first, end) {
		drop_words(up, st.words, st.nr);
		/* What has no pin of its own does not count. */
		if (st.left)
			cond_resched();
	}
}

u64 vib_unpin(struct vib_extents *ex, u32 first, u32 nr, bool dirty)
{
	struct vib_unpinning up = { .dirty = dirty };

	vib_unpin_add_all(&up, ex, first, first + nr);
	vib_unpin_flush(&up);
	return up.accounted;
}
