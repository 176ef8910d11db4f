// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes device memory of mappings out of the domains when the kernel takes it from the client, as
 * mm/watch.h reports, and keeps that apart from fills. Knows nothing of who takes it or why, and
 * calls nothing that fills: what does stands above it.
 *
 * The kernel also reclaims ordinary memory in the watched range, and a fill may have to wait for
 * that reclaim. So the callback waits for fills only if device memory goes (@device).
 *
 * If a page of an extent goes, the whole extent becomes a hole, as IOMMU pages cannot be split; the
 * worker fills the rest again at once (bar_restore.c). A page whose user address has ended is
 * marked in @gone for good.
 *
 * Invariant: with bars_lock held and no fill under way, every domain holds exactly the extents of
 * an entered mapping that are no holes, and its device memory is that behind the user address.
 */
#include "bar.h"

#include <linux/bitmap.h>
#include <linux/workqueue.h>

#include "bar_state.h"
#include "compat/zap.h"
#include "extent_walk.h"
#include "iommu/domain_unfill.h"
#include "mm/watch.h"
#include "trace/trace.h"
#include "trace/window.h"

enum {
	/* The pause before what was taken is faulted in: doubled up to 4 s. */
	DOUBLED_MAX = VIB_COMPAT_ZAPS_AGAIN ? 11 : 0,
};

static struct workqueue_struct *restorers;

int vib_bars_init(void)
{
	/* Faults may hang: those of a few containers must not hold up all others. */
	restorers = alloc_workqueue("vib_restore", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return restorers ? 0 : -ENOMEM;
}

void vib_bars_fini(void)
{
	destroy_workqueue(restorers);
}

void vib_bar_queue(struct vib_bar *bar, unsigned int delay)
{
	lockdep_assert_held(&bar->ioas->bars_lock);
	if (!bar->live || bar->left || bar->stuck)
		return;
	bar->delay = min_t(unsigned int, delay, VIB_RESTORE_MAX);
	mod_delayed_work(restorers, &bar->work, msecs_to_jiffies(delay));
}

/* Return: index of the mapping's page at a user address. */
static u64 bar_page(const struct vib_bar *bar, u64 vaddr)
{
	return (vaddr - bar->base) >> PAGE_SHIFT;
}

/* Is device memory that the event is about in the domains, or about to be? */
static bool event_concerns(const struct vib_bar *bar, const struct vib_watch_event *event)
{
	u64 end = bar_page(bar, event->last) + 1;

	lockdep_assert_held(&bar->ioas->bars_lock);
	return find_next_bit(bar->device, end, bar_page(bar, event->start)) < end;
}

/* Marks the addresses of the event as ended: what is there later is something else. */
static void forget_device(struct vib_bar *bar, const struct vib_watch_event *event)
{
	u64 first = bar_page(bar, event->start);

	if (event->gone)
		bitmap_clear(bar->device, first, bar_page(bar, event->last) - first + 1);
}

/* Waits for fills to end, dropping bars_lock. Return: false if it would have to and must not. */
static bool wait_fills(struct vib_bar *bar, bool may_sleep)
{
	struct vib_ioas *ioas = bar->ioas;

	lockdep_assert_held(&ioas->bars_lock);
	while (bar->filling || ioas->bars_frozen) {
		if (!may_sleep)
			return false;
		WRITE_ONCE(ioas->bars_waiting, ioas->bars_waiting + 1);
		mutex_unlock(&ioas->bars_lock);
		wait_event(ioas->bars_wait,
			   !READ_ONCE(bar->filling) && !READ_ONCE(ioas->bars_frozen));
		mutex_lock(&ioas->bars_lock);
		WRITE_ONCE(ioas->bars_waiting, ioas->bars_waiting - 1);
		/* Who freezes comes behind us: it takes the lock first. */
		wake_up_all(&ioas->bars_wait);
	}
	return true;
}

/* Is the extent device memory that does not end before @start? */
static bool walk_concerns(const struct vib_extent_walk *walk, u64 start)
{
	return walk->iova + (vib_walk_size(walk) - 1) >= start &&
	       vib_ext_is_device(vib_walk_ext(walk));
}

/* Takes it out of one domain and flushes. Return: false if the driver did not take out some. */
static bool unfill_device(struct vib_bar *bar, struct vib_domain *dom, u64 start, u64 last)
{
	struct vib_extent_walk walk;
	struct vib_unfill unfill;
	unsigned int syncs;

	vib_unfill_begin(&unfill, dom);
	vib_for_each_extent_near(bar->map, &walk, start, last)
		if (walk_concerns(&walk, start))
			vib_unfill_range(&unfill, walk.iova, vib_walk_size(&walk));
	syncs = vib_unfill_sync(&unfill);
	trace_vib_sync(bar->ioas->handle, dom->id, start, last, syncs);
	return vib_stuck_none(&unfill.stuck);
}

u64 vib_bar_revoke(struct vib_bar *bar, u64 start, u64 last)
{
	struct vib_extent_walk walk;
	struct vib_domain *dom;
	u64 pages = 0;

	lockdep_assert_held(&bar->ioas->bars_lock);
	vib_for_each_extent_near(bar->map, &walk, start, last)
		if (walk_concerns(&walk, start))
			pages += vib_ext_pages(vib_walk_ext(&walk));
	if (!pages)
		return 0;
	bar->holes = true;
	list_for_each_entry(dom, &bar->ioas->domains, node)
		bar->stuck |= !unfill_device(bar, dom, start, last);
	trace_vib_revoke(bar->ioas->handle, start, last, pages);
	/* Stuck ones, too: nobody tries again what a driver refused, nor fills it a second time. */
	vib_for_each_extent_near(bar->map, &walk, start, last)
		if (walk_concerns(&walk, start))
			vib_walk_punch(&walk);
	return pages;
}

/* Notes what goes, because it may have been read and not be filled yet. */
static void note_zap(struct vib_bar *bar, const struct vib_watch_event *event)
{
	u64 first = bar_page(bar, event->start), end = bar_page(bar, event->last) + 1;

	bar->zapped.start = min(bar->zapped.start, event->start);
	bar->zapped.last = max(bar->zapped.last, event->last);
	if (!event->gone)
		return;
	bitmap_set(bar->gone, first, end - first);
	bar->gone_end = max(bar->gone_end, end);
}

/* What ends with its user address is taken from nobody who might ask for it again. */
static void note_shaken(struct vib_bar *bar, bool gone)
{
	WRITE_ONCE(bar->shaken, true);
	if (gone)
		return;
	vib_pace_take(&bar->ioas->pace, vib_bar_now(), bar->asked, bar->faulted, DOUBLED_MAX);
	bar->asked = false;
}

/* Takes what goes out of the domains. Return: false if that would have to wait and must not. */
static bool revoke_event(struct vib_bar *bar, const struct vib_watch *watch,
			 const struct vib_watch_event *event)
{
	u64 start = bar->map->span.start + (event->start - bar->base);
	u64 last = start + (event->last - event->start);

	if (event->start > event->last)
		return true;
	/* While the client has taken the address back, its end does not matter. */
	if (bar->left && event->gone) {
		forget_device(bar, event);
		return true;
	}
	note_zap(bar, event);
	if (!event_concerns(bar, event))
		return true;
	note_shaken(bar, event->gone);
	if (!wait_fills(bar, event->may_sleep))
		return false;
	/* The mapping has got another address meanwhile, and vib_bar_move() compares. */
	if (watch != bar->watch)
		return true;
	if (vib_bar_revoke(bar, start, last))
		vib_bar_queue(bar, VIB_RESTORE_FIRST);
	forget_device(bar, event);
	return true;
}

bool vib_bar_event(void *data, struct vib_watch *watch, const struct vib_watch_event *event)
{
	struct vib_bar *bar = data;
	struct mutex *lock = &bar->ioas->bars_lock;
	bool done;

	if (event->may_sleep)
		mutex_lock(lock);
	else if (!mutex_trylock(lock))
		return false;
	vib_watch_note(watch, event);
	/* The watch is new, and nothing was read behind it yet, or has been replaced. */
	done = watch != bar->watch || revoke_event(bar, watch, event);
	mutex_unlock(lock);
	return done;
}

void vib_bar_look(struct vib_bar *bar)
{
	mutex_lock(&bar->ioas->bars_lock);
	vib_bar_clear_zapped(bar);
	mutex_unlock(&bar->ioas->bars_lock);
	vib_watch_wait(bar->watch);
}

void vib_bar_note_device(struct vib_bar *bar, u64 iova, u64 ext)
{
	lockdep_assert_held(&bar->ioas->bars_lock);
	bitmap_set(bar->device, (iova - bar->map->span.start) >> PAGE_SHIFT, vib_ext_pages(ext));
}

/*
 * Turns those of @nr extents, read and to be filled at @iova, that the kernel or the client has
 * taken since into holes. The rest is about to be filled: from here on, a callback for it waits.
 */
static void punch_zapped(struct vib_bar *bar, struct vib_extents *ex, u32 nr, u64 iova)
{
	u64 offset = bar->base - bar->map->span.start;
	struct vib_stretch st;
	u64 *word, size;

	vib_for_each_stretch(&st, ex, 0, nr)
		for (word = st.words; word < st.words + st.nr; word++, iova += size) {
			size = vib_ext_pages(*word) << PAGE_SHIFT;
			if (!vib_ext_is_device(*word))
				continue;
			if (!bar->left && !vib_bar_zapped(bar, iova + offset, size)) {
				vib_bar_note_device(bar, iova, *word);
				continue;
			}
			*word = vib_ext_make(VIB_EXT_HOLE, vib_ext_pages(*word), 0);
			bar->holes = true;
		}
}

void __vib_bar_fill_begin(struct vib_mapping *map, struct vib_extents *batch, u32 nr, u64 iova)
{
	struct vib_bar *bar = map->bar;

	lockdep_assert_held(&bar->ioas->domains_rwsem);
	mutex_lock(&bar->ioas->bars_lock);
	punch_zapped(bar, batch, nr, iova);
	WRITE_ONCE(bar->filling, true);
	bar->entered = true;
	mutex_unlock(&bar->ioas->bars_lock);
}

/* Lets callbacks go on that wait for a fill, which has ended. */
static void wake_callbacks(struct vib_ioas *ioas)
{
	if (wq_has_sleeper(&ioas->bars_wait))
		wake_up_all(&ioas->bars_wait);
}

void __vib_bar_fill_end(struct vib_mapping *map)
{
	struct vib_bar *bar = map->bar;

	mutex_lock(&bar->ioas->bars_lock);
	WRITE_ONCE(bar->filling, false);
	mutex_unlock(&bar->ioas->bars_lock);
	wake_callbacks(bar->ioas);
}

void vib_bar_adopt(struct vib_mapping *map)
{
	struct vib_bar *bar = vib_mapping_bar(map);

	if (!bar || bar->entered)
		return;
	mutex_lock(&bar->ioas->bars_lock);
	punch_zapped(bar, &map->extents, map->extents.nr, map->span.start);
	bar->entered = true;
	mutex_unlock(&bar->ioas->bars_lock);
}

void __vib_bar_live(struct vib_mapping *map)
{
	struct vib_bar *bar = map->bar;

	mutex_lock(&bar->ioas->bars_lock);
	WRITE_ONCE(bar->filling, false);
	bar->live = true;
	if (bar->holes)
		vib_bar_queue(bar, VIB_RESTORE_FIRST);
	mutex_unlock(&bar->ioas->bars_lock);
	wake_callbacks(bar->ioas);
}

void vib_bar_stop(struct vib_bar *bar)
{
	mutex_lock(&bar->ioas->bars_lock);
	bar->live = false;
	mutex_unlock(&bar->ioas->bars_lock);
	cancel_delayed_work_sync(&bar->work);
}

void vib_bars_freeze(struct vib_ioas *ioas)
{
	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->bars_lock);
	/*
	 * Callbacks that have waited come first, or one might wait on and on where each thaw is
	 * followed by a freeze. Nothing is being filled now, so none begins to wait. They end, as
	 * they need bars_lock alone; what keeps them from a CPU holds up the container, too.
	 */
	while (ioas->bars_waiting) {
		mutex_unlock(&ioas->bars_lock);
		wait_event(ioas->bars_wait, !READ_ONCE(ioas->bars_waiting));
		mutex_lock(&ioas->bars_lock);
	}
	WRITE_ONCE(ioas->bars_frozen, true);
	mutex_unlock(&ioas->bars_lock);
}

void vib_bars_thaw(struct vib_ioas *ioas)
{
	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->bars_lock);
	WRITE_ONCE(ioas->bars_frozen, false);
	mutex_unlock(&ioas->bars_lock);
	wake_up_all(&ioas->bars_wait);
}
