// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins and unpins pages for emulated devices. Knows nothing of domains.
 *
 * Each pinned page is a struct vib_page in its mapping's tree, with a count of its pins. While the
 * ioas has no domain, such a page is charged here; with a domain its mapping is pinned and charged
 * as a whole, and the page is not charged again. If that changes while a page is being pinned, its
 * charge is corrected when it is entered (enter_page(), vib_recorded_charge_pins()).
 *
 * A call may cover many mappings. Each is busy from its first page on until the call ends: a driver
 * that was notified of an unmap earlier would not know yet that it has pages to unpin.
 */
#include "access.h"
#include "dirty.h"

#include <linux/iommu.h>
#include <linux/mm.h>

#include "engine.h"
#include "pages.h"
#include "mm/pin.h"
#include "recorded.h"
#include "states.h"
#include "walk.h"
#include "pure/iova.h"

/* Pages inside one mapping that are pinned in one go. */
struct pin_step {
	struct vib_ioas *ioas;
	struct vib_mapping *map;	/* busy */
	u64 start;			/* where the call begins */
	u64 iova;
	int npages;
	int prot;
	bool charge;
	bool undercharged;		/* some pages are still to be charged */
	struct page **pages;
};

/* Is this the call's first step in the mapping? */
static bool is_first_here(const struct pin_step *step, const struct vib_mapping *map)
{
	return step->iova == step->start || step->iova - PAGE_SIZE < map->span.start;
}

/* Ends the step at the end of the mapping or before the next pinned page. tree_lock is held. */
static void cut_step(struct pin_step *step, struct vib_mapping *map)
{
	int n;

	for (n = 1; n < step->npages; n++) {
		u64 iova = step->iova + ((u64)n << PAGE_SHIFT);

		if (iova > map->span.last || vib_page_find(&map->pins, iova))
			break;
	}
	step->npages = n;
}

/*
 * Finds the mapping, marks it busy, and finds how far one step goes. Return: 0 for one page that
 * was pinned already and got a reference; 1 for pages still to be pinned; or an errno. tree_lock is
 * held.
 */
static int begin_step(struct pin_step *step)
{
	struct vib_mapping *map = vib_mapping_find_live(step->ioas, step->iova);
	struct vib_page *page;

	if (!map)
		return -EINVAL;
	if (map->flags & VIB_F_INVALID)
		return -EBUSY;
	if ((map->prot & step->prot) != step->prot)
		return -EPERM;
	map->busy += is_first_here(step, map);
	page = vib_page_find(&map->pins, step->iova);
	if (page) {
		page->refs++;
		step->pages[0] = pfn_to_page(vib_ext_pfn(*vib_page_word(page)));
		step->npages = 1;
		return 0;
	}
	cut_step(step, map);
	step->map = map;
	step->charge = !step->ioas->restricted;
	return 1;
}

/*
 * Enters a page, or, if another call has entered it first, takes a reference to that one and unpins
 * ours. Adds to @excess what is charged and need not be.
 */
static struct vib_page *enter_page(struct pin_step *step, struct vib_page *page, u64 *excess)
{
	struct vib_page *there;

	mutex_lock(&step->ioas->tree_lock);
	there = vib_page_find(&step->map->pins, page->iova);
	if (there) {
		there->refs++;
	} else {
		vib_page_insert(&step->map->pins, page);
		vib_dirty_mark(step->map, page->iova, 1);
		/* If a domain came or left since the pin, what holds now decides on the charge. */
		if (vib_page_chargeable(page) && step->charge == step->ioas->restricted) {
			step->undercharged |= !step->charge;
			*excess += step->charge;
			*vib_page_word(page) &= ~VIB_EXT_ACCOUNTED;
		}
	}
	mutex_unlock(&step->ioas->tree_lock);
	if (!there)
		return page;
	*excess += vib_page_free(page, false);
	return there;
}

/* Enters page @nr of the step. Return: as enter_all(). */
static int enter_extent(struct pin_step *step, u64 ext, u32 nr, u64 *excess)
{
	u64 iova = step->iova + ((u64)nr << PAGE_SHIFT);
	struct vib_page *page;

	if (!pfn_valid(vib_ext_pfn(ext)))
		return -EINVAL;
	page = vib_page_new(step->map, iova, vib_ext_pfn(ext), vib_ext_flags(ext));
	if (!page)
		return -ENOMEM;
	page = enter_page(step, page, excess);
	step->pages[nr] = pfn_to_page(vib_ext_pfn(*vib_page_word(page)));
	return 0;
}

/*
 * Enters the pinned pages one by one, @done of them. After an errno the caller unpins the rest of
 * @ex.
 */
static int enter_all(struct pin_step *step, struct vib_extents *ex, u32 *done, u64 *excess)
{
	struct vib_stretch st;
	u32 i;
	int ret;

	*done = 0;
	vib_for_each_stretch(&st, ex, 0, ex->nr)
		for (i = 0; i < st.nr; i++, ++*done) {
			ret = enter_extent(step, st.words[i], *done, excess);
			if (ret)
				return ret;
		}
	return 0;
}

/* Pins the pages of a step. Return: 0 with all pages entered, or an errno with none. */
static int run_step(struct pin_step *step)
{
	struct vib_mapping *map = step->map;
	struct vib_pin pin = {
		.owner = map->owner,
		.vaddr = map->vaddr + (step->iova - map->span.start),
		.left = step->npages,
		/* A later pin for writing will find this page, so it must be writable already. */
		.write = map->prot & IOMMU_WRITE,
		.uncharged = !step->charge,
		.scattered = true,
		.watched = true,
	};
	struct vib_extents ex;
	u64 excess = 0;
	u32 done = 0;
	int ret;

	vib_extents_init(&ex);
	vib_pin_begin(&pin);
	ret = vib_pin_some(&pin, &ex, step->npages);
	vib_pin_end(&pin);
	if (!ret) {
		ret = enter_all(step, &ex, &done, &excess);
		if (ret)
			excess += vib_unpin(&ex, done, ex.nr - done, false);
		vib_owner_uncharge(map->owner, excess);
		if (step->undercharged)
			vib_recorded_charge_pins(step->ioas, map);
	}
	vib_extents_fini(&ex);
	if (ret)
		vib_access_unpin(step->ioas, step->iova, done);
	return ret == -ESRCH ? -ENODEV : ret;
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
	return list_empty_careful(&ioas->devices) ? -EINVAL : vib_access_check(ioas);
}

int vib_access_pin(struct vib_ioas *ioas, u64 iova, int npages, int prot, struct page **pages)
{
	int done = 0, entered = 0;
	int ret;

	ret = may_pin(ioas, iova, npages);
	if (ret)
		return ret;
	while (done < npages) {
		struct pin_step step = {
			.ioas = ioas,
			.start = iova,
			.iova = iova + ((u64)done << PAGE_SHIFT),
			.npages = npages - done,
			.prot = prot,
			.pages = pages + done,
		};

		mutex_lock(&ioas->tree_lock);
		ret = begin_step(&step);
		mutex_unlock(&ioas->tree_lock);
		if (ret < 0)
			goto err_unpin;
		entered = done + step.npages;
		if (ret)
			ret = run_step(&step);
		if (ret)
			goto err_unpin;
		done = entered;
	}
	return 0;

err_unpin:
	vib_access_unpin(ioas, iova, done);
	vib_access_pin_end(ioas, iova, entered);
	return ret;
}

void vib_access_pin_end(struct vib_ioas *ioas, u64 iova, int npages)
{
	struct vib_mapping *map;
	LIST_HEAD(orphans);
	u64 last;

	if (!npages)
		return;
	last = iova + ((u64)(npages - 1) << PAGE_SHIFT);
	mutex_lock(&ioas->tree_lock);
	/* Exactly these were marked busy by the call, and have stayed. */
	vib_for_each_mapping(ioas, map, iova, last)
		vib_mapping_unbusy(ioas, map, &orphans);
	mutex_unlock(&ioas->tree_lock);
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
}

/*
 * Finds the page at @iova, and the tree that it is in: of a mapping, which may be DRAINING, or of
 * what was kept of a mapping that is gone and whose range another one may have. tree_lock is held.
 */
static struct vib_page *find_pinned(struct vib_ioas *ioas, u64 iova, struct rb_root **pins)
{
	struct vib_mapping *map = vib_mapping_first(ioas, iova, iova);
	struct vib_page *page = NULL;

	lockdep_assert_held(&ioas->tree_lock);
	if (map) {
		*pins = &map->pins;
		page = vib_page_find(*pins, iova);
	}
	if (!page) {
		*pins = &ioas->kept;
		page = vib_page_find(*pins, iova);
	}
	return page;
}

/* Drops one pin of one page. */
static void unpin_one(struct vib_ioas *ioas, u64 iova)
{
	struct vib_page *page;
	struct rb_root *pins;
	bool gone = false;

	mutex_lock(&ioas->tree_lock);
	page = find_pinned(ioas, iova, &pins);
	if (!WARN_ONCE(!page, "vfio_iommu_batch: unpin of a page that is not pinned\n"))
		gone = !--page->refs;
	if (gone)
		rb_erase(&page->node, pins);
	mutex_unlock(&ioas->tree_lock);
	if (gone)
		vib_page_end(page);
}

void vib_access_unpin(struct vib_ioas *ioas, u64 iova, int npages)
{
	int i;

	for (i = 0; i < npages; i++)
		unpin_one(ioas, iova + ((u64)i << PAGE_SHIFT));
}
