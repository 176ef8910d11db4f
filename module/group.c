// SPDX-License-Identifier: GPL-2.0-only
/*
 * The domain-list manager: which domain a group joins, and what that means for the windows.
 *
 * Join before allocating: a domain that already has a group of the same IOMMU instance is joined by
 * attaching to it directly; nothing about the domain can change then. The first group of a further
 * instance goes to a fresh domain, which tells its aperture, page sizes and coherency; only if these
 * equal another domain's does the group move over to that one. -EINVAL from an attach says that the
 * device cannot use the domain, and the next is tried; any other errno is returned (before v6.2, where
 * drivers had no such convention, only -ENOMEM, -EBUSY and -EINTR are).
 *
 * Aperture and reserved regions close IOVA ranges. A range that a mapping occupies cannot be closed:
 * then the attach fails with -EINVAL and everything is as before. What a failed or leaving group
 * closed is opened again, from what was recorded for the others.
 */
#include "ioas.h"

#include <linux/slab.h>

#include "compat/attach.h"
#include "pure/iova.h"

static struct vib_group *find_group(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_domain *dom;
	struct vib_group *grp;

	list_for_each_entry(dom, &ioas->domains, node)
		list_for_each_entry(grp, &dom->groups, node)
			if (grp->iommu == iommu)
				return grp;
	return NULL;
}

/* Cuts what a group reserves out of @win; room for it was made. */
static void cut_reserved(struct vib_windows *win, const struct vib_group *grp)
{
	unsigned int i;

	for (i = 0; i < grp->res.nr_reserved; i++)
		WARN_ON_ONCE(vib_windows_cut(win, grp->res.reserved[i].start,
					     grp->res.reserved[i].last));
}

static unsigned int count_reserved(struct vib_ioas *ioas)
{
	struct vib_domain *dom;
	struct vib_group *grp;
	unsigned int nr = 0;

	list_for_each_entry(dom, &ioas->domains, node)
		list_for_each_entry(grp, &dom->groups, node)
			nr += grp->res.nr_reserved;
	return nr;
}

/* Works out the windows of all attached groups into ioas->spare. */
static void rebuild_windows(struct vib_ioas *ioas)
{
	struct vib_windows *win = &ioas->spare;
	struct vib_domain *dom;
	struct vib_group *grp;

	vib_windows_set(win, 0, U64_MAX);
	list_for_each_entry(dom, &ioas->domains, node) {
		struct vib_range now = vib_domain_aperture(dom);

		vib_windows_clip(win, now.start, now.last);
		list_for_each_entry(grp, &dom->groups, node) {
			vib_windows_clip(win, grp->aperture.start, grp->aperture.last);
			cut_reserved(win, grp);
		}
	}
}

/* Is some mapping outside of @win? tree_lock is held. */
static bool conflicts(struct vib_ioas *ioas, const struct vib_windows *win)
{
	u64 start = 0;
	u32 i;

	for (i = 0; i < win->nr; i++) {
		if (win->range[i].start > start &&
		    vib_maptree_first(&ioas->tree, start, win->range[i].start - 1))
			return true;
		if (win->range[i].last == U64_MAX)
			return false;
		start = win->range[i].last + 1;
	}
	return vib_maptree_first(&ioas->tree, start, U64_MAX);
}

/* Makes ioas->spare the windows, unless a mapping or the lack of any window forbids: -EINVAL. */
static int install_windows(struct vib_ioas *ioas)
{
	int ret = 0;

	mutex_lock(&ioas->tree_lock);
	if (!ioas->spare.nr || conflicts(ioas, &ioas->spare))
		ret = -EINVAL;
	else
		swap(ioas->windows, ioas->spare);
	ioas->restricted |= !ret;
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

/* Both vectors get room for the regions of all groups and of @grp, so that rebuilding never fails. */
static int reserve_windows(struct vib_ioas *ioas, const struct vib_group *grp)
{
	u32 cap = count_reserved(ioas) + grp->res.nr_reserved + 1;
	int ret;

	ret = vib_windows_reserve(&ioas->spare, cap);
	if (ret)
		return ret;
	mutex_lock(&ioas->tree_lock);
	ret = vib_windows_reserve(&ioas->windows, cap);
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

/* The windows of the attached groups come back; they held every mapping before. */
static void restore_windows(struct vib_ioas *ioas)
{
	rebuild_windows(ioas);
	mutex_lock(&ioas->tree_lock);
	swap(ioas->windows, ioas->spare);
	ioas->restricted = !list_empty(&ioas->domains);
	mutex_unlock(&ioas->tree_lock);
}

/* Closes what @grp reserves, before it is attached. */
static int close_reserved(struct vib_ioas *ioas, const struct vib_group *grp)
{
	int ret;

	ret = reserve_windows(ioas, grp);
	if (ret)
		return ret;
	rebuild_windows(ioas);
	cut_reserved(&ioas->spare, grp);
	return install_windows(ioas);
}

/* What all domains have in common becomes visible. */
static void update_common(struct vib_ioas *ioas)
{
	u64 pgsizes = U64_MAX;
	bool coherent = true;
	struct vib_domain *dom;

	list_for_each_entry(dom, &ioas->domains, node) {
		pgsizes &= vib_domain_pgsizes(dom);
		coherent &= dom->coherent;
	}
	if (list_empty(&ioas->domains))
		pgsizes = PAGE_MASK;
	mutex_lock(&ioas->tree_lock);
	ioas->pgsizes = vib_pgsizes_collapse(pgsizes);
	ioas->coherent = coherent;
	mutex_unlock(&ioas->tree_lock);
}

static bool has_instance(struct vib_domain *dom, const void *instance)
{
	struct vib_group *grp;

	list_for_each_entry(grp, &dom->groups, node)
		if (instance && grp->res.instance == instance)
			return true;
	return false;
}

static void joined(struct vib_group *grp, struct vib_domain *dom)
{
	grp->domain = dom;
	grp->joined = true;
}

/* Tries the domains that already serve the group's instance: 0, -EINVAL when none takes it, or an errno. */
static int join_direct(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_domain *dom;
	int ret;

	list_for_each_entry(dom, &ioas->domains, node) {
		if (!has_instance(dom, grp->res.instance))
			continue;
		ret = vib_compat_attach_error(vib_domain_attach(dom, grp->iommu));
		if (!ret)
			joined(grp, dom);
		if (ret != -EINVAL)
			return ret;
	}
	return -EINVAL;
}

/*
 * The group is on @fresh, which shows what its instance can do. Moves it to a domain that is alike,
 * if one takes it; else it goes back. Only the way back can fail, and then the group is nowhere.
 */
static int join_alike(struct vib_ioas *ioas, struct vib_group *grp, struct vib_domain *fresh)
{
	struct vib_domain *dom;
	int ret;

	list_for_each_entry(dom, &ioas->domains, node) {
		if (has_instance(dom, grp->res.instance) || !vib_domain_alike(dom, fresh))
			continue;
		vib_domain_detach(fresh, grp->iommu);
		if (!vib_domain_attach(dom, grp->iommu)) {
			joined(grp, dom);
			return 0;
		}
		ret = vib_domain_attach(fresh, grp->iommu);
		if (ret)
			return ret;
	}
	grp->domain = fresh;
	return 0;
}

/*
 * The lowest mapping from @start on that has something to fill. domains_rwsem is held for write, and
 * whoever owns such a mapping must pass it before the mapping can go away.
 */
static struct vib_mapping *next_filled(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map = NULL;
	struct vib_span *span;

	mutex_lock(&ioas->tree_lock);
	for (span = vib_maptree_first(&ioas->tree, start, U64_MAX); span && !map;
	     span = vib_maptree_next(span, U64_MAX)) {
		struct vib_mapping *here = container_of(span, struct vib_mapping, span);

		if (here->first < here->extents.nr && !(here->flags & VIB_F_STUCK))
			map = here;
	}
	mutex_unlock(&ioas->tree_lock);
	return map;
}

static int fill_mapping(struct vib_domain *dom, struct vib_mapping *map)
{
	u64 drained = vib_extents_pages(&map->extents, 0, 0) -
		      vib_extents_pages(&map->extents, map->first, 0);

	return vib_domain_fill(dom, map->span.start + (drained << PAGE_SHIFT), &map->extents,
			       map->first, map->extents.nr - map->first, map->prot,
			       map->flags & VIB_F_PAGEWISE);
}

/* Fills every mapping, as far as it has come, into a new domain. */
static int fill_all(struct vib_ioas *ioas, struct vib_domain *dom)
{
	struct vib_mapping *map;
	u64 next = 0;
	int ret;

	do {
		map = next_filled(ioas, next);
		if (!map)
			return 0;
		ret = fill_mapping(dom, map);
		if (ret)
			return ret;
		next = map->span.last + 1;
	} while (next);
	return 0;
}

/* Settles and fills a domain that @grp alone is on. */
static int equip(struct vib_ioas *ioas, struct vib_group *grp, struct vib_domain *fresh)
{
	int ret;

	ret = vib_domain_prepare(fresh, grp->res.sw_msi, grp->res.sw_msi_base);
	if (ret)
		goto err_detach;
	ret = join_alike(ioas, grp, fresh);
	if (ret)
		return ret;
	if (grp->domain != fresh)
		return 0;
	ret = fill_all(ioas, fresh);
	if (ret)
		goto err_detach;
	return 0;

err_detach:
	vib_domain_detach(fresh, grp->iommu);
	return ret;
}

static int join_fresh(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_domain *fresh;
	int ret;

	fresh = vib_domain_create(grp->iommu);
	if (IS_ERR(fresh))
		return PTR_ERR(fresh);
	ret = vib_domain_attach(fresh, grp->iommu);
	if (!ret)
		ret = equip(ioas, grp, fresh);
	if (ret || grp->domain != fresh)
		vib_domain_free(fresh);
	return ret;
}

/* Puts an attached group into the lists; a domain that came with it, too. */
static void link_group(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_domain *dom = grp->domain;

	grp->aperture = vib_domain_aperture(dom);
	if (list_empty(&dom->node)) {
		dom->id = ioas->next_domain++;
		list_add_tail(&dom->node, &ioas->domains);
	}
	list_add_tail(&grp->node, &dom->groups);
}

/* Takes it out again and off its domain, which is freed with its last group. */
static void unlink_group(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_domain *dom = grp->domain;

	list_del(&grp->node);
	vib_domain_detach(dom, grp->iommu);
	if (!list_empty(&dom->groups))
		return;
	list_del(&dom->node);
	/* The page tables go with it, and on some IOMMUs only now the last cached translations. */
	vib_domain_free(dom);
}

static int attach_locked(struct vib_ioas *ioas, struct vib_group *grp)
{
	int ret;

	if (find_group(ioas, grp->iommu))
		return -EINVAL;
	ret = close_reserved(ioas, grp);
	if (ret)
		return ret;
	ret = join_direct(ioas, grp);
	if (ret == -EINVAL)
		ret = join_fresh(ioas, grp);
	if (ret)
		goto err_restore;
	link_group(ioas, grp);
	rebuild_windows(ioas);
	ret = install_windows(ioas);
	if (ret)
		goto err_unlink;
	update_common(ioas);
	return 0;

err_unlink:
	unlink_group(ioas, grp);
err_restore:
	restore_windows(ioas);
	return ret;
}

/* Interrupts of the group must not reach where the host did not let them, or the operator says so. */
static int check_msi(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	if (vib_resolve_isolated_msi(iommu) || READ_ONCE(ioas->params->allow_unsafe_interrupts))
		return 0;
	pr_warn("No interrupt remapping for group %d; allow_unsafe_interrupts=1 takes it all the same\n",
		iommu_group_id(iommu));
	return -EPERM;
}

int vib_group_attach(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_group *grp;
	int ret;

	grp = kzalloc(sizeof(*grp), GFP_KERNEL_ACCOUNT);
	if (!grp)
		return -ENOMEM;
	grp->iommu = iommu;
	ret = vib_resolve(iommu, &grp->res);
	if (ret)
		goto err_free;
	ret = check_msi(ioas, iommu);
	if (ret)
		goto err_fini;
	ret = down_write_killable(&ioas->domains_rwsem);
	if (ret)
		goto err_fini;
	ret = attach_locked(ioas, grp);
	up_write(&ioas->domains_rwsem);
	if (ret)
		goto err_fini;
	return 0;

err_fini:
	vib_resolved_fini(&grp->res);
err_free:
	kfree(grp);
	return ret;
}

/*
 * No domain is left that translates to anything. Settled mappings end here; those that a call is
 * making or draining stay with that call.
 */
static void forget_mappings(struct vib_ioas *ioas, struct list_head *batch)
{
	mutex_lock(&ioas->tree_lock);
	vib_ioas_take_live(ioas, batch);
	list_splice_init(&ioas->stuck, batch);
	mutex_unlock(&ioas->tree_lock);
}

void vib_group_detach(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_group *grp;
	LIST_HEAD(batch);

	down_write(&ioas->domains_rwsem);
	grp = find_group(ioas, iommu);
	if (grp) {
		unlink_group(ioas, grp);
		update_common(ioas);
		restore_windows(ioas);
		if (list_empty(&ioas->domains))
			forget_mappings(ioas, &batch);
	}
	up_write(&ioas->domains_rwsem);
	if (WARN_ON_ONCE(!grp))
		return;
	vib_retire_unmapped(&batch);
	vib_resolved_fini(&grp->res);
	kfree(grp);
}
