// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fills extents into domains: a batch of one mapping into every domain, or every mapping into one
 * domain. Keeps the invariant of mapping.h that all domains hold the same.
 */
#include "engine.h"

#include "bar.h"
#include "fill_lock.h"
#include "iommu/domain_fill.h"
#include "iommu/domain_unfill.h"
#include "pure/extent_pos.h"
#include "walk.h"

#include <linux/mm.h>

/*
 * Takes [iova, iova + size) out of the domains before @stop. Return: false if some of it is stuck.
 */
static bool undo_before(struct vib_ioas *ioas, struct vib_domain *stop, u64 iova, u64 size)
{
	struct vib_domain *dom;
	bool clean = true;

	list_for_each_entry(dom, &ioas->domains, node) {
		if (dom == stop)
			break;
		clean &= vib_domain_undo(dom, iova, size);
	}
	return clean;
}

int __vib_fill_lock_alone(struct vib_ioas *ioas)
{
	int ret = down_write_killable(&ioas->domains_rwsem);

	/* No revoke of device memory may walk a page table that grows. */
	if (!ret)
		vib_bars_freeze(ioas);
	return ret;
}

void __vib_fill_unlock_alone(struct vib_ioas *ioas)
{
	vib_bars_thaw(ioas);
	up_write(&ioas->domains_rwsem);
}

/* Return: the description of a fill of @nr extents at @iova. */
static struct vib_fill fill_of(const struct vib_mapping *map, u64 iova, const u64 *words, u32 nr)
{
	return (struct vib_fill){
		.iova = iova,
		.words = words,
		.nr = nr,
		.prot = map->prot,
		.pagewise = map->flags & VIB_F_PAGEWISE,
	};
}

/* Undoes a fill that failed in @dom. Return: @error. */
static noinline int undo_fill(struct vib_ioas *ioas, struct vib_domain *dom, u64 iova, u64 size,
			      int error, bool *stuck)
{
	if (!undo_before(ioas, dom, iova, size))
		*stuck = true;
	return error;
}

/* Enters one extent, which is no hole, into every domain or into none. */
static __always_inline int fill_one(struct vib_ioas *ioas, u64 iova, u64 ext, int prot, bool *stuck)
{
	struct vib_domain *dom;
	int ret;

	list_for_each_entry(dom, &ioas->domains, node) {
		ret = vib_domain_fill_one(dom, iova, ext, prot, stuck);
		if (unlikely(ret))
			return undo_fill(ioas, dom, iova, vib_ext_pages(ext) << PAGE_SHIFT, ret,
					 stuck);
	}
	return 0;
}

/* Enters extents, none of which is a hole, into every domain or into none. */
static int fill_everywhere(struct vib_ioas *ioas, const struct vib_fill *fill, bool *stuck)
{
	struct vib_domain *dom;
	int ret;

	list_for_each_entry(dom, &ioas->domains, node) {
		ret = vib_domain_fill(dom, fill, stuck);
		if (ret)
			return undo_fill(ioas, dom, fill->iova,
					 vib_ext_sum(fill->words, fill->nr) << PAGE_SHIFT, ret,
					 stuck);
	}
	return 0;
}

/* Return: how many of the next extents are all holes, or none of them. */
static u32 alike_words(const struct vib_mapping *map, const u64 *words, u32 nr)
{
	bool hole = vib_ext_is_hole(*words);
	u32 i = 1;

	if (!(map->flags & VIB_F_DEVICE))
		return nr;
	while (i < nr && vib_ext_is_hole(words[i]) == hole)
		i++;
	return i;
}

/*
 * Enters a stretch, some of which may be holes, into one domain, or with NULL into every one.
 * Return: 0 or an errno, with @iova behind what was entered.
 */
static int fill_stretch(struct vib_ioas *ioas, struct vib_domain *dom,
			const struct vib_mapping *map, u64 *iova, const struct vib_stretch *st,
			bool *stuck)
{
	u32 i, n;
	int ret;

	for (i = 0; i < st->nr; i += n) {
		struct vib_fill fill;

		n = alike_words(map, st->words + i, st->nr - i);
		fill = fill_of(map, *iova, st->words + i, n);
		if (!vib_ext_is_hole(*fill.words)) {
			ret = dom ? vib_domain_fill(dom, &fill, stuck) :
				    fill_everywhere(ioas, &fill, stuck);
			if (ret)
				return ret;
		}
		*iova += vib_ext_sum(fill.words, n) << PAGE_SHIFT;
	}
	return 0;
}

/*
 * Takes extents from @iova up to @end out of a domain, but not the holes: where VT-d's driver
 * (until v6.18) finds nothing, it takes out more than it is asked for. Return: false if some of it
 * is stuck.
 */
static bool undo_extents(struct vib_domain *dom, struct vib_extents *batch, u32 nr, u64 iova,
			 u64 end)
{
	struct vib_unfill unfill;
	struct vib_stretch st;
	u64 size;
	u32 i;

	vib_unfill_begin(&unfill, dom);
	vib_for_each_stretch(&st, batch, 0, nr)
		for (i = 0; i < st.nr && iova < end; i++, iova += size) {
			size = vib_ext_pages(st.words[i]) << PAGE_SHIFT;
			if (!vib_ext_is_hole(st.words[i]))
				vib_unfill_range(&unfill, iova, size);
		}
	vib_unfill_sync(&unfill);
	return vib_stuck_none(&unfill.stuck);
}

/* Enters extents, some of which may be holes, into every domain or into none. */
static noinline int fill_stretches(struct vib_ioas *ioas, const struct vib_mapping *map,
				   u64 iova, struct vib_extents *batch, u32 nr, bool *stuck)
{
	struct vib_domain *dom;
	struct vib_stretch st;
	u64 at = iova;
	int ret;

	vib_for_each_stretch(&st, batch, 0, nr) {
		ret = fill_stretch(ioas, NULL, map, &at, &st, stuck);
		if (ret)
			goto err_undo;
	}
	return 0;

err_undo:
	list_for_each_entry(dom, &ioas->domains, node)
		if (!undo_extents(dom, batch, nr, iova, at))
			*stuck = true;
	return ret;
}

/*
 * vib_fill_batch() of anything but one extent of memory. A batch that is pinned is in one vector,
 * so only a module with shorter ones (tests/vm/build --small) comes to chunks of it.
 */
static noinline int fill_pieces(struct vib_ioas *ioas, const struct vib_mapping *map, u64 iova,
				struct vib_extents *batch, u32 nr, bool *stuck)
{
	struct vib_fill fill;

	if (nr == 1 && vib_ext_is_hole(*vib_extents_words(batch)))
		return 0;
	if (nr == 1 && !(map->flags & VIB_F_PAGEWISE))
		return fill_one(ioas, iova, *vib_extents_words(batch), map->prot, stuck);
	if (map->flags & VIB_F_DEVICE || vib_extents_chunked(batch))
		return fill_stretches(ioas, map, iova, batch, nr, stuck);
	fill = fill_of(map, iova, vib_extents_words(batch), nr);
	return fill_everywhere(ioas, &fill, stuck);
}

int vib_fill_batch(struct vib_ioas *ioas, const struct vib_mapping *map, u64 iova,
		   struct vib_extents *batch, u32 nr, bool *stuck)
{
	lockdep_assert_held(&ioas->domains_rwsem);
	if (nr != 1 || map->flags & (VIB_F_DEVICE | VIB_F_PAGEWISE))
		return fill_pieces(ioas, map, iova, batch, nr, stuck);
	return fill_one(ioas, iova, *vib_extents_words(batch), map->prot, stuck);
}

int vib_fill_page(struct vib_ioas *ioas, u64 iova, u64 ext, int prot, bool *stuck)
{
	lockdep_assert_held(&ioas->domains_rwsem);
	return fill_one(ioas, iova, ext, prot, stuck);
}

/*
 * Return: the lowest mapping from @start on that has something to fill, or NULL. It stays, because
 * the thread that owns it must take domains_rwsem, which is held for write, before it can end it.
 * A stuck one is passed over, for nobody may use it any more. If an unmap is in the middle of it,
 * what a domain has of it already goes with the slices that are left. These ask the driver for the
 * rest in vain, too, which is what pass_over() (iommu/domain_unfill.c) takes; VT-d's (until v6.18)
 * would take out more, but it never refuses an unmap, so none is stuck there.
 */
static struct vib_mapping *next_filled(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, start, U64_MAX)
		if (map->first < map->extents.nr && !(map->flags & VIB_F_STUCK))
			break;
	mutex_unlock(&ioas->tree_lock);
	return map;
}

/* Return: index of the extent of a mapping that begins at @iova, or of the first one. */
static u32 index_at(struct vib_mapping *map, u64 iova)
{
	if (iova <= map->span.start)
		return 0;
	return vib_extents_seek(&map->extents, (iova - map->span.start) >> PAGE_SHIFT).index;
}

/* Return: how many page table entries an extent takes, of the last two levels. */
static u64 entries_of(const struct vib_domain *dom, const struct vib_mapping *map, u64 iova,
		      u64 ext)
{
	u64 large = PMD_SIZE >> PAGE_SHIFT, pages = vib_ext_pages(ext), head;

	if (vib_ext_is_hole(ext))
		return 1;
	if (map->flags & VIB_F_PAGEWISE || !(vib_domain_pgsizes(dom) & PMD_SIZE) ||
	    ((iova >> PAGE_SHIFT) ^ vib_ext_pfn(ext)) & (large - 1))
		return pages;
	head = min_t(u64, pages, -vib_ext_pfn(ext) & (large - 1));
	pages -= head;
	return head + pages / large + pages % large;
}

/*
 * Takes extents of a mapping from @first on, which is at @iova, while any of @left is there.
 * Return: index behind the last one.
 */
static u32 cut_turn(const struct vib_domain *dom, struct vib_mapping *map, u32 first, u64 iova,
		    s64 *left)
{
	struct vib_stretch st;
	u32 i;

	vib_for_each_stretch(&st, &map->extents, first, map->extents.nr) {
		for (i = 0; i < st.nr && *left > 0; i++) {
			*left -= entries_of(dom, map, iova, st.words[i]);
			iova += vib_ext_pages(st.words[i]) << PAGE_SHIFT;
		}
		first += i;
		if (*left <= 0)
			break;
	}
	return first;
}

/*
 * Enters what a mapping has from @next on, whole extents, as long as any of @left is there. Moves
 * @next behind it, to 0 at the end of all addresses: what a map in flight adds to the mapping later
 * is entered by that map.
 */
static int fill_mapping(struct vib_domain *dom, struct vib_mapping *map, u64 *next, s64 *left)
{
	struct vib_extents *ex = &map->extents;
	u32 first = max(map->first, index_at(map, *next)), end;
	u64 iova = map->span.start + (vib_extents_pages_in(ex, 0, first) << PAGE_SHIFT);
	struct vib_stretch st;
	int ret;

	vib_bar_adopt(map);
	end = cut_turn(dom, map, first, iova, left);
	vib_for_each_stretch(&st, ex, first, end) {
		ret = fill_stretch(NULL, dom, map, &iova, &st, NULL);
		if (ret)
			return ret;
	}
	*next = end < ex->nr ? iova : map->span.last + 1;
	return 0;
}

int vib_fill_domain(struct vib_ioas *ioas, struct vib_domain *dom, s64 left)
{
	u64 next = dom->filled;
	struct vib_mapping *map;
	int ret;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	/* A map has crossed the rest. */
	if (vib_domain_whole(dom))
		return 0;
	/* While nobody else looks, so that it takes in what follows. */
	WRITE_ONCE(dom->filled, U64_MAX);
	do {
		map = next_filled(ioas, next);
		if (!map)
			return 0;
		ret = fill_mapping(dom, map, &next, &left);
		if (ret)
			return ret;
		cond_resched();
	} while (next && left > 0);
	if (!next)
		return 0;
	WRITE_ONCE(dom->filled, next);
	return VIB_FILL_MORE;
}
