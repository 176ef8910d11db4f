/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The populate crew: threads that fault untouched memory in, ahead of a caller that pins a large
 * range of its own memory. Only that: pinning, charging, order and errno stay the caller's.
 *
 * Locking: all functions may sleep and take mmap_lock for read, so none of ours may be held.
 */
#ifndef VIB_CREW_H
#define VIB_CREW_H

#include <linux/cpumask.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "params.h"

struct vib_pin;

enum {
	/* Pages of a range for each helper: fewer do not pay for its coming and going. */
	VIB_CREW_PAGES = SZ_128M >> PAGE_SHIFT,
};

/**
 * struct vib_crew - the threads that help one caller, and what they have to do
 * @mm: whose memory it is; the caller's
 * @caller: the thread that pins
 * @cpus: where helpers may run
 * @wanted: helpers to start when there is something to do
 * @started: helpers in @helper
 * @helper: the helpers; a reference is held on each
 * @chunk: bytes that a thread takes at a time; a power of two
 * @stop: first user address behind the range
 * @populated: the caller does not look for work before it pins here
 * @seen: page faults that the caller had when it last looked
 * @pages: for the tracepoint: pages that somebody took to populate
 * @wait: for chunks to take, and for chunks that are done
 * @lock: protects what is below
 * @next: first user address that nobody has taken
 * @open: first user address that may not be taken yet
 * @busy: chunks that are being populated, of even windows and of odd ones
 * @faults: page faults that populating took, the same
 * @failed: some memory cannot be populated, which is the caller's to find out
 */
struct vib_crew {
	struct mm_struct *mm;
	struct task_struct *caller;
	cpumask_var_t cpus;
	unsigned int wanted;
	unsigned int started;
	struct task_struct *helper[VIB_MAP_THREADS - 1];
	u64 chunk;
	u64 stop;
	u64 populated;
	u64 seen;
	u64 pages;
	wait_queue_head_t wait;
	spinlock_t lock;
	u64 next;
	u64 open;
	unsigned int busy[2];
	u64 faults[2];
	bool failed;
};

/*
 * Sets up pin->crew for the range that @pin is about to pin, with at most @threads threads, the
 * caller among them. Leaves it NULL where a crew would not help, or could not follow the caller's
 * scheduling or memory policy. No thread is started before untouched memory is met. Undone by
 * vib_crew_end().
 */
void vib_crew_begin(struct vib_crew *crew, struct vib_pin *pin, unsigned int threads);

/*
 * To be called before memory at @vaddr is pinned: if what was pinned last was untouched, all
 * threads populate a window of the range from here on. Returns early, also on a fatal signal.
 */
void vib_crew_advance(struct vib_crew *crew, u64 vaddr);

/* Ends all helpers and waits for them; cannot fail. */
void vib_crew_end(struct vib_crew *crew);

#endif
