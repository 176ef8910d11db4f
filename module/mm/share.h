/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sharing: while a large range is pinned, pages that another mapping of the same process holds at
 * the same user addresses are borrowed instead of pinned and charged again.
 *
 * Which pages are there now is asked of GUP, without faulting, so nothing can hold up what it has
 * got for the moment; only what is the same, page for page, is borrowed. So at the limit on locked
 * memory, memory that is charged already can still be mapped.
 *
 * Not shared, and charged once more: pages of disk file systems, whose dirty state must be right
 * when one mapping ends, and of devices; for reading only, all but anonymous memory.
 *
 * Locking: takes mmap_lock for read, and the pool's lock (pool.h); of ours no lock may be held.
 */
#ifndef VIB_SHARE_H
#define VIB_SHARE_H

#include <linux/sizes.h>

#include "pinned.h"
#include "pure/extent_pos.h"

struct vib_pin;

enum {
	/* Pages from which on a mapping's memory is shared. */
	VIB_SHARE_PAGES = SZ_2M >> PAGE_SHIFT,
};

/**
 * struct vib_sharing - what one range borrows
 * @uses: of what was borrowed so far, in descending order of the address; the caller's at the end
 * @open: @uses begins with one that pin->vaddr may go on with
 * @fresh: nothing of it has been compared yet
 * @tries: objects that do not have the next page
 * @before: only earlier objects have to be tried for it
 * @except: one that does not have it either
 * @pos: place in its extents
 * @sought: number of the object that @pos is a place in, 0 for none; @pos stays when the use is
 *	closed, and not when it is dropped
 * @sought_page: page of it that @pos is at
 * @at: user page that @pos is for
 * @until: user page before which nothing can be borrowed, of objects up to @seen
 * @pause: pages that are pinned without a look when the next page is another one
 * @seen: number of the latest object that there was when one was looked for last
 * @left: how many more uses the range may have
 * @after: number of the latest object that the range was, or can have been, compared with
 * @whole: how often the whole range has been compared with one that came later
 */
struct vib_sharing {
	struct vib_use *uses;
	bool open;
	bool fresh;
	unsigned int tries;
	u64 before;
	const struct vib_pinned *except;
	struct vib_extent_pos pos;
	u64 sought;
	u64 sought_page;
	u64 at;
	u64 until;
	u64 pause;
	u64 seen;
	unsigned int left;
	u64 after;
	unsigned int whole;
};

/*
 * Sets up pin->sharing for a large range of current's own memory that @pin is about to pin; leaves
 * it NULL without memory. There is nothing to undo but vib_uses_end() of what was borrowed.
 */
void vib_share_begin(struct vib_sharing *sharing, struct vib_pin *pin);

/* Is there something to compare with the next page? Else it is pinned: see vib_share_gap(). */
bool vib_share_find(struct vib_pin *pin);

/**
 * vib_share_take - borrow the next pages, after vib_share_find()
 * @pin: progress, not changed; @pages is allocated when it is needed
 * @out: gets extents appended
 * @most: how many, more than 0; of huge pages, the last one is taken as a whole
 *
 * Return: how many; 0 if the next ones cannot be shared; -ENOMEM; -EINTR on a fatal signal.
 */
long vib_share_take(struct vib_pin *pin, struct vib_extents *out, u64 most);

/*
 * For a range that is complete: is there an object that came after it was begun, covers all of it,
 * and is the same page for page? @wanted says which range it is, and gets what is known then;
 * @extents are its own. Return: a use of it, or NULL. May be called again until there is none.
 */
struct vib_use *vib_share_whole(struct vib_sharing *sharing, struct vib_wanted *wanted,
				struct vib_extents *extents);

/*
 * Return: how many pages from @page on, of the same kind, are memory whose dirty state nobody asks
 * for before it is freed; @write tells what the mapping that asks may do. 0 if it is not.
 */
u64 vib_pages_sharable(struct page *page, bool write);

/* Return: how many pages from @vaddr on are to be pinned before the next try to borrow. */
static inline u64 vib_share_gap(const struct vib_sharing *sharing, u64 vaddr)
{
	return sharing->until - (vaddr >> PAGE_SHIFT);
}

#endif
