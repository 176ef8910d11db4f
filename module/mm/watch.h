/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watching user addresses: who asked is told before the kernel takes away what stands behind them.
 * For memory that cannot be pinned, that is, device memory in a PFNMAP vma.
 */
#ifndef VIB_WATCH_H
#define VIB_WATCH_H

#include <linux/types.h>

struct vib_owner;
struct vib_watch;

/**
 * struct vib_watch_event - page table entries of a watched range are about to go
 * @start: first user address
 * @last: last user address; both lie in the watched range. Below @start when nothing goes
 * @gone: the addresses go, too (munmap, mremap, exit): what is there later is something else
 * @may_sleep: else the callback must not wait for anybody
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
 * Called, depending on who takes the entries, with mmap_lock, a lock of
 * the vma's file or of its driver held, and in the lockdep context of reclaim: allocates nothing
 * and takes no lock under which anybody allocates, faults or copies. When it returns true, nobody
 * uses the entries any more; false only if it may not sleep and had to.
 */
typedef bool (*vib_watch_fn)(void *data, struct vib_watch *watch,
			     const struct vib_watch_event *event);

/**
 * vib_watch_begin - watch [vaddr, vaddr + size)
 * @owner: whose memory; it is held (vib_owner_hold())
 * @vaddr: first user address; may have a tag
 * @size: bytes
 * @fn: told of every event, until vib_watch_end() returns
 * @data: for @fn
 *
 * Takes mmap_lock, so none of ours and nothing that @fn takes may be held.
 *
 * Return: the watch; ERR_PTR(-ENOMEM), -EINTR, or another errno of the kernel's.
 */
struct vib_watch *vib_watch_begin(struct vib_owner *owner, u64 vaddr, u64 size, vib_watch_fn fn,
				  void *data);

/* First user address, without a tag: what events count from. */
u64 vib_watch_start(const struct vib_watch *watch);

/* Ends it, and waits for a callback under way; NULL is fine. Nothing that it takes may be held. */
void vib_watch_end(struct vib_watch *watch);

/* Every callback calls it once, under the lock that it takes. */
void vib_watch_note(struct vib_watch *watch, const struct vib_watch_event *event);

/*
 * Waits until no entry is being taken. What is read from the page tables after that is either
 * still right when the lock of the callback has been taken, or the callback has been told. The same
 * locking as vib_watch_begin().
 */
void vib_watch_wait(struct vib_watch *watch);

#endif
