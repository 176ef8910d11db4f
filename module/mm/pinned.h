/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinned memory apart from the mapping: what a large mapping has pinned and charged is an object of
 * its own, which other mappings of the same process may use for the same pages at the same user
 * addresses. Pins, charge and extents exist once.
 *
 * Each mapping has uses: parts of such objects. A page stays pinned while some use covers it, and
 * charged to a process while a use of that process does. So a live update moves a charge once.
 *
 * Locking: all take the pool's lock, some then mmap_lock of the owner for write (owner.h). Unless
 * it says otherwise they may sleep; of ours no lock but device_lock may be held.
 */
#ifndef VIB_PINNED_H
#define VIB_PINNED_H

#include <linux/list.h>

#include "owner.h"
#include "pool.h"
#include "pure/extents.h"

enum {
	/* Uses that join one object, for their list is walked; what comes then is pinned again. */
	VIB_USES_MAX = 256,
};

/**
 * struct vib_use - a part of pinned memory that one mapping holds
 * @node: link in @of->uses
 * @next: the next use of the same mapping; the mapping's
 * @of: the pinned memory; constant
 * @owner: whom the part is charged to; borrowed from the mapping, the pool's lock
 * @first: first page of the part, counted in @of; the pool's lock
 * @end: first page behind it; the same
 * @joined: of a mapping that has not pinned the part itself; constant
 */
struct vib_use {
	struct list_head node;
	struct vib_use *next;
	struct vib_pinned *of;
	struct vib_owner *owner;
	u64 first;
	u64 end;
	bool joined;
};

/**
 * struct vib_pinned - what one large mapping has pinned
 * @rb: link in the pool's tree
 * @start: user address of its first page, as a page number; constant
 * @last: the same of its last page; constant
 * @subtree_last: greatest @last below @rb
 * @pool: a reference
 * @number: later ones have higher ones; constant
 * @uses: struct vib_use, in the order in which they came; it lives while there is one
 * @joined: how many of these are of other mappings, of which one may have several; the pool's lock
 * @extents: constant. Parts that are borrowed are no use's
 * @accounted: pages of @extents that are charged
 * @write: pinned for writing
 * @huge: some extents have VIB_EXT_HUGE
 * @own: the first use of the mapping that has pinned it
 */
struct vib_pinned {
	struct rb_node rb;
	u64 start;
	u64 last;
	u64 subtree_last;
	struct vib_pool *pool;
	u64 number;
	struct list_head uses;
	unsigned int joined;
	struct vib_extents extents;
	u64 accounted;
	bool write;
	bool huge;
	struct vib_use own;
};

/**
 * struct vib_wanted - what a mapping is looking for, or offers
 * @owner: whose memory; with a pool
 * @at: user address, as a page number
 * @end: the same, first one that is not wanted
 * @write: the mapping is for writing
 * @after: for those that ask for the whole: only what has a higher number
 * @before: for those that ask for a part: only what has a lower number, and is not @except
 * @except: the object that does not have the page at @at, or NULL; compared only
 * @found: result: first page from @at on that can be shared, whatever @before and @except say, or
 *	@end
 */
struct vib_wanted {
	struct vib_owner *owner;
	u64 at;
	u64 end;
	bool write;
	u64 after;
	u64 before;
	const struct vib_pinned *except;
	u64 found;
};

/*
 * Makes @use, which is new, a use of what is pinned from wanted->at on, if that is possible: pages
 * that other uses of the process cover, pinned with that access; of several objects, of the latest,
 * the likeliest to have what is there now. The caller finds out whether it has. Without a @use it
 * only looks. Return: was anything found at wanted->at?
 */
bool vib_use_join(struct vib_wanted *wanted, struct vib_use *use);

/*
 * The same for all that is wanted at once: of the earliest object behind wanted->after that covers
 * it. Sets wanted->after to its number.
 */
bool vib_use_join_whole(struct vib_wanted *wanted, struct vib_use *use);

/*
 * Gives back the part from page @from on. What no other use covers is unpinned, by up to @threads
 * threads: no IOMMU may translate to it for this mapping any more. Cannot fail.
 */
void vib_use_cut(struct vib_use *use, u64 from, unsigned int threads);

/* The same of all uses of a mapping, and frees them; @uses may be NULL. Cannot fail. */
void vib_uses_end(struct vib_use *uses, unsigned int threads);

/**
 * vib_pinned_new - makes what a mapping has pinned an object that others can use
 * @what: which memory, and which objects the mapping knows (@after)
 * @extents: all of it; they are the object's, and stay where they are for the mapping to read
 * @borrowed: uses that the mapping has of other objects, in descending order of the address, for
 *	which its extents are borrowed
 *
 * Return: the uses of the mapping, the first of them of the new object, the last @borrowed. With
 * nothing changed: NULL without memory; ERR_PTR(-EEXIST) if vib_use_join_whole() would find one.
 */
struct vib_use *vib_pinned_new(const struct vib_wanted *what, const struct vib_extents *extents,
			       struct vib_use *borrowed);

/*
 * Moves uses of a mapping, and @own charged pages beside them, from one owner to another, whose
 * account is charged for what it does not have yet before the old one is uncharged. Return: 0;
 * -ENOMEM, -EINTR or -ESRCH with nothing changed.
 */
int vib_uses_move(struct vib_use *uses, struct vib_owner *from, struct vib_owner *to, u64 own);

/**
 * struct vib_use_counts - what a mapping has through its uses
 * @accounted: pages charged to its owner that no use before it in the same object covers
 * @shared: pages that another use covers, too
 * @metadata: bytes of memory, those of an object counted where it was used first
 */
struct vib_use_counts {
	u64 accounted;
	u64 shared;
	size_t metadata;
};

/* Adds up for one use. May be called under any lock under which one may sleep. */
void vib_use_count(struct vib_use *use, struct vib_use_counts *counts);

#endif
