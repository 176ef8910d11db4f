// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the attached groups and domains leave for mappings: IOVA ranges, page sizes, coherency.
 *
 * Apertures and reserved regions limit the IOVA ranges. If a mapping lies in what a group would
 * take out, the attach fails with -EINVAL and everything is as before. When a group fails to attach
 * or leaves, the ranges are rebuilt from what is recorded for the others; memory for that is
 * reserved ahead. domains_rwsem is held for write throughout.
 */
#include "limits.h"
#include "engine/dirty.h"

#include "pure/iova.h"

enum {
	ROOM_MIN = 8,			/* ranges that there is room for from the first group on */
};

/* Cuts what a group reserves out of @ranges; room for it was made. */
static void cut_reserved(struct vib_ranges *ranges, const struct vib_group *grp)
{
	unsigned int i;

	for (i = 0; i < grp->res.nr_reserved; i++)
		WARN_ON_ONCE(vib_ranges_cut(ranges, grp->res.reserved[i].start,
					    grp->res.reserved[i].last));
}

static unsigned int count_reserved(struct vib_ioas *ioas)
{
	struct vib_domain *dom;
	struct vib_group *grp;
	unsigned int nr = 0;

	vib_for_each_group(ioas, dom, grp)
		nr += grp->res.nr_reserved;
	return nr;
}

/* Works out the IOVA ranges of all attached groups into ioas->spare. */
static void rebuild_ranges(struct vib_ioas *ioas)
{
	struct vib_ranges *ranges = &ioas->spare;
	struct vib_domain *dom;
	struct vib_group *grp;

	vib_ranges_set(ranges, 0, U64_MAX);
	list_for_each_entry(dom, &ioas->domains, node) {
		struct vib_range now = vib_domain_aperture(dom);

		vib_ranges_clip(ranges, now.start, now.last);
		list_for_each_entry(grp, &dom->groups, node) {
			vib_ranges_clip(ranges, grp->aperture.start, grp->aperture.last);
			cut_reserved(ranges, grp);
		}
	}
}

/* Is some mapping outside of @ranges? tree_lock is held. */
static bool ranges_conflict(struct vib_ioas *ioas, const struct vib_ranges *ranges)
{
	u64 start = 0;
	u32 i;

	lockdep_assert_held(&ioas->tree_lock);
	if (!ioas->tree.nr)
		return false;
	for (i = 0; i < ranges->nr; i++) {
		if (ranges->range[i].start > start &&
		    vib_maptree_first(&ioas->tree, start, ranges->range[i].start - 1))
			return true;
		if (ranges->range[i].last == U64_MAX)
			return false;
		start = ranges->range[i].last + 1;
	}
	return vib_maptree_first(&ioas->tree, start, U64_MAX);
}

/*
 * Installs ioas->spare as the IOVA ranges. Return: -EINVAL if it is empty or a mapping is outside.
 */
static int install_ranges(struct vib_ioas *ioas)
{
	int ret = 0;

	mutex_lock(&ioas->tree_lock);
	if (!ioas->spare.nr || ranges_conflict(ioas, &ioas->spare))
		ret = -EINVAL;
	else
		swap(ioas->ranges, ioas->spare);
	ioas->restricted |= !ret;
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

/*
 * Makes room in both vectors for the regions of all groups and of @grp, so that rebuilding never
 * fails, and some more, so that not every group costs an allocation.
 */
static int reserve_ranges(struct vib_ioas *ioas, const struct vib_group *grp)
{
	u32 cap = count_reserved(ioas) + grp->res.nr_reserved + 1;
	int ret;

	if (cap <= ioas->spare.cap && cap <= ioas->ranges.cap)
		return 0;
	cap = max_t(u32, 2 * cap, ROOM_MIN);
	ret = vib_ranges_reserve(&ioas->spare, cap);
	if (ret)
		return ret;
	mutex_lock(&ioas->tree_lock);
	ret = vib_ranges_reserve(&ioas->ranges, cap);
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

void vib_limits_restore(struct vib_ioas *ioas)
{
	bool restricted = !list_empty(&ioas->domains);

	lockdep_assert_held_write(&ioas->domains_rwsem);
	if (restricted)
		rebuild_ranges(ioas);
	mutex_lock(&ioas->tree_lock);
	if (restricted)
		swap(ioas->ranges, ioas->spare);
	ioas->restricted = restricted;
	mutex_unlock(&ioas->tree_lock);
}

/* Return: the page sizes that all domains and, unless NULL, @extra have. */
static u64 common_pgsizes(struct vib_ioas *ioas, const struct vib_domain *extra)
{
	u64 pgsizes = extra ? vib_domain_pgsizes(extra) : U64_MAX;
	struct vib_domain *dom;

	list_for_each_entry(dom, &ioas->domains, node)
		pgsizes &= vib_domain_pgsizes(dom);
	return vib_pgsizes_collapse(pgsizes);
}

/*
 * Can the smallest page size become that of @pgsizes? Not if mappings or bitmaps were made for a
 * smaller one. tree_lock is held.
 */
static bool pgsizes_fit(struct vib_ioas *ioas, u64 pgsizes)
{
	u64 now = vib_pgsize_smallest(vib_ioas_pgsizes(ioas));
	u64 next = vib_pgsize_smallest(pgsizes);

	lockdep_assert_held(&ioas->tree_lock);
	return next && (next <= now || (!ioas->tree.nr && !ioas->tracking));
}

/* Do the IOVA ranges exclude what @grp reserves, as they mostly do with a similar group there? */
static bool closed_already(struct vib_ioas *ioas, const struct vib_group *grp)
{
	unsigned int i;

	for (i = 0; i < grp->res.nr_reserved; i++)
		if (vib_ranges_meet(&ioas->ranges, grp->res.reserved[i].start,
				    grp->res.reserved[i].last))
			return false;
	return ioas->restricted;
}

int vib_limits_close(struct vib_ioas *ioas, const struct vib_group *grp)
{
	int ret;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	ret = reserve_ranges(ioas, grp);
	if (ret || closed_already(ioas, grp))
		return ret;
	rebuild_ranges(ioas);
	cut_reserved(&ioas->spare, grp);
	return install_ranges(ioas);
}

int vib_limits_close_domain(struct vib_ioas *ioas, const struct vib_group *grp)
{
	struct vib_range aperture = vib_domain_aperture(grp->domain);
	int ret;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	rebuild_ranges(ioas);
	cut_reserved(&ioas->spare, grp);
	vib_ranges_clip(&ioas->spare, aperture.start, aperture.last);
	ret = install_ranges(ioas);
	if (ret)
		return ret;
	mutex_lock(&ioas->tree_lock);
	ret = pgsizes_fit(ioas, common_pgsizes(ioas, grp->domain)) ? 0 : -EINVAL;
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

int vib_limits_settle(struct vib_ioas *ioas, const struct vib_group *grp)
{
	lockdep_assert_held_write(&ioas->domains_rwsem);
	/* What it reserves was taken out before; only its aperture is new. */
	if (vib_ranges_within(&ioas->ranges, grp->aperture.start, grp->aperture.last))
		return 0;
	rebuild_ranges(ioas);
	return install_ranges(ioas);
}

/* Does some group's DMA make memory dirty without a report? */
static bool dirties_silently(struct vib_ioas *ioas)
{
	struct vib_domain *dom;
	struct vib_group *grp;

	vib_for_each_group(ioas, dom, grp)
		if (!grp->pins_declared)
			return true;
	return false;
}

void vib_limits_update(struct vib_ioas *ioas)
{
	bool silent = dirties_silently(ioas);
	u64 pgsizes = list_empty(&ioas->domains) ? PAGE_MASK : common_pgsizes(ioas, NULL);
	bool coherent = true;
	struct vib_domain *dom;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	list_for_each_entry(dom, &ioas->domains, node)
		coherent &= dom->coherent;
	mutex_lock(&ioas->tree_lock);
	ioas->pgsizes = pgsizes;
	ioas->coherent = coherent;
	if (ioas->all_dirty && !silent && ioas->tracking)
		vib_dirty_mark_all(ioas);
	ioas->all_dirty = silent;
	mutex_unlock(&ioas->tree_lock);
}
