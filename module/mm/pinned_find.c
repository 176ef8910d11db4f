// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds pinned memory that a mapping may share, by user address. Knows nothing of which pages are
 * there now. Invariant: a part that is offered is covered by uses of the process that asks, so it
 * is pinned, and charged to that process.
 */
#include "pinned.h"

#include "pinned_tree.h"
#include "pure/extent_pos.h"
#include "unpin.h"

/* Return: the page behind what uses of the pool's process cover from @page on; @page if nothing. */
static u64 cover_end(const struct vib_pinned *of, u64 page)
{
	struct vib_use *use;
	bool more;

	lockdep_assert_held(&of->pool->lock);
	do {
		more = false;
		list_for_each_entry(use, &of->uses, node) {
			if (use->owner->mm != of->pool->mm || use->first > page || use->end <= page)
				continue;
			page = use->end;
			more = true;
		}
	} while (more);
	return page;
}

/* Return: the first page from @page on that a use of the pool's process covers, or U64_MAX. */
static u64 cover_start(const struct vib_pinned *of, u64 page)
{
	struct vib_use *use;
	u64 start = U64_MAX;

	list_for_each_entry(use, &of->uses, node)
		if (use->owner->mm == of->pool->mm && use->end > page)
			start = min(start, max(use->first, page));
	return start;
}

/*
 * Return: how many pages of the same huge page of hugetlb are before @page; its pages are held by
 * one pin, so they have the same uses. @covered is @page or the one before, whichever is covered.
 * Adds to @rest how many come after.
 */
static u64 pages_into_huge(struct vib_pinned *of, u64 page, u64 covered, u64 *rest)
{
	struct vib_extent_pos pos;
	u64 word, pfn, nr, into;

	if (!of->huge)
		return 0;
	pos = vib_extents_seek(&of->extents, page);
	if (!pos.skip)
		return 0;
	word = *pos.word;
	if (!(word & VIB_EXT_HUGE))
		return 0;
	pfn = vib_ext_pfn(word) + pos.skip;
	nr = vib_huge_pages(pfn_to_page(pfn - (page - covered)));
	into = min(pfn & (nr - 1), pos.skip);
	if (into)
		*rest += min(nr - (pfn & (nr - 1)), vib_ext_pages(word) - pos.skip);
	return into;
}

/*
 * Finds what can be shared of one object: the first run from wanted->at on, in user pages. Return:
 * false if there is none.
 */
static bool find_run(struct vib_pinned *of, const struct vib_wanted *wanted, u64 *first, u64 *end)
{
	u64 page = max(wanted->at, of->start) - of->start, unused = 0, rest = 0;

	if (of->joined >= VIB_USES_MAX || (wanted->write && !of->write))
		return false;
	page = cover_start(of, page);
	if (page > of->last - of->start)
		return false;
	pages_into_huge(of, page, page, &rest);
	page += rest;
	*first = of->start + page;
	*end = min(of->start + cover_end(of, page), wanted->end);
	if (*end <= *first)
		return false;
	*end -= pages_into_huge(of, *end - of->start, *end - of->start - 1, &unused);
	return *end > *first;
}

/* Return: the latest object with a run at wanted->at, and where that ends; or NULL. */
static struct vib_pinned *find_latest(struct vib_pool *pool, struct vib_wanted *wanted, u64 *stop)
{
	struct vib_pinned *of, *latest = NULL;
	u64 first, end;

	lockdep_assert_held(&pool->lock);
	wanted->found = wanted->end;
	for (of = pinned_tree_iter_first(&pool->tree, wanted->at, wanted->end - 1); of;
	     of = pinned_tree_iter_next(of, wanted->at, wanted->end - 1)) {
		/* The rest begins behind what was found. */
		if (of->start > wanted->at && of->start >= wanted->found)
			break;
		cond_resched();
		if (!find_run(of, wanted, &first, &end))
			continue;
		wanted->found = min(wanted->found, first);
		if (first != wanted->at || of->number >= wanted->before || of == wanted->except ||
		    (latest && of->number < latest->number))
			continue;
		*stop = end;
		latest = of;
	}
	return latest;
}

/* Makes @use one of the part up to user page @end. */
static void add_joined(struct vib_pinned *of, const struct vib_wanted *wanted, u64 end,
		       struct vib_use *use)
{
	lockdep_assert_held(&of->pool->lock);
	use->of = of;
	use->owner = wanted->owner;
	use->first = wanted->at - of->start;
	use->end = end - of->start;
	list_add_tail(&use->node, &of->uses);
	of->joined++;
	use->joined = true;
}

bool vib_use_join(struct vib_wanted *wanted, struct vib_use *use)
{
	struct vib_pool *pool = wanted->owner->pool;
	struct vib_pinned *of;
	u64 stop = 0;

	mutex_lock(&pool->lock);
	of = find_latest(pool, wanted, &stop);
	if (of && use)
		add_joined(of, wanted, stop, use);
	mutex_unlock(&pool->lock);
	return of;
}

struct vib_pinned *vib_pinned_whole(struct vib_pool *pool, const struct vib_wanted *wanted)
{
	struct vib_pinned *of, *earliest = NULL;
	u64 first, end;

	lockdep_assert_held(&pool->lock);
	if (pool->latest <= wanted->after)
		return NULL;
	for (of = pinned_tree_iter_first(&pool->tree, wanted->at, wanted->end - 1);
	     of && of->start <= wanted->at;
	     of = pinned_tree_iter_next(of, wanted->at, wanted->end - 1)) {
		cond_resched();
		if (of->number > wanted->after &&
		    (!earliest || of->number < earliest->number) &&
		    find_run(of, wanted, &first, &end) &&
		    first == wanted->at && end == wanted->end)
			earliest = of;
	}
	return earliest;
}

bool vib_use_join_whole(struct vib_wanted *wanted, struct vib_use *use)
{
	struct vib_pool *pool = wanted->owner->pool;
	struct vib_pinned *of;

	mutex_lock(&pool->lock);
	of = vib_pinned_whole(pool, wanted);
	if (of) {
		add_joined(of, wanted, wanted->end, use);
		wanted->after = of->number;
	}
	mutex_unlock(&pool->lock);
	return of;
}
