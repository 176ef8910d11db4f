// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned memory that mappings of a process share: who uses which part, and who is charged. Knows
 * nothing of how it is pinned or compared (share.c), nor of mappings.
 *
 * There are no counters: whether a page is still needed is asked of the list of uses, which has one
 * for each mapping. So giving back needs no memory, whatever parts the uses are of.
 *
 * Invariants: a page is pinned while a use covers it, and charged to a process, if at all, once,
 * while a use of that process covers it. A use gives back from its end, and covers the rest
 * meanwhile, so exactly one of several that end at once drops a page.
 */
#include "pinned.h"

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pinned_tree.h"
#include "pure/extent_pos.h"
#include "pure/stretch.h"
#include "unpin.h"
#include "unpin_crew.h"

enum {
	WALK_STEP = 4096,		/* extents looked at between two chances to reschedule */
};

/* Which other uses count: all, those of a process, or of these those that came earlier. */
enum others {
	OTHERS_ANY,
	OTHERS_OF,
	OTHERS_EARLIER,
};

/*
 * Return: the start of a part of @use that ends at @end, and that others cover as a whole, or not
 * at all: @covered. The pool's lock is held.
 */
static u64 part_start(const struct vib_use *use, u64 end, enum others who,
		      const struct mm_struct *mm, bool *covered)
{
	u64 cover = end, before = use->first;
	struct vib_use *other;

	lockdep_assert_held(&use->of->pool->lock);
	list_for_each_entry(other, &use->of->uses, node) {
		if (other == use && who == OTHERS_EARLIER)
			break;
		if (other == use || (who != OTHERS_ANY && other->owner->mm != mm))
			continue;
		if (other->end < end)
			before = max(before, other->end);
		else if (other->first < end)
			cover = min(cover, other->first);
	}
	*covered = cover < end;
	return *covered ? max(cover, use->first) : before;
}

static u64 all_pages(const struct vib_pinned *of)
{
	return of->last - of->start + 1;
}

/* Moves on by @pages, no further than the end of the extent. May sleep. */
static void step_extent(struct vib_pinned *of, struct vib_extent_pos *pos, u64 pages)
{
	vib_extents_step(&of->extents, pos, pages);
	if (!(pos->index % WALK_STEP))
		cond_resched();
}

/* Return: how many pages of a part are charged. */
static u64 accounted_in(struct vib_pinned *of, u64 first, u64 end)
{
	struct vib_extent_pos pos;
	u64 sum = 0, word, n;

	if (of->accounted == all_pages(of))
		return end - first;
	if (end - first == all_pages(of))
		return of->accounted;
	pos = vib_extents_seek(&of->extents, first);
	for (; first < end; first += n) {
		word = vib_extents_at(&pos);
		n = min(vib_ext_pages(word), end - first);
		if (word & VIB_EXT_ACCOUNTED)
			sum += n;
		step_extent(of, &pos, n);
	}
	return sum;
}

/* What of a use others do not cover: pages, and those of them that are charged. */
struct alone {
	u64 pages;
	u64 accounted;
};

/* The pool's lock is held. */
static struct alone count_alone(struct vib_use *use, enum others who, const struct mm_struct *mm)
{
	u64 end = use->end, start;
	struct alone alone = {};
	bool covered;

	for (; end > use->first; end = start) {
		start = part_start(use, end, who, mm, &covered);
		if (!covered) {
			alone.pages += end - start;
			alone.accounted += accounted_in(use->of, start, end);
		}
		cond_resched();
	}
	return alone;
}

/* Unpins a part that no use covers. */
static void unpin_pages_of(struct vib_pinned *of, u64 first, u64 end, unsigned int threads)
{
	struct vib_unpinning up = { .dirty = of->write };
	struct vib_extent_pos pos;
	u64 word, n;

	if (end - first == all_pages(of)) {
		vib_unpin_with(&of->extents, all_pages(of), of->write, threads);
		return;
	}
	pos = vib_extents_seek(&of->extents, first);
	for (; first < end; first += n) {
		word = vib_extents_at(&pos);
		n = min(vib_ext_pages(word), end - first);
		vib_unpin_add(&up, vib_ext_make(vib_ext_pfn(word), n, vib_ext_flags(word)));
		step_extent(of, &pos, n);
	}
	vib_unpin_flush(&up);
}

void vib_use_cut(struct vib_use *use, u64 from, unsigned int threads)
{
	struct vib_pinned *of = use->of;
	struct mutex *lock = &of->pool->lock;
	u64 end, start, uncharge = 0;
	bool kept, charged;

	mutex_lock(lock);
	while (use->end > from) {
		end = use->end;
		start = part_start(use, end, OTHERS_ANY, NULL, &kept);
		start = max(start, part_start(use, end, OTHERS_OF, use->owner->mm, &charged));
		start = max(start, from);
		/* From here on nobody counts on this use, so the rest needs no lock. */
		use->end = start;
		mutex_unlock(lock);
		if (!charged)
			uncharge += accounted_in(of, start, end);
		if (!kept)
			unpin_pages_of(of, start, end, threads);
		cond_resched();
		mutex_lock(lock);
	}
	mutex_unlock(lock);
	vib_owner_uncharge(use->owner, uncharge);
}

/* Takes a use that covers nothing out of the list, and frees what it was the last use of. */
static void free_use(struct vib_use *use)
{
	struct vib_pinned *of = use->of;
	struct vib_pool *pool = of->pool;
	bool last;

	/* The object's reference may go while the lock is being dropped. */
	vib_pool_ref(pool);
	mutex_lock(&pool->lock);
	list_del(&use->node);
	of->joined -= use->joined;
	last = list_empty(&of->uses);
	if (last)
		pinned_tree_remove(of, &pool->tree);
	mutex_unlock(&pool->lock);
	if (use != &of->own)
		kfree(use);
	if (last) {
		vib_extents_fini(&of->extents);
		kfree(of);
		vib_pool_put(pool);
	}
	vib_pool_put(pool);
}

void vib_uses_end(struct vib_use *uses, unsigned int threads)
{
	struct vib_use *next;

	for (; uses; uses = next) {
		next = uses->next;
		vib_use_cut(uses, uses->first, threads);
		free_use(uses);
	}
}

/* Adds a use of [first, end), in user pages, to a new object. Return: false without memory. */
static bool add_own(struct vib_pinned *of, u64 first, u64 end)
{
	struct vib_use *use = &of->own;

	if (first == end)
		return true;
	if (!list_empty(&of->uses))
		use = kmalloc(sizeof(*use), GFP_KERNEL_ACCOUNT);
	if (!use)
		return false;
	use->next = NULL;
	use->of = of;
	use->first = first - of->start;
	use->end = end - of->start;
	use->joined = false;
	list_add_tail(&use->node, &of->uses);
	return true;
}

/* Adds uses of all that is not borrowed. Return: false without memory, or if all is. */
static bool add_own_parts(struct vib_pinned *of, const struct vib_use *borrowed)
{
	u64 end = of->last + 1;

	for (; borrowed; borrowed = borrowed->next) {
		if (!add_own(of, borrowed->of->start + borrowed->end, end))
			return false;
		end = borrowed->of->start + borrowed->first;
	}
	return add_own(of, of->start, end) && !list_empty(&of->uses);
}

/* Finds out what there is in the extents, which are many if memory is scattered, in one walk. */
static void describe_extents(struct vib_pinned *of)
{
	struct vib_stretch st;
	u64 seen = 0;
	u32 i;

	of->accounted = 0;
	vib_for_each_stretch(&st, &of->extents, 0, of->extents.nr) {
		for (i = 0; i < st.nr; i++) {
			seen |= st.words[i];
			if (st.words[i] & VIB_EXT_ACCOUNTED)
				of->accounted += vib_ext_pages(st.words[i]);
		}
		if (st.left)
			cond_resched();
	}
	of->huge = seen & VIB_EXT_HUGE;
}

static void free_new(struct vib_pinned *of)
{
	struct vib_use *use, *next;

	list_for_each_entry_safe(use, next, &of->uses, node)
		if (use != &of->own)
			kfree(use);
	vib_pool_put(of->pool);
	kfree(of);
}

/* Gives the uses of a new object to @owner, and links them, @borrowed behind them. */
static void link_own(struct vib_pinned *of, struct vib_owner *owner, struct vib_use *borrowed)
{
	struct vib_use *use, *last = NULL;

	list_for_each_entry(use, &of->uses, node) {
		use->owner = owner;
		if (last)
			last->next = use;
		last = use;
	}
	last->next = borrowed;
}

/*
 * Enters a new object. Return: false if there is one that the mapping has to look at first. Of two
 * calls that do this at a time, the second one sees what the first has entered.
 */
static bool enter_pinned(struct vib_pinned *of, const struct vib_wanted *what)
{
	struct vib_pool *pool = of->pool;
	bool first;

	mutex_lock(&pool->lock);
	first = !vib_pinned_whole(pool, what);
	if (first) {
		of->number = pool->latest + 1;
		WRITE_ONCE(pool->latest, of->number);
		pinned_tree_insert(of, &pool->tree);
	}
	mutex_unlock(&pool->lock);
	return first;
}

struct vib_use *vib_pinned_new(const struct vib_wanted *what, const struct vib_extents *extents,
			       struct vib_use *borrowed)
{
	struct vib_pinned *of = kmalloc(sizeof(*of), GFP_KERNEL_ACCOUNT);

	if (!of)
		return NULL;
	of->start = what->at;
	of->last = what->end - 1;
	of->write = what->write;
	of->extents = *extents;
	describe_extents(of);
	of->pool = vib_pool_ref(what->owner->pool);
	INIT_LIST_HEAD(&of->uses);
	of->joined = 0;
	if (!add_own_parts(of, borrowed)) {
		free_new(of);
		return NULL;
	}
	link_own(of, what->owner, borrowed);
	if (enter_pinned(of, what))
		return &of->own;
	free_new(of);
	return ERR_PTR(-EEXIST);
}

/*
 * Return: for how many pages @to has to be charged if it gets @uses, @own among them. If that is
 * @need, they are its own from here on, and @gone grows by what the old owner is no longer to be
 * charged for. All are of one pool: that of the process that has mapped them.
 */
static u64 try_move(struct vib_use *uses, struct vib_owner *to, u64 own, u64 need, u64 *gone)
{
	struct mutex *lock = &uses->of->pool->lock;
	struct vib_use *use;
	u64 have = own;

	mutex_lock(lock);
	for (use = uses; use; use = use->next)
		have += count_alone(use, OTHERS_OF, to->mm).accounted;
	for (use = have == need ? uses : NULL; use; use = use->next) {
		*gone += count_alone(use, OTHERS_OF, use->owner->mm).accounted;
		use->owner = to;
	}
	mutex_unlock(lock);
	return have;
}

int vib_uses_move(struct vib_use *uses, struct vib_owner *from, struct vib_owner *to, u64 own)
{
	u64 paid = 0, last = U64_MAX, need, gone = own;
	int ret = 0;

	/* Others that come and go meanwhile pay, or are paid, for theirs. */
	while ((need = try_move(uses, to, own, paid, &gone)) != paid) {
		if (need < paid) {
			vib_owner_uncharge(to, paid - need);
			paid = need;
			continue;
		}
		/* After -ENOMEM only if somebody else has paid for a part meanwhile. */
		if (ret && need >= last)
			goto give_back;
		last = need;
		ret = vib_owner_charge(to, need - paid);
		if (!ret)
			paid = need;
		else if (ret != -ENOMEM)
			goto give_back;
	}
	vib_owner_uncharge(from, gone);
	return 0;

give_back:
	vib_owner_uncharge(to, paid);
	return ret;
}

void vib_use_count(struct vib_use *use, struct vib_use_counts *counts)
{
	struct vib_pinned *of = use->of;

	mutex_lock(&of->pool->lock);
	if (use == list_first_entry(&of->uses, struct vib_use, node))
		counts->metadata += sizeof(*of) + vib_extents_bytes(&of->extents);
	if (use != &of->own)
		counts->metadata += sizeof(*use);
	counts->accounted += count_alone(use, OTHERS_EARLIER, use->owner->mm).accounted;
	counts->shared += use->end - use->first - count_alone(use, OTHERS_ANY, NULL).pages;
	mutex_unlock(&of->pool->lock);
}
