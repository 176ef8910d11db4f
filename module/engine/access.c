// SPDX-License-Identifier: GPL-2.0-only
/*
 * What emulated devices pin and copy. Knows nothing of domains.
 *
 * Each pinned page is a struct vib_page in its mapping's tree, with a count of its pins. While the
 * ioas has no domain, such a page is charged here; with a domain its mapping is pinned and charged
 * as a whole, and the page is not charged again. A pin that is made while that changes is put right
 * when it is entered (enter(), vib_handover_charge_pins()).
 */
#include "access.h"
#include "dirty.h"

#include <linux/mm.h>

#include "engine.h"
#include "attach/group.h"
#include "pages.h"
#include "mm/pin.h"
#include "states.h"
#include "pure/iova.h"

void vib_access_register(struct vib_ioas *ioas, struct list_head *device)
{
	mutex_lock(&ioas->device_lock);
	list_add(device, &ioas->devices);
	mutex_unlock(&ioas->device_lock);
}

void vib_access_unregister(struct vib_ioas *ioas, struct list_head *device)
{
	mutex_lock(&ioas->device_lock);
	list_del_init(device);
	mutex_unlock(&ioas->device_lock);
}

/* The LIVE mapping that holds @iova, or NULL. tree_lock is held. */
static struct vib_mapping *find_live(struct vib_ioas *ioas, u64 iova)
{
	struct vib_span *span = vib_maptree_first(&ioas->tree, iova, iova);
	struct vib_mapping *map = vib_mapping_of(span);

	lockdep_assert_held(&ioas->tree_lock);
	return span && map->state == VIB_LIVE ? map : NULL;
}

static void let_go(struct vib_ioas *ioas, struct vib_mapping *map)
{
	LIST_HEAD(orphans);

	mutex_lock(&ioas->tree_lock);
	vib_mapping_unbusy(ioas, map, &orphans);
	mutex_unlock(&ioas->tree_lock);
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
}

/* A stretch of pages inside one mapping that is being pinned. */
struct stretch {
	struct vib_ioas *ioas;
	struct vib_mapping *map;	/* busy */
	u64 iova;
	int npages;
	int prot;
	bool charge;
	bool late;			/* some are still to be charged */
	struct page **pages;
};

/*
 * Finds the mapping and how far one step goes: one page that is pinned already gets a reference and
 * 0 is returned; else the stretch is cut where the mapping or the gap between pinned pages ends,
 * the mapping is busy, and 1 is returned. tree_lock is held.
 */
static int begin_step(struct stretch *st)
{
	struct vib_mapping *map = find_live(st->ioas, st->iova);
	struct vib_page *page;
	int n;

	if (!map)
		return -EINVAL;
	if (map->flags & VIB_F_INVALID)
		return -EBUSY;
	if ((map->prot & st->prot) != st->prot)
		return -EPERM;
	page = vib_page_find(map, st->iova);
	if (page) {
		page->refs++;
		st->pages[0] = pfn_to_page(vib_ext_pfn(*vib_page_word(page)));
		st->npages = 1;
		return 0;
	}
	for (n = 1; n < st->npages; n++) {
		u64 iova = st->iova + ((u64)n << PAGE_SHIFT);

		if (iova > map->span.last || vib_page_find(map, iova))
			break;
	}
	st->npages = n;
	st->map = map;
	st->charge = !st->ioas->restricted;
	map->busy++;
	return 1;
}

/* The page that another call entered first gets the reference; what we pinned is given back. */
static struct vib_page *enter(struct stretch *st, struct vib_page *page, u64 *excess)
{
	struct vib_page *there;

	mutex_lock(&st->ioas->tree_lock);
	there = vib_page_find(st->map, page->iova);
	if (there) {
		there->refs++;
	} else {
		vib_page_insert(st->map, page);
		vib_dirty_mark(st->map, page->iova, 1);
		/* If a domain came or went since the pin, it is charged by the rule of now. */
		if (vib_page_chargeable(page) && st->charge == st->ioas->restricted) {
			st->late |= !st->charge;
			*excess += st->charge;
			*vib_page_word(page) &= ~VIB_EXT_ACCOUNTED;
		}
	}
	mutex_unlock(&st->ioas->tree_lock);
	if (!there)
		return page;
	*excess += vib_page_free(page, false);
	return there;
}

/*
 * Enters the pinned pages one by one: how many, or an errno with the rest of @ex left to the
 * caller.
 */
static int enter_all(struct stretch *st, struct vib_extents *ex, u32 *done, u64 *excess)
{
	u64 *words = vib_extents_words(ex);

	for (*done = 0; *done < ex->nr; ++*done) {
		u64 iova = st->iova + ((u64)*done << PAGE_SHIFT);
		unsigned long pfn = vib_ext_pfn(words[*done]);
		struct vib_page *page;

		if (!pfn_valid(pfn))
			return -EINVAL;
		page = vib_page_new(iova, pfn, vib_ext_flags(words[*done]));
		if (!page)
			return -ENOMEM;
		page = enter(st, page, excess);
		st->pages[*done] = pfn_to_page(vib_ext_pfn(*vib_page_word(page)));
	}
	return 0;
}

/* Pins the stretch, whose mapping is busy: 0 with all pages entered, or an errno with none. */
static int pin_stretch(struct stretch *st)
{
	struct vib_mapping *map = st->map;
	struct vib_pin pin = {
		.owner = map->owner,
		.vaddr = map->vaddr + (st->iova - map->span.start),
		.left = st->npages,
		/*
		 * A later pin for writing finds this page, so it is pinned as the mapping allows.
		 */
		.write = map->prot & IOMMU_WRITE,
		.uncharged = !st->charge,
		.scattered = true,
	};
	struct vib_extents ex;
	u64 excess = 0;
	u32 done = 0;
	int ret;

	vib_extents_init(&ex);
	vib_pin_begin(&pin);
	ret = vib_pin_some(&pin, &ex, st->npages);
	vib_pin_end(&pin);
	if (!ret) {
		ret = enter_all(st, &ex, &done, &excess);
		if (ret)
			excess += vib_unpin(&ex, done, ex.nr - done, false);
		vib_owner_uncharge(map->owner, excess);
		if (st->late)
			vib_handover_charge_pins(st->ioas, map);
	}
	vib_extents_fini(&ex);
	if (ret)
		vib_access_unpin(st->ioas, st->iova, done);
	return ret;
}

/* One step of a pin request; st->npages says how far it went. */
static int pin_step(struct stretch *st)
{
	int ret;

	mutex_lock(&st->ioas->tree_lock);
	ret = begin_step(st);
	mutex_unlock(&st->ioas->tree_lock);
	if (ret <= 0)
		return ret;
	ret = pin_stretch(st);
	if (ret == -ESRCH)
		ret = -ENODEV;
	let_go(st->ioas, st->map);
	return ret;
}

/* Cannot be: emulated devices and a live update exclude each other. */
static bool addresses_taken_back(struct vib_ioas *ioas)
{
	return WARN_ONCE(READ_ONCE(ioas->invalid),
			 "vfio_iommu_batch: emulated device used during a live update\n");
}

static int may_pin(struct vib_ioas *ioas, u64 iova, int npages)
{
	u64 last;

	if (!ioas->v2)
		return -EACCES;
	if (npages <= 0)
		return -EINVAL;
	if (!vib_range_last(iova, (u64)npages << PAGE_SHIFT, &last))
		return -EOVERFLOW;
	/* Without device_lock: a driver may pin from inside a notice, which holds it. */
	return list_empty_careful(&ioas->devices) ? -EINVAL : 0;
}

int vib_access_pin(struct vib_ioas *ioas, struct iommu_group *group, u64 iova, int npages, int prot,
		   struct page **pages)
{
	int done = 0;
	int ret;

	ret = may_pin(ioas, iova, npages);
	if (!ret && addresses_taken_back(ioas))
		ret = -EBUSY;
	while (!ret && done < npages) {
		struct stretch st = {
			.ioas = ioas,
			.iova = iova + ((u64)done << PAGE_SHIFT),
			.npages = npages - done,
			.prot = prot,
			.pages = pages + done,
		};

		ret = pin_step(&st);
		done += ret ? 0 : st.npages;
	}
	if (ret) {
		vib_access_unpin(ioas, iova, done);
		return ret;
	}
	vib_group_declare_pins(ioas, group);
	return npages;
}

/*
 * The page at @iova and the mapping it belongs to, which may be going, or be on the shelf under a
 * mapping that has taken its place. tree_lock is held.
 */
static struct vib_page *find_pinned(struct vib_ioas *ioas, u64 iova, struct vib_mapping **owner)
{
	struct vib_span *span = vib_maptree_first(&ioas->tree, iova, iova);
	struct vib_mapping *map = span ? vib_mapping_of(span) : NULL;
	struct vib_page *page = map ? vib_page_find(map, iova) : NULL;

	lockdep_assert_held(&ioas->tree_lock);
	*owner = map;
	if (page)
		return page;
	list_for_each_entry(map, &ioas->kept, node) {
		page = vib_page_find(map, iova);
		*owner = map;
		if (page)
			return page;
	}
	return NULL;
}

/* Drops one pin of one page. */
static void unpin_one(struct vib_ioas *ioas, u64 iova)
{
	struct vib_owner *owner = NULL;
	struct vib_mapping *map;
	struct vib_page *page;
	bool dirty = false;
	u64 accounted;

	mutex_lock(&ioas->tree_lock);
	page = find_pinned(ioas, iova, &map);
	if (WARN_ONCE(!page, "vfio_iommu_batch: unpin of a page that is not pinned\n"))
		goto unlock;
	if (--page->refs)
		goto unlock;
	rb_erase(&page->node, &map->pins);
	owner = vib_owner_get(map->owner);
	dirty = map->prot & IOMMU_WRITE;
unlock:
	mutex_unlock(&ioas->tree_lock);
	if (!owner)
		return;
	accounted = vib_page_free(page, dirty);
	vib_owner_uncharge(owner, accounted);
	vib_owner_put(owner);
}

void vib_access_unpin(struct vib_ioas *ioas, u64 iova, int npages)
{
	int i;

	for (i = 0; i < npages; i++)
		unpin_one(ioas, iova + ((u64)i << PAGE_SHIFT));
}

/* Copies what lies in one mapping: how many bytes, or an errno. */
static ssize_t rw_part(struct vib_ioas *ioas, u64 iova, void *buf, size_t size, bool write)
{
	struct vib_mapping *map;
	int ret = 0;

	mutex_lock(&ioas->tree_lock);
	map = find_live(ioas, iova);
	if (!map)
		ret = -EINVAL;
	else if (map->flags & VIB_F_INVALID)
		ret = -EBUSY;
	else if (!(map->prot & IOMMU_READ) || (write && !(map->prot & IOMMU_WRITE)))
		ret = -EPERM;
	else
		map->busy++;
	mutex_unlock(&ioas->tree_lock);
	if (ret)
		return ret;
	size = min_t(u64, size, map->span.last - iova + 1);
	ret = vib_owner_copy(map->owner, map->vaddr + (iova - map->span.start), buf, size, write);
	if (!ret && write) {
		mutex_lock(&ioas->tree_lock);
		vib_dirty_mark(map, iova, size);
		mutex_unlock(&ioas->tree_lock);
	}
	let_go(ioas, map);
	return ret ? ret : (ssize_t)size;
}

int vib_access_rw(struct vib_ioas *ioas, u64 iova, void *buf, size_t size, bool write)
{
	ssize_t done;

	if (addresses_taken_back(ioas))
		return -EBUSY;
	for (; size; iova += done, buf += done, size -= done) {
		done = rw_part(ioas, iova, buf, size, write);
		if (done < 0)
			return done;
	}
	return 0;
}

static bool has_pins(struct vib_ioas *ioas, struct vib_mapping *map)
{
	bool pinned;

	mutex_lock(&ioas->tree_lock);
	pinned = !RB_EMPTY_ROOT(&map->pins);
	mutex_unlock(&ioas->tree_lock);
	return pinned;
}

static void notify_all(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct list_head *device;

	mutex_lock(&ioas->device_lock);
	list_for_each(device, &ioas->devices)
		ioas->notify(device, map->span.start, vib_span_size(&map->span));
	mutex_unlock(&ioas->device_lock);
}

void vib_access_notify(struct vib_ioas *ioas, struct list_head *batch)
{
	struct vib_mapping *map;

	list_for_each_entry(map, batch, node) {
		if (RB_EMPTY_ROOT(&map->pins))
			continue;
		notify_all(ioas, map);
		if (WARN_ONCE(has_pins(ioas, map),
			      "vfio_iommu_batch: a device keeps pages of an unmapped range\n"))
			map->flags |= VIB_F_KEPT;
	}
}
