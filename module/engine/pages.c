// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that emulated devices have pinned: trees by IOVA, one for each mapping and one for what
 * devices kept of mappings that are gone. Knows nothing of who pins, of domains or of locks.
 * Invariant: a page's extent tells exactly which pin and which charge are held.
 */
#include "pages.h"

#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mapping.h"
#include "mm/owner.h"
#include "mm/pin.h"

enum {
	DROP_STEP = 1024,		/* pages dropped without a chance to reschedule */
};

struct vib_page *vib_page_new(struct vib_mapping *map, u64 iova, u64 pfn, u64 flags)
{
	struct vib_page *page = kmalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);

	BUILD_BUG_ON(sizeof(*page) > 64);

	if (!page)
		return NULL;
	page->iova = iova;
	page->owner = vib_owner_get(map->owner);
	page->refs = 1;
	page->write = map->prot & IOMMU_WRITE;
	vib_extents_init(&page->ext);
	vib_extents_append(&page->ext, pfn, 1, flags);
	return page;
}

static struct vib_page *page_of(struct rb_node *node)
{
	return rb_entry(node, struct vib_page, node);
}

struct vib_page *vib_page_find(struct rb_root *pins, u64 iova)
{
	struct rb_node *node = pins->rb_node;

	while (node) {
		struct vib_page *page = page_of(node);

		if (iova == page->iova)
			return page;
		node = iova < page->iova ? node->rb_left : node->rb_right;
	}
	return NULL;
}

bool vib_page_chargeable(struct vib_page *page)
{
	u64 ext = *vib_page_word(page);

	return ext & VIB_EXT_PINNED && !PageReserved(pfn_to_page(vib_ext_pfn(ext)));
}

void vib_page_insert(struct rb_root *pins, struct vib_page *page)
{
	struct rb_node **link = &pins->rb_node;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		link = page->iova < page_of(parent)->iova ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&page->node, parent, link);
	rb_insert_color(&page->node, pins);
}

u64 vib_page_free(struct vib_page *page, bool dirty)
{
	u64 accounted = vib_unpin(&page->ext, 0, page->ext.nr, dirty);

	vib_owner_put(page->owner);
	kfree(page);
	return accounted;
}

void vib_page_end(struct vib_page *page)
{
	struct vib_owner *owner = vib_owner_get(page->owner);
	u64 accounted = vib_page_free(page, page->write);

	vib_owner_uncharge(owner, accounted);
	vib_owner_put(owner);
}

void vib_pages_each(struct vib_mapping *map, void (*fn)(void *data, u64 iova), void *data)
{
	struct rb_node *node;

	for (node = rb_first(&map->pins); node; node = rb_next(node))
		fn(data, page_of(node)->iova);
}

void vib_pages_each_in(struct vib_mapping *map, u64 start, u64 last,
		       void (*fn)(void *data, u64 iova), void *data)
{
	struct rb_node *at = map->pins.rb_node, *node = NULL;

	while (at) {
		if (page_of(at)->iova >= start) {
			node = at;
			at = at->rb_left;
		} else {
			at = at->rb_right;
		}
	}
	for (; node && page_of(node)->iova <= last; node = rb_next(node))
		fn(data, page_of(node)->iova);
}

static bool can_become(struct vib_page *page, bool charged)
{
	return vib_page_chargeable(page) && charged != !!(*vib_page_word(page) & VIB_EXT_ACCOUNTED);
}

u64 vib_pages_uncharged(struct vib_mapping *map)
{
	struct rb_node *node;
	u64 pages = 0;

	for (node = rb_first(&map->pins); node; node = rb_next(node))
		pages += can_become(page_of(node), true);
	return pages;
}

u64 vib_pages_set_charged(struct vib_mapping *map, bool charged, u64 max)
{
	struct rb_node *node;
	u64 changed = 0;

	for (node = rb_first(&map->pins); node && changed < max; node = rb_next(node)) {
		if (!can_become(page_of(node), charged))
			continue;
		*vib_page_word(page_of(node)) ^= VIB_EXT_ACCOUNTED;
		changed++;
	}
	return changed;
}

void vib_pages_keep(struct rb_root *pins, struct rb_root *kept)
{
	unsigned long nr = 0;
	struct rb_node *node;

	while ((node = rb_first(pins))) {
		rb_erase(node, pins);
		vib_page_insert(kept, page_of(node));
		if (!(++nr % DROP_STEP))
			cond_resched();
	}
}

/* Consecutive pages of one owner are uncharged together. */
void vib_pages_drop(struct rb_root *pins)
{
	struct vib_owner *owner = NULL;
	u64 accounted = 0, nr = 0;
	struct rb_node *node;

	while ((node = rb_first(pins))) {
		struct vib_page *page = page_of(node);

		if (page->owner != owner) {
			if (owner)
				vib_owner_uncharge(owner, accounted);
			vib_owner_put(owner);
			owner = vib_owner_get(page->owner);
			accounted = 0;
		}
		rb_erase(node, pins);
		accounted += vib_page_free(page, page->write);
		if (!(++nr % DROP_STEP))
			cond_resched();
	}
	if (owner)
		vib_owner_uncharge(owner, accounted);
	vib_owner_put(owner);
}
