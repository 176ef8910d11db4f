// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which domain a group joins: chooses and attaches, nothing else.
 *
 * Join before allocating: a domain that already has a like group of the same IOMMU instance is
 * joined by attaching to it directly; nothing about the domain can change then. The first group of
 * a further instance goes to a fresh domain, which tells its aperture, page sizes and coherency;
 * only if these equal another domain's does the group move over to that one. -EINVAL from an attach
 * says that the device cannot use the domain, and the next is tried; any other errno is returned
 * (compat/attach.h has the rule for kernels before v6.2). domains_rwsem is held for write
 * throughout.
 */
#include "group.h"

#include "compat/attach.h"

/*
 * Is there a group of the same instance that can be made to snoop just when @grp can? Then the
 * domain is what @grp would get by itself. On SMMUv3 two devices of an instance may differ, and the
 * domain of those that cannot snoop is not for one that KVM believes to do so.
 */
static bool has_instance(struct vib_domain *dom, const struct vib_group *grp)
{
	struct vib_group *other;

	list_for_each_entry(other, &dom->groups, node)
		if (grp->res.instance && other->res.instance == grp->res.instance &&
		    other->res.snoops == grp->res.snoops)
			return true;
	return false;
}

/* Where a failed attach could leave a device behind, a domain in use is not risked. */
static bool may_join(const struct vib_group *grp)
{
	return grp->res.nr_devices == 1 || vib_domain_attach_is_whole();
}

static void settle_on(struct vib_group *grp, struct vib_domain *dom, enum vib_reason reason)
{
	grp->domain = dom;
	grp->reason = reason;
}

/*
 * Tries the domains that already serve the group's instance: 0, -EINVAL when none takes it, or an
 * errno.
 */
static int join_direct(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_domain *dom;
	int ret;

	list_for_each_entry(dom, &ioas->domains, node) {
		if (!may_join(grp) || !has_instance(dom, grp))
			continue;
		ret = vib_compat_attach_error(vib_domain_attach(dom, grp->iommu));
		if (!ret)
			settle_on(grp, dom, VIB_REASON_JOINED_INSTANCE);
		if (ret != -EINVAL)
			return ret;
	}
	return -EINVAL;
}

/* What kept a group off every domain that was there before its own. */
static enum vib_reason own_reason(struct vib_ioas *ioas, const struct vib_group *grp)
{
	struct vib_domain *dom;

	if (list_empty(&ioas->domains))
		return VIB_REASON_OWN_FIRST;
	if (!may_join(grp))
		return VIB_REASON_OWN_SEVERAL;
	list_for_each_entry(dom, &ioas->domains, node)
		if (has_instance(dom, grp))
			return VIB_REASON_OWN_DECLINED;
	return VIB_REASON_OWN_UNLIKE;
}

/*
 * The group is on @fresh, which shows what its instance can do. Moves it to a domain that is alike,
 * if one takes it; else it goes back. After an errno the group is nowhere.
 */
static int join_alike(struct vib_ioas *ioas, struct vib_group *grp, struct vib_domain *fresh)
{
	struct vib_domain *dom;
	int ret;

	list_for_each_entry(dom, &ioas->domains, node) {
		if (!may_join(grp) || has_instance(dom, grp) ||
		    !vib_domain_alike(dom, fresh))
			continue;
		vib_domain_detach(fresh, grp->iommu);
		ret = vib_compat_attach_error(vib_domain_attach(dom, grp->iommu));
		if (!ret)
			settle_on(grp, dom, VIB_REASON_JOINED_ALIKE);
		if (ret != -EINVAL)
			return ret;
		ret = vib_domain_attach(fresh, grp->iommu);
		if (ret)
			return ret;
	}
	settle_on(grp, fresh, own_reason(ioas, grp));
	return 0;
}

/* A domain of its own, unless that shows the group to fit one that is there. */
static int join_fresh(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_domain *fresh;
	int ret;

	fresh = vib_domain_create(grp->iommu);
	if (IS_ERR(fresh))
		return PTR_ERR(fresh);
	ret = vib_domain_attach(fresh, grp->iommu);
	if (ret)
		goto err_free;
	ret = vib_domain_prepare(fresh, grp->res.sw_msi, grp->res.sw_msi_base);
	if (ret)
		goto err_detach;
	ret = join_alike(ioas, grp, fresh);
	if (ret)
		goto err_free;
	if (grp->domain != fresh)
		vib_domain_free(fresh);
	return 0;

err_detach:
	vib_domain_detach(fresh, grp->iommu);
err_free:
	vib_domain_free(fresh);
	return ret;
}

int vib_join(struct vib_ioas *ioas, struct vib_group *grp)
{
	int ret;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	ret = join_direct(ioas, grp);
	return ret == -EINVAL ? join_fresh(ioas, grp) : ret;
}
