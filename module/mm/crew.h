/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The populate crew: threads that fault untouched memory in, ahead of a caller that pins a large
 * range of its own memory. Only that: pinning, charging, order and errno stay the caller's.
 *
 * Locking: all functions may sleep and take mmap_lock for read, so none of ours may be held.
 */
#ifndef VIB_CREW_H
#define VIB_CREW_H

#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "helpers.h"

struct vib_pin;

/* Fewer pages never pay for helpers; crew.c has when these do. */
enum { VIB_CREW_PAGES = SZ_256M >> PAGE_SHIFT };

/**
 * struct vib_crew - the threads that help one caller, and what they have to do
 * @mm: whose memory it is; the caller's
 * @helpers: those beside the caller
 * @threads: at most as many, the caller among them
 * @wanted: helpers to call while there is something to do; 0 until untouched memory is met
 * @chunk: bytes that a thread takes at a time; a power of two
 * @stop: first user address behind the range
 * @populated: the caller does not look for work before it pins here
 * @seen: page faults that the caller had when it last looked
 * @met: chunks in a row that the caller had page faults in
 * @pace: ns that the caller takes for a MiB
 * @pace_before: the same, as the chunk before the last one says
 * @no_hugetlb: where untouched memory was met first, it is not of hugetlb
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
	struct vib_helpers helpers;
	unsigned int threads;
	unsigned int wanted;
	u64 chunk;
	u64 stop;
	u64 populated;
	u64 seen;
	unsigned int met;
	u64 pace;
	u64 pace_before;
	bool no_hugetlb;
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
 * caller among them. Leaves it NULL where a crew would not help. No thread is started, and nothing
 * allocated, before untouched memory is met. Undone by vib_crew_end().
 */
void vib_crew_begin(struct vib_crew *crew, struct vib_pin *pin, unsigned int threads);

/*
 * To be called before GUP is asked for memory at @vaddr: if what it was asked for last was
 * untouched, all threads populate a window of the range from here on. Returns early, also on a
 * fatal signal.
 */
void vib_crew_advance(struct vib_crew *crew, u64 vaddr);

/* Ends all helpers and waits for them; cannot fail. */
void vib_crew_end(struct vib_crew *crew);

#endif
