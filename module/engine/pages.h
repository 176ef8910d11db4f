/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages that emulated devices have pinned, of one mapping or of those that are gone.
 *
 * Locking: such a tree is under the ioas' tree_lock; a page out of it belongs to the caller.
 */
#ifndef VIB_PAGES_H
#define VIB_PAGES_H

#include <linux/rbtree.h>

#include "pure/extents.h"

struct vib_mapping;
struct vib_owner;

/**
 * struct vib_page - a page that emulated devices have pinned
 * @node: link in its tree
 * @iova: of the page; the key
 * @ext: the page as an extent: whether we hold a pin, and whether it is charged
 * @owner: whose memory it is; a reference
 * @refs: how often it is pinned
 * @write: devices may write to it
 */
struct vib_page {
	struct rb_node node;
	u64 iova;
	struct vib_extents ext;
	struct vib_owner *owner;
	unsigned int refs;
	bool write;
};

/* The page as an extent word. */
static inline u64 *vib_page_word(struct vib_page *page)
{
	return vib_extents_words(&page->ext);
}

/* A page of @map with one reference, in no tree; NULL without memory. May sleep. */
struct vib_page *vib_page_new(struct vib_mapping *map, u64 iova, u64 pfn, u64 flags);

/* Unpins a page that is in no tree and frees it; how many pages the caller has to uncharge. */
u64 vib_page_free(struct vib_page *page, bool dirty);

/* The same for one that devices had, settling its account. No lock is held. */
void vib_page_end(struct vib_page *page);

struct vib_page *vib_page_find(struct rb_root *pins, u64 iova);

/*
 * Would its pin be on the account if no mapping were pinned as a whole? Not what the kernel keeps
 * reserved.
 */
bool vib_page_chargeable(struct vib_page *page);

/* Among pages of one IOVA, which only those that were kept are, any may be found. */
void vib_page_insert(struct rb_root *pins, struct vib_page *page);

/* Calls @fn with the IOVA of every pinned page of a mapping; tree_lock is held. */
void vib_pages_each(struct vib_mapping *map, void (*fn)(void *data, u64 iova), void *data);

/* The same for pages whose IOVA is in [start, last]. */
void vib_pages_each_in(struct vib_mapping *map, u64 start, u64 last,
		       void (*fn)(void *data, u64 iova), void *data);

/* How many pages that devices have pinned are to be charged and are not. tree_lock is held. */
u64 vib_pages_uncharged(struct vib_mapping *map);

/*
 * Notes that up to @max pages that devices have pinned are (not) on the account through them, and
 * returns how many changed. What is noted as charged must have been charged before, for whoever
 * unpins it uncharges it; the caller uncharges the others afterwards. tree_lock is held.
 */
u64 vib_pages_set_charged(struct vib_mapping *map, bool charged, u64 max);

/* Moves all to @kept, so that the mapping can go and the pages can still be unpinned. */
void vib_pages_keep(struct rb_root *pins, struct rb_root *kept);

/* Drops all: nobody is there any more who could unpin them. No lock is held. */
void vib_pages_drop(struct rb_root *pins);

#endif
