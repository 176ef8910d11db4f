// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an emulated device does when it is ordered to (mock_emulated.h): it pins pages, copies, and
 * reacts to unmaps, also in ways a driver must not. What it has pinned is unpinned at the latest
 * when it is closed. Knows nothing of how VFIO is asked: see device.h.
 *
 * Invariant: each entry of the list of a device is one page pinned once. Its mutex may be taken
 * inside a notice of an unmap, so VFIO is never called with it held.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "device.h"

#define MAX_PAGES 1024

/* How long MOCK_SLOW waits to be told: longer than any test does. */
#define SLOW_MS 60000

struct held {
	struct list_head node;
	u64 iova;
	struct page *page;
};

/* The newest page held in [iova, last], or NULL. The lock is held. */
static struct held *find(struct mock *mock, u64 iova, u64 last)
{
	struct held *held;

	list_for_each_entry(held, &mock->held, node)
		if (held->iova >= iova && held->iova <= last)
			return held;
	return NULL;
}

/* Takes what find() finds out of the list. */
static struct held *take(struct mock *mock, u64 iova, u64 last)
{
	struct held *held;

	mutex_lock(&mock->lock);
	held = find(mock, iova, last);
	if (held) {
		list_del(&held->node);
		mock->told.held--;
	}
	mutex_unlock(&mock->lock);
	return held;
}

/* Unpins one page in [iova, last]; false if there is none. */
static bool unpin_one(struct mock *mock, u64 iova, u64 last)
{
	struct held *held = take(mock, iova, last);

	if (!held)
		return false;
	mock_vfio_unpin(mock, held->iova, 1);
	kfree(held);
	return true;
}

static void hold(struct mock *mock, struct held *held, u64 iova, struct page *page)
{
	held->iova = iova;
	held->page = page;
	mutex_lock(&mock->lock);
	list_add(&held->node, &mock->held);
	mock->told.held++;
	mutex_unlock(&mock->lock);
}

/* Room for @n entries, linked in @list, before anything is pinned. */
static int make_room(struct list_head *list, u32 n)
{
	struct held *held;

	while (n--) {
		held = kzalloc(sizeof(*held), GFP_KERNEL);
		if (!held)
			return -ENOMEM;
		list_add(&held->node, list);
	}
	return 0;
}

static void drop_room(struct list_head *list)
{
	struct held *held, *next;

	list_for_each_entry_safe(held, next, list, node)
		kfree(held);
}

static u32 times_told(struct mock *mock)
{
	return READ_ONCE(mock->told.calls);
}

/* A driver that is slow: between VFIO's answer and its own list it is told of an unmap. */
static void be_slow(struct mock *mock, u32 told)
{
	if (READ_ONCE(mock->reaction.flags) & MOCK_SLOW)
		wait_event_timeout(mock->wait, times_told(mock) != told, msecs_to_jiffies(SLOW_MS));
}

/* Pins in one call: 0, or what VFIO says. A short success counts as -EIO. */
static int pin(struct mock *mock, const struct mock_range *range)
{
	u32 n = min_t(u32, range->npages, MAX_PAGES), told = times_told(mock);
	struct page **pages;
	LIST_HEAD(room);
	int ret, i;

	pages = kcalloc(MAX_PAGES, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	ret = make_room(&room, n);
	if (ret)
		goto free;
	ret = mock_vfio_pin(mock, range, pages);
	be_slow(mock, told);
	for (i = 0; i < ret; i++) {
		struct held *held = list_first_entry(&room, struct held, node);

		list_del(&held->node);
		hold(mock, held, range->iova + ((u64)i << PAGE_SHIFT), pages[i]);
	}
	if (ret >= 0)
		ret = ret == range->npages ? 0 : -EIO;
free:
	drop_room(&room);
	kfree(pages);
	return ret;
}

/* In one call, each page once; -ENOENT with what is before the first that is not held. */
static int unpin(struct mock *mock, const struct mock_range *range)
{
	struct held *held;
	u32 n;

	for (n = 0; n < range->npages; n++) {
		u64 iova = range->iova + ((u64)n << PAGE_SHIFT);

		held = take(mock, iova, iova);
		if (!held)
			break;
		kfree(held);
	}
	if (n)
		mock_vfio_unpin(mock, range->iova, n);
	return n == range->npages ? 0 : -ENOENT;
}

static int copy(struct mock *mock, const struct mock_rw *rw)
{
	void __user *user = u64_to_user_ptr(rw->data);
	void *buf;
	int ret = 0;

	if (rw->size > MOCK_RW_MAX)
		return -EINVAL;
	buf = kvzalloc(rw->size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (rw->write && copy_from_user(buf, user, rw->size))
		ret = -EFAULT;
	if (!ret)
		ret = mock_vfio_rw(mock, rw->iova, buf, rw->size, rw->write);
	if (!ret && !rw->write && copy_to_user(user, buf, rw->size))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

/* The mock is for 64-bit kernels, where every page has an address. */
static int access_word(struct mock *mock, struct mock_word *word)
{
	struct held *held;
	u64 *at;

	mutex_lock(&mock->lock);
	held = find(mock, word->iova, word->iova);
	if (held) {
		at = page_address(held->page);
		if (word->write)
			*at = word->value;
		else
			word->value = *at;
	}
	mutex_unlock(&mock->lock);
	return held ? 0 : -ENOENT;
}

static void tell(struct mock *mock, struct mock_told *told)
{
	mutex_lock(&mock->lock);
	*told = mock->told;
	told->mm_locked = READ_ONCE(mock->mm_locked);
	mutex_unlock(&mock->lock);
}

static void react(struct mock *mock, const struct mock_reaction *reaction)
{
	mutex_lock(&mock->lock);
	mock->reaction = *reaction;
	mutex_unlock(&mock->lock);
}

static int lock_mm(struct mock *mock)
{
	int ret;

	mmap_write_lock(current->mm);
	WRITE_ONCE(mock->mm_locked, true);
	ret = wait_event_killable(mock->wait, !READ_ONCE(mock->mm_locked));
	mmap_write_unlock(current->mm);
	return ret ? -EINTR : 0;
}

static void unlock_mm(struct mock *mock)
{
	WRITE_ONCE(mock->mm_locked, false);
	wake_up_all(&mock->wait);
}

/* The argument of any of our ioctls. */
union argument {
	struct mock_range range;
	struct mock_rw rw;
	struct mock_word word;
	struct mock_reaction reaction;
	struct mock_told told;
};

static int obey(struct mock *mock, unsigned int cmd, union argument *arg)
{
	switch (cmd) {
	case MOCK_PIN:
		return pin(mock, &arg->range);
	case MOCK_UNPIN:
		return unpin(mock, &arg->range);
	case MOCK_RW:
		return copy(mock, &arg->rw);
	case MOCK_WORD:
		return access_word(mock, &arg->word);
	case MOCK_REACT:
		react(mock, &arg->reaction);
		return 0;
	case MOCK_TOLD:
		tell(mock, &arg->told);
		return 0;
	case MOCK_LOCK_MM:
		return lock_mm(mock);
	case MOCK_UNLOCK_MM:
		unlock_mm(mock);
		return 0;
	}
	return -ENOTTY;
}

long mock_ioctl(struct mock *mock, unsigned int cmd, unsigned long user)
{
	union argument arg = {};
	size_t size = _IOC_SIZE(cmd);
	int ret;

	if (_IOC_TYPE(cmd) != 'E' || size > sizeof(arg))
		return -ENOTTY;
	if (copy_from_user(&arg, (void __user *)user, size))
		return -EFAULT;
	ret = obey(mock, cmd, &arg);
	if (!ret && _IOC_DIR(cmd) & _IOC_READ && copy_to_user((void __user *)user, &arg, size))
		return -EFAULT;
	return ret;
}

/* Whatever else it is told to do comes first: a driver may be busy when the notice comes. */
void mock_unmapped(struct mock *mock, u64 iova, u64 size)
{
	struct mock_range range = { .npages = 1, .prot = IOMMU_READ };
	struct mock_reaction reaction;
	int pin_ret = 0, rw_ret = 0;
	u64 word;

	mutex_lock(&mock->lock);
	reaction = mock->reaction;
	mutex_unlock(&mock->lock);
	range.iova = reaction.iova;
	if (reaction.flags & MOCK_PIN_THERE)
		pin_ret = pin(mock, &range);
	if (reaction.flags & MOCK_RW_THERE)
		rw_ret = mock_vfio_rw(mock, reaction.iova, &word, sizeof(word), false);
	mutex_lock(&mock->lock);
	WRITE_ONCE(mock->told.calls, mock->told.calls + 1);
	mock->told.iova = iova;
	mock->told.size = size;
	mock->told.pin_ret = pin_ret;
	mock->told.rw_ret = rw_ret;
	mutex_unlock(&mock->lock);
	wake_up_all(&mock->wait);
	while (!(reaction.flags & MOCK_KEEP) && unpin_one(mock, iova, iova + (size - 1)))
		;
}

/* What it has pinned stays pinned, and nobody knows of it any more. */
static void forget_all(struct mock *mock)
{
	mutex_lock(&mock->lock);
	drop_room(&mock->held);
	INIT_LIST_HEAD(&mock->held);
	mutex_unlock(&mock->lock);
}

/* What it is told from now on shows when it is opened again. */
void mock_closed(struct mock *mock)
{
	if (mock->reaction.flags & MOCK_FORGET)
		forget_all(mock);
	while (unpin_one(mock, 0, U64_MAX))
		;
	memset(&mock->reaction, 0, sizeof(mock->reaction));
	memset(&mock->told, 0, sizeof(mock->told));
}

void mock_init(struct mock *mock)
{
	mutex_init(&mock->lock);
	init_waitqueue_head(&mock->wait);
	INIT_LIST_HEAD(&mock->held);
}
