// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops pins, long runs in steps. Knows nothing of who holds them. Invariant: what has no pin of
 * its own (zero pages, device memory, what is borrowed) is left alone.
 */
#include "unpin.h"

#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/gup.h"
#include "compat/mm.h"
#include "pure/stretch.h"

enum {
	UNPIN_STEP = 1 << 15,		/* pages unpinned between two chances to reschedule */
	HUGE_LIST = 64,			/* huge pages handed to the kernel at once */
};

/* Drops a long run, with chances to reschedule. */
static noinline void unpin_long(struct page *page, u64 npages, bool dirty)
{
	unsigned long n, at = 0;

	for (; at < npages; at += n) {
		n = min_t(u64, npages - at, UNPIN_STEP);
		vib_compat_unpin_range(vib_compat_nth_page(page, at), n, dirty);
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

/* Drops the list if it is full, with @most pages. Return: how many are on it then. */
static __always_inline unsigned int drop_full(struct vib_unpinning *up, struct page **list,
					      unsigned int used, unsigned int most)
{
	if (likely(used < most))
		return used;
	unpin_list(up, list, used);
	return 0;
}

/* Puts a page on the list. Return: as drop_full(). */
static __always_inline unsigned int list_page(struct vib_unpinning *up, struct page **list,
					      unsigned int used, struct page *page,
					      unsigned int most)
{
	list[used++] = page;
	return drop_full(up, list, used, most);
}

/* Writes @n pages to the end of a list: that @at pages after @page, and others @step apart. */
static __always_inline unsigned int list_next(struct page **end, struct page *page, u64 at,
					      u64 step, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++, at += step)
		end[i] = vib_compat_nth_page(page, at);
	return n;
}

/* Pages of the smallest size of hugetlb; known of x86 alone, so no other has the short way. */
#define LEAST_HUGE ((u64)(IS_ENABLED(CONFIG_X86) ? PMD_SIZE >> PAGE_SHIFT : 0))

/* Is the extent a huge page of that size, or as much of a larger one? Either is held by one pin. */
static __always_inline bool is_one_pin(u64 ext)
{
	const u64 pages = VIB_EXT_PAGES_MAX << VIB_EXT_COUNT_SHIFT;

	return LEAST_HUGE && (ext & (VIB_EXT_HUGE | pages | (LEAST_HUGE - 1))) ==
			     (VIB_EXT_HUGE | LEAST_HUGE << VIB_EXT_COUNT_SHIFT);
}

/*
 * Puts the huge pages of an extent on the list. They are of one size, so only the first is read
 * for it: that is pinned. Return: as list_page().
 */
static noinline unsigned int list_extent(struct vib_unpinning *up, struct page **list,
					 unsigned int used, u64 ext)
{
	u64 pfn = vib_ext_pfn(ext), pages = vib_ext_pages(ext);
	struct page *page = pfn_to_page(pfn);
	u64 size = vib_huge_pages(page), inside = pfn & (size - 1), at = size - inside, more;
	/* The last pin may free the page: one of the larger ones a list. */
	unsigned int most = size > UNPIN_STEP / HUGE_LIST ? 1 : HUGE_LIST, n;

	up->accounted += pages;
	used = list_page(up, list, used, page, most);
	/* The first part may begin inside its huge page, the others do not. */
	for (more = (inside + pages - 1) >> __ffs64(size); more; more -= n) {
		n = list_next(&list[used], page, at, size, min_t(u64, more, most - used));
		at += n * size;
		used = drop_full(up, list, used + n, most);
	}
	return used;
}

/*
 * Drops extents with VIB_EXT_HUGE from @word on, up to the first other one or @stop. Return: that.
 */
static noinline const u64 *unpin_huge(struct vib_unpinning *up, const u64 *word, const u64 *stop)
{
	struct page *list[HUGE_LIST];
	unsigned int used = 0;
	u64 accounted = 0;

	for (; word < stop; word++) {
		if (likely(is_one_pin(*word))) {
			accounted += LEAST_HUGE;
			used = list_page(up, list, used, pfn_to_page(vib_ext_pfn(*word)),
					 HUGE_LIST);
		} else if (*word & VIB_EXT_HUGE) {
			used = list_extent(up, list, used, *word);
		} else {
			break;
		}
	}
	up->accounted += accounted;
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
