// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses a domain for a group and attaches it, nothing else.
 *
 * Join before allocating: if a domain already has a group of the same IOMMU instance and with the
 * same snooping, the group is attached to it directly; nothing about the domain can change by that.
 * The first group of another instance goes to a fresh domain, which shows its aperture, page sizes
 * and coherency; only if these equal another domain's does the group move to that one. -EINVAL from
 * an attach means that the device cannot use the domain, and the next is tried; any other errno is
 * returned (compat/attach.h has the rule for kernels before v6.2). domains_rwsem is held for write
 * throughout.
 */
#include "group.h"

#include "compat/attach.h"

/*
 * Has the domain a group of the same instance, equal in whether its DMA can be made to snoop? Then
 * @grp would get the same domain by itself. On SMMUv3 two devices of an instance may differ, and a
 * device that KVM takes to be coherent must not get the domain of those that cannot snoop.
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

/* If a failed attach could leave a device on the domain, no domain in use is tried. */
static bool may_join(const struct vib_group *grp)
{
	return grp->res.nr_devices == 1 || vib_domain_attach_is_atomic();
}

static void settle_on(struct vib_group *grp, struct vib_domain *dom, enum vib_reason reason)
{
	grp->domain = dom;
	grp->reason = reason;
}

/*
 * Tries the domains that already serve the group's instance. Return: 0; -EINVAL if none accepts it;
 * or another errno, which ends the attach.
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

/* Return: why the group could join no domain that was there, and got its own. */
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
 * if one accepts it, or back to @fresh. After an errno the group is on no domain.
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

/* Attaches the group to a new domain, or to one that the new one proves to be alike. */
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
