/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages that emulated devices have pinned, of one mapping or of those that are gone.
 *
 * Locking: such a tree is under the ioas' tree_lock; a page that is in no tree belongs to the
 * caller.
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
 * @ext: the page as an extent, with whether we hold a pin and whether it is charged
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

/* Return: a page of @map with one reference, in no tree; NULL without memory. May sleep. */
struct vib_page *vib_page_new(struct vib_mapping *map, u64 iova, u64 pfn, u64 flags);

/* Unpins and frees a page that is in no tree. Return: how many pages the caller must uncharge. */
u64 vib_page_free(struct vib_page *page, bool dirty);

/* The same for a page that devices had pinned, and uncharges it. No lock is held. */
void vib_page_end(struct vib_page *page);

struct vib_page *vib_page_find(struct rb_root *pins, u64 iova);

/*
 * Is the page charged while its mapping is only recorded? Pages that the kernel keeps reserved are
 * not.
 */
bool vib_page_chargeable(struct vib_page *page);

/* Inserts a page. Only ioas->kept may hold several of one IOVA; any of them may be found then. */
void vib_page_insert(struct rb_root *pins, struct vib_page *page);

/* Calls @fn with the IOVA of every pinned page of a mapping; tree_lock is held. */
void vib_pages_each(struct vib_mapping *map, void (*fn)(void *data, u64 iova), void *data);

/* The same for pages whose IOVA is in [start, last]. */
void vib_pages_each_in(struct vib_mapping *map, u64 start, u64 last,
		       void (*fn)(void *data, u64 iova), void *data);

/* Return: pages that devices have pinned, that should be charged and are not. tree_lock is held. */
u64 vib_pages_uncharged(struct vib_mapping *map);

/*
 * Marks up to @max pages that devices have pinned as charged, or as not. The caller charges before
 * it marks as charged, because an unpin then uncharges; it uncharges after it marks as not charged.
 * Return: how many pages changed. tree_lock is held.
 */
u64 vib_pages_set_charged(struct vib_mapping *map, bool charged, u64 max);

/* Moves all to @kept, so that the pages can still be unpinned after the mapping is freed. */
void vib_pages_keep(struct rb_root *pins, struct rb_root *kept);

/* Unpins and frees all: no driver is left that could unpin them. No lock is held. */
void vib_pages_drop(struct rb_root *pins);

#endif
