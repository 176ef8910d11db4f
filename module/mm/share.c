// SPDX-License-Identifier: GPL-2.0-only
/*
 * Borrows pages that another mapping of the process has pinned, by comparing them with what GUP
 * finds at the same user addresses now, or with the entry of a huge page there. Takes mmap_lock for
 * read. Charges and pins nothing.
 *
 * Invariant: before pages are compared, a use keeps them pinned and charged; so what turns out to
 * be the same is safe to map at once. What is not is given back.
 */
#include "share.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "compat/present.h"
#include "gup.h"
#include "huge.h"
#include "pfnmap.h"
#include "thp.h"

enum {
	USES_MAX = 1024,		/* parts that one mapping may borrow */
	FIRST = 8,			/* pages that are compared first */
	TRIES = 4,			/* objects that are compared for one page */
};

/* The search for the next page begins anew, but not with @except. */
static void search_anew(struct vib_sharing *sharing, const struct vib_pinned *except)
{
	sharing->tries = 0;
	sharing->before = U64_MAX;
	sharing->except = except;
}

void vib_share_begin(struct vib_sharing *sharing, struct vib_pin *pin)
{
	struct vib_pool *pool = vib_owner_pool(pin->owner);

	if (!pool)
		return;
	*sharing = (struct vib_sharing){ .pause = 1, .left = USES_MAX };
	sharing->after = READ_ONCE(pool->latest);
	search_anew(sharing, NULL);
	pin->sharing = sharing;
}

/* Drops the latest use. */
static void drop_latest(struct vib_sharing *sharing)
{
	struct vib_use *use = sharing->uses;

	/* It may be the last one of what @pos is a place in. */
	sharing->sought = 0;
	sharing->uses = use->next;
	use->next = NULL;
	vib_uses_end(use, 1);
}

/* Return: first user page behind the latest use. */
static u64 latest_end(const struct vib_sharing *sharing)
{
	return sharing->uses->of->start + sharing->uses->end;
}

/* The latest use goes on at user page @at. */
static void open_latest(struct vib_sharing *sharing, u64 at)
{
	struct vib_pinned *of = sharing->uses->of;
	u64 page = at - of->start;

	if (sharing->sought == of->number && page >= sharing->sought_page) {
		vib_extents_seek_on(&of->extents, &sharing->pos, page - sharing->sought_page);
	} else {
		sharing->pos = vib_extents_seek(&of->extents, page);
		sharing->sought = of->number;
	}
	sharing->sought_page = page;
	sharing->at = at;
	sharing->open = true;
	sharing->fresh = true;
}

/* Nobody has the page at user page @at: it is pinned, with more and more of those behind it. */
static void pause_search(struct vib_sharing *sharing, u64 at)
{
	sharing->until = at + sharing->pause;
	sharing->pause = min_t(u64, 2 * sharing->pause, VIB_SHARE_PAGES);
	search_anew(sharing, NULL);
}

/* At user page @at is another page than the latest use has. */
static void close_latest(struct vib_sharing *sharing, u64 at)
{
	struct vib_use *use = sharing->uses;
	u64 end = at - use->of->start;

	sharing->open = false;
	if (end == use->first) {
		sharing->tries++;
		sharing->before = use->of->number;
		sharing->left++;
		drop_latest(sharing);
		return;
	}
	/* Where much has changed, looking at each page would cost more than it saves. */
	if (end - use->first >= VIB_SHARE_PAGES)
		sharing->pause = 1;
	search_anew(sharing, use->of);
	vib_use_cut(use, end, 1);
}

/* The range is pinned once more from user page @at on, which it had passed. */
static void go_back(struct vib_sharing *sharing, u64 at)
{
	while (sharing->uses && sharing->uses->of->start + sharing->uses->first > at)
		drop_latest(sharing);
	sharing->open = false;
	sharing->until = at;
	search_anew(sharing, NULL);
	if (sharing->uses && latest_end(sharing) > at)
		open_latest(sharing, at);
}

/*
 * Begins a use of what is pinned at user page @at. Return: false, with @until set, if nothing is.
 */
static bool begin_use(struct vib_sharing *sharing, const struct vib_pin *pin, u64 at)
{
	struct vib_wanted wanted = {
		.owner = pin->owner,
		.at = at,
		.end = at + pin->left,
		.write = pin->write,
		.before = sharing->before,
		.except = sharing->except,
	};
	struct vib_use *use;
	bool found;

	sharing->seen = READ_ONCE(pin->owner->pool->latest);
	found = vib_use_join(&wanted, NULL);
	if (!found || sharing->tries == TRIES) {
		sharing->until = wanted.found;
		if (wanted.found == at)
			pause_search(sharing, at);
		return false;
	}
	/* Without memory, or with too many parts, the rest is pinned and charged. */
	sharing->until = wanted.end;
	use = sharing->left ? kmalloc(sizeof(*use), GFP_KERNEL_ACCOUNT) : NULL;
	if (!use)
		return false;
	if (!vib_use_join(&wanted, use)) {
		/* It has just gone. */
		pause_search(sharing, at);
		kfree(use);
		return false;
	}
	use->next = sharing->uses;
	sharing->uses = use;
	sharing->left--;
	sharing->until = at;
	open_latest(sharing, at);
	return true;
}

/* Appends the next @n pages of the latest use, which are what is there now. */
static void append_borrowed(struct vib_sharing *sharing, struct vib_extents *out, u64 n)
{
	struct vib_extents *ex = &sharing->uses->of->extents;
	u64 word = vib_extents_at(&sharing->pos);
	/* A zero page has no pin. */
	u64 flags = word & VIB_EXT_PINNED ? VIB_EXT_PINNED | VIB_EXT_BORROWED : 0;

	WARN_ON_ONCE(vib_extents_append(out, vib_ext_pfn(word), n, flags));
	vib_extents_step(ex, &sharing->pos, n);
	sharing->sought_page += n;
	sharing->at += n;
}

/* Inline for the loop of pages_alike(). */
static __always_inline u64 pages_sharable(struct page *page, bool write)
{
	struct page *head;

	/*
	 * If it is only read, GUP, asked to pin it for long, might take a private copy instead; but
	 * a zero page is one on any kernel.
	 */
	if ((!write && !vib_compat_page_anon(page)) || !vib_compat_swap_backed(page))
		return is_zero_pfn(page_to_pfn(page));
	head = compound_head(page);
	return compound_nr(head) - (page - head);
}

u64 vib_pages_sharable(struct page *page, bool write)
{
	return pages_sharable(page, write);
}

/* Return: how many of @nr pages are those of the extent. */
static unsigned int pages_alike(const struct vib_pin *pin, u64 word, struct page **pages,
				unsigned int nr)
{
	struct page *page = pfn_to_page(vib_ext_pfn(word));
	unsigned int i = 0, next = 0;

	nr = min_t(u64, nr, vib_ext_pages(word));
	for (; i < nr && pages[i] == page + i; i++) {
		if (i == next)
			next += pages_sharable(page + i, pin->write);
		if (i == next)
			break;
	}
	return i;
}

static void put_each(struct page **pages, unsigned int nr)
{
	while (nr--)
		put_page(*pages++);
}

/* Drops references to pages that pins hold anyway, those of a compound page together. */
static void put_held(struct page **pages, unsigned int nr)
{
	struct page *head;
	unsigned int n;

	for (; nr; nr -= n, pages += n) {
		head = compound_head(*pages);
		n = min_t(unsigned long, nr, compound_nr(head) - (*pages - head));
		if (pages[n - 1] != *pages + (n - 1))
			n = 1;
		page_ref_sub(head, n);
	}
}

/* Appends those of @got pages that are the same. Return: how many. */
static unsigned int append_same(struct vib_pin *pin, struct vib_extents *out, unsigned int got)
{
	struct vib_sharing *sharing = pin->sharing;
	struct page **pages = pin->pages;
	unsigned int same = 0, n;
	u64 word;

	while (same < got) {
		word = vib_extents_at(&sharing->pos);
		n = word & VIB_EXT_HUGE ? 0 : pages_alike(pin, word, pages + same, got - same);
		if (!n)
			break;
		if (word & VIB_EXT_PINNED)
			put_held(pages + same, n);
		else
			put_each(pages + same, n);
		append_borrowed(sharing, out, n);
		same += n;
		if (n < vib_ext_pages(word))
			break;
	}
	return same;
}

/* Takes small pages. Return: as take_same(). */
static long take_small(struct vib_pin *pin, struct vib_extents *out, unsigned int most)
{
	unsigned int same;
	int got;

	got = vib_extents_reserve(out, most);
	if (got)
		return got;
	got = vib_compat_get_present(pin->vaddr, most, pin->write, pin->pages);
	if (got <= 0)
		return 0;
	same = append_same(pin, out, got);
	put_each(pin->pages + same, got - same);
	return same;
}

/*
 * Takes huge pages as wholes: each is held by one pin, so it has one use. Return: as take_same().
 */
static long take_huge_pages(struct vib_pin *pin, struct vib_extents *out, u64 limit, u64 most)
{
	struct vib_sharing *sharing = pin->sharing;
	struct vib_extents *ex = &sharing->uses->of->extents;
	u64 same, left, n;
	int ret;

	ret = vib_extents_reserve(out, VIB_HUGE_LOOKS);
	if (ret)
		return ret;
	same = vib_huge_same(pin, ex, sharing->pos, limit, most);
	for (left = same; left; left -= n) {
		n = min(left, vib_ext_pages(vib_extents_at(&sharing->pos)));
		append_borrowed(sharing, out, n);
	}
	return same;
}

/* Takes what one entry of the page table maps. Return: as take_same(). */
static noinline long take_entry(struct vib_pin *pin, struct vib_extents *out, u64 word, u64 limit)
{
	u64 same = min(vib_thp_same(pin, word), limit);

	if (!same || !vib_pages_sharable(pfn_to_page(vib_ext_pfn(word)), pin->write))
		return 0;
	if (vib_extents_reserve(out, 1))
		return -ENOMEM;
	append_borrowed(pin->sharing, out, same);
	return same;
}

/*
 * Takes what is the same, at least @most pages if there are as many. Return: how many; 0 if the
 * next page is another one, or not there; -ENOMEM.
 */
static long take_same(struct vib_pin *pin, struct vib_extents *out, u64 most)
{
	struct vib_sharing *sharing = pin->sharing;
	u64 word = vib_extents_at(&sharing->pos);
	u64 limit = latest_end(sharing) - sharing->at;
	long got = take_entry(pin, out, word, limit);

	if (got)
		return got;
	if (word & VIB_EXT_HUGE)
		return take_huge_pages(pin, out, limit, most);
	/* Cleared memory for many pages would cost as much as a few huge pages. */
	if (!pin->pages)
		vib_gup_array(pin);
	return take_small(pin, out, min3(most, limit, (u64)pin->max));
}

/* take_same(), and once more after the page was faulted in. Return: as it, or -EINTR. */
static long fault_and_take(struct vib_pin *pin, struct vib_extents *out, u64 most)
{
	long n = take_same(pin, out, most);
	int ret;

	if (n || pin->faulted == pin->vaddr)
		return n;
	ret = vib_pfnmap_fault(pin);
	if (ret)
		return ret == -EINTR ? ret : 0;
	return take_same(pin, out, most);
}

/* Has another call offered something since the range was searched? */
static bool has_news(const struct vib_sharing *sharing, const struct vib_pin *pin)
{
	return READ_ONCE(pin->owner->pool->latest) != sharing->seen;
}

/* Is there a use that goes on at user page @at, or has one begun? */
static bool has_use(struct vib_sharing *sharing, const struct vib_pin *pin, u64 at)
{
	return sharing->open || ((at >= sharing->until || has_news(sharing, pin)) &&
				 begin_use(sharing, pin, at));
}

bool vib_share_find(struct vib_pin *pin)
{
	struct vib_sharing *sharing = pin->sharing;
	u64 at = pin->vaddr >> PAGE_SHIFT;

	if (at < sharing->at)
		go_back(sharing, at);
	if (sharing->open && at == latest_end(sharing)) {
		sharing->open = false;
		search_anew(sharing, NULL);
	}
	return has_use(sharing, pin, at);
}

long vib_share_take(struct vib_pin *pin, struct vib_extents *out, u64 most)
{
	struct vib_sharing *sharing = pin->sharing;
	u64 at = pin->vaddr >> PAGE_SHIFT;
	long got = 0;

	while (!got && has_use(sharing, pin, at)) {
		got = fault_and_take(pin, out, sharing->fresh ? min_t(u64, most, FIRST) : most);
		sharing->fresh = false;
		if (!got)
			close_latest(sharing, at);
	}
	return got;
}
