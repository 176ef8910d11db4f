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
#include "walk.h"

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

/* Return: bytes of the extents [first, end). */
static u64 extents_bytes(struct vib_extents *ex, u32 first, u32 end)
{
	return (vib_extents_pages(ex, first, 0) - vib_extents_pages(ex, end, 0)) << PAGE_SHIFT;
}

/* Return: the description of a fill of the extents [first, end) of @ex at @iova. */
static struct vib_fill fill_of(const struct vib_mapping *map, u64 iova, struct vib_extents *ex,
			       u32 first, u32 end)
{
	return (struct vib_fill){
		.iova = iova,
		.words = vib_extents_words(ex) + first,
		.nr = end - first,
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
	u64 pages = 0;
	int ret;
	u32 i;

	list_for_each_entry(dom, &ioas->domains, node) {
		ret = vib_domain_fill(dom, fill, stuck);
		if (!ret)
			continue;
		for (i = 0; i < fill->nr; i++)
			pages += vib_ext_pages(fill->words[i]);
		return undo_fill(ioas, dom, fill->iova, pages << PAGE_SHIFT, ret, stuck);
	}
	return 0;
}

/* Return: the end of the run from @first on that is all holes, or has none; at most @nr. */
static u32 run_end(struct vib_extents *ex, u32 first, u32 nr)
{
	u64 *words = vib_extents_words(ex);
	bool hole = vib_ext_is_hole(words[first]);
	u32 end = first;

	while (end < nr && vib_ext_is_hole(words[end]) == hole)
		end++;
	return end;
}

/* Enters extents, some of which may be holes, into every domain or into none. */
static noinline int fill_around_holes(struct vib_ioas *ioas, const struct vib_mapping *map,
				      u64 iova, struct vib_extents *batch, u32 nr, bool *stuck)
{
	u32 first = 0, end;
	u64 at = iova;
	int ret = 0;

	for (; first < nr; first = end) {
		struct vib_fill fill;

		end = run_end(batch, first, nr);
		fill = fill_of(map, at, batch, first, end);
		if (!vib_ext_is_hole(*fill.words))
			ret = fill_everywhere(ioas, &fill, stuck);
		if (ret)
			break;
		at += extents_bytes(batch, first, end);
	}
	if (ret && !undo_before(ioas, NULL, iova, at - iova))
		*stuck = true;
	return ret;
}

/* vib_fill_batch() of anything but one extent of memory. */
static noinline int fill_pieces(struct vib_ioas *ioas, const struct vib_mapping *map, u64 iova,
				struct vib_extents *batch, u32 nr, bool *stuck)
{
	struct vib_fill fill;

	if (nr == 1 && vib_ext_is_hole(*vib_extents_words(batch)))
		return 0;
	if (nr == 1 && !(map->flags & VIB_F_PAGEWISE))
		return fill_one(ioas, iova, *vib_extents_words(batch), map->prot, stuck);
	if (map->flags & VIB_F_DEVICE)
		return fill_around_holes(ioas, map, iova, batch, nr, stuck);
	fill = fill_of(map, iova, batch, 0, nr);
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

static int fill_mapping(struct vib_domain *dom, struct vib_mapping *map)
{
	struct vib_extents *ex = &map->extents;
	u64 iova = map->span.start + extents_bytes(ex, 0, map->first);
	u32 first = map->first, end;
	int ret = 0;

	vib_bar_adopt(map);
	for (; first < ex->nr && !ret; first = end) {
		struct vib_fill fill;

		end = map->flags & VIB_F_DEVICE ? run_end(ex, first, ex->nr) : ex->nr;
		fill = fill_of(map, iova, ex, first, end);
		if (!vib_ext_is_hole(*fill.words))
			ret = vib_domain_fill(dom, &fill, NULL);
		iova += extents_bytes(ex, first, end);
	}
	return ret;
}

int vib_fill_domain(struct vib_ioas *ioas, struct vib_domain *dom)
{
	struct vib_mapping *map;
	u64 next = 0;
	int ret;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	do {
		map = next_filled(ioas, next);
		if (!map)
			return 0;
		ret = fill_mapping(dom, map);
		if (ret)
			return ret;
		next = map->span.last + 1;
		cond_resched();
	} while (next);
	return 0;
}
