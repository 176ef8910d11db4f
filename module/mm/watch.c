// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sole user of MMU notifiers: translates their calls into struct vib_watch_event. Takes mmap_lock
 * for read, and the kernel takes it when a watch is inserted. Knows nothing of mappings or domains.
 */
#include "watch.h"

#include <linux/err.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>

#include "compat/mm.h"
#include "owner.h"

struct vib_watch {
	struct mmu_interval_notifier notifier;
	vib_watch_fn fn;
	void *data;
};

/* Does the event leave the entries in place, with less access? An unknown event does not. */
static bool keeps_entries(enum mmu_notifier_event event)
{
	return event == MMU_NOTIFY_PROTECTION_VMA || event == MMU_NOTIFY_PROTECTION_PAGE ||
	       event == MMU_NOTIFY_SOFT_DIRTY;
}

static bool watch_invalidate(struct mmu_interval_notifier *notifier,
			     const struct mmu_notifier_range *range, unsigned long seq)
{
	struct vib_watch *watch = container_of(notifier, struct vib_watch, notifier);
	struct vib_watch_event event = {
		.start = max(range->start, notifier->interval_tree.start),
		.last = min(range->end - 1, notifier->interval_tree.last),
		.gone = range->event == MMU_NOTIFY_UNMAP || range->event == MMU_NOTIFY_RELEASE,
		.may_sleep = mmu_notifier_range_blockable(range),
		.seq = seq,
	};

	if (keeps_entries(range->event))
		event.start = event.last + 1;
	return watch->fn(watch->data, watch, &event);
}

static const struct mmu_interval_notifier_ops watch_ops = {
	.invalidate = watch_invalidate,
};

/* Takes the tag off an address, as notifiers get it. Return: 0 or -EINTR. */
static int untag_vaddr(struct mm_struct *mm, u64 *vaddr)
{
	if (mm == current->mm) {
		*vaddr = vib_compat_untag_own(*vaddr);
		return 0;
	}
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	*vaddr = vib_compat_untag(mm, *vaddr);
	mmap_read_unlock(mm);
	return 0;
}

struct vib_watch *vib_watch_begin(struct vib_owner *owner, u64 vaddr, u64 size, vib_watch_fn fn,
				  void *data)
{
	struct mm_struct *mm = owner->mm;
	struct vib_watch *watch;
	int ret;

	ret = untag_vaddr(mm, &vaddr);
	if (ret)
		return ERR_PTR(ret);
	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return ERR_PTR(-ENOMEM);
	watch->fn = fn;
	watch->data = data;
	ret = mmu_interval_notifier_insert(&watch->notifier, mm, vaddr, size, &watch_ops);
	if (ret) {
		kfree(watch);
		return ERR_PTR(ret);
	}
	return watch;
}

u64 vib_watch_start(const struct vib_watch *watch)
{
	return watch->notifier.interval_tree.start;
}

void vib_watch_end(struct vib_watch *watch)
{
	if (!watch)
		return;
	mmu_interval_notifier_remove(&watch->notifier);
	kfree(watch);
}

void vib_watch_note(struct vib_watch *watch, const struct vib_watch_event *event)
{
	mmu_interval_set_seq(&watch->notifier, event->seq);
}

void vib_watch_wait(struct vib_watch *watch)
{
	(void)mmu_interval_read_begin(&watch->notifier);
}
