/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watching user addresses: calls a function before the kernel takes away what stands behind them.
 * For memory that cannot be pinned: device memory in a PFNMAP vma.
 */
#ifndef VIB_WATCH_H
#define VIB_WATCH_H

#include <linux/types.h>

struct vib_owner;
struct vib_watch;

/**
 * struct vib_watch_event - page table entries of a watched range are about to go
 * @start: first user address
 * @last: last user address; both lie in the watched range. @last < @start if no entry goes
 * @gone: the addresses end, too (munmap, mremap, exit): what is there later is something else
 * @may_sleep: if not set, the callback must not wait
 * @seq: for vib_watch_note()
 */
struct vib_watch_event {
	u64 start;
	u64 last;
	bool gone;
	bool may_sleep;
	unsigned long seq;
};

/*
 * The callback. Depending on who takes the entries, mmap_lock, or a lock of the vma's file or of
 * its driver, is held, and lockdep sees it as called from reclaim: so it must not allocate, nor
 * take a lock under which anything allocates, faults or copies. Return: true when nothing uses the
 * entries any more; false only if it may not sleep and would have to.
 */
typedef bool (*vib_watch_fn)(void *data, struct vib_watch *watch,
			     const struct vib_watch_event *event);

/**
 * vib_watch_begin - watch [vaddr, vaddr + size)
 * @owner: process whose memory it is; held (vib_owner_hold())
 * @vaddr: first user address; may have a tag
 * @size: bytes
 * @fn: called for every event, until vib_watch_end() returns
 * @data: for @fn
 *
 * Takes mmap_lock, so none of ours and nothing that @fn takes may be held.
 *
 * Return: the watch; ERR_PTR(-ENOMEM), -EINTR, or another errno of the kernel's.
 */
struct vib_watch *vib_watch_begin(struct vib_owner *owner, u64 vaddr, u64 size, vib_watch_fn fn,
				  void *data);

/* Return: the first user address, without a tag, as in events. */
u64 vib_watch_start(const struct vib_watch *watch);

/* Ends a watch, or NULL. Waits for a callback under way, so no lock that it takes may be held. */
void vib_watch_end(struct vib_watch *watch);

/* To be called once by every callback, under the lock that the callback takes. */
void vib_watch_note(struct vib_watch *watch, const struct vib_watch_event *event);

/*
 * Waits until no entry is being taken. If an entry that is read after that is taken later, the
 * callback is called: so a reader that takes the callback's lock either finds the entry still valid
 * or learns of the event. Locking as for vib_watch_begin().
 */
void vib_watch_wait(struct vib_watch *watch);

#endif
