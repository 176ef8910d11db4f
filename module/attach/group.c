// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach and detach of one group, as a transaction: IOVA ranges, domain, mappings, lists.
 *
 * When the first real group joins emulated ones, mappings are only recorded; they are pinned before
 * domains_rwsem is taken (handover.c). When the last real group leaves, mappings end or, if
 * emulated groups stay, are only recorded again.
 */
#include "group.h"
#include "limits.h"
#include "engine/bar.h"
#include "engine/states.h"
#include "mm/rivals.h"
#include "trace/trace.h"

#include <linux/slab.h>

#include "pure/iova.h"

static struct vib_group *find_group(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_domain *dom;
	struct vib_group *grp;

	lockdep_assert_held(&ioas->domains_rwsem);
	vib_for_each_group(ioas, dom, grp)
		if (grp->iommu == iommu)
			return grp;
	return NULL;
}

static struct vib_emulated *find_emulated(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_emulated *emu;

	list_for_each_entry(emu, &ioas->emulated, node)
		if (emu->iommu == iommu)
			return emu;
	return NULL;
}

/* Links an attached group to its domain, which is filled. */
static void link_group(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_domain *dom = grp->domain;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	grp->aperture = vib_domain_aperture(dom);
	list_add_tail(&grp->node, &dom->groups);
}

/* Unlinks a group, and its domain with the last group. */
static void unlink_group(struct vib_ioas *ioas, struct vib_group *grp)
{
	lockdep_assert_held_write(&ioas->domains_rwsem);
	list_del(&grp->node);
	if (list_empty(&grp->domain->groups))
		list_del_init(&grp->domain->node);
}

/* Detaches an unlinked group. Frees its domain with the last group. */
static void leave_domain(struct vib_group *grp)
{
	struct vib_domain *dom = grp->domain;

	vib_domain_detach(dom, grp->iommu);
	/* On some IOMMUs the last cached translations are flushed only here. */
	if (list_empty(&dom->groups))
		vib_domain_free(dom);
}

/*
 * Refuses a group that could send interrupts that the host has not set up, unless the operator
 * allows it.
 */
static int check_msi(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	if (vib_resolve_isolated_msi(iommu) || READ_ONCE(ioas->params->allow_unsafe_interrupts))
		return 0;
	pr_warn_ratelimited("group %d refused: no interrupt remapping; enable it in the firmware, or accept the risk with allow_unsafe_interrupts=1\n",
			    iommu_group_id(iommu));
	return -EPERM;
}

/* Fills a domain that was made for the group with every mapping, if it can hold them. */
static int enter_mappings(struct vib_ioas *ioas, struct vib_group *grp)
{
	int ret;

	/* Before anything is filled that the domain cannot hold. */
	ret = vib_limits_close_domain(ioas, grp);
	if (ret) {
		grp->reason = VIB_REASON_APERTURE;
		return ret;
	}
	ret = vib_fill_fresh(ioas, grp->domain);
	if (ret)
		grp->reason = ret == -EINTR ? VIB_REASON_KILLED : VIB_REASON_FILL;
	return ret;
}

/*
 * The attach ladder. Nothing is attached before reserved regions and interrupts have been checked,
 * and the group is in no list before its domain holds every mapping. grp->reason is set before each
 * step, so that a failure can be reported.
 */
static int attach_locked(struct vib_ioas *ioas, struct vib_group *grp)
{
	int ret;

	grp->reason = VIB_REASON_RESERVED;
	ret = vib_limits_close(ioas, grp);
	if (ret)
		goto err_restore;
	grp->reason = VIB_REASON_NO_MSI_ISOLATION;
	ret = check_msi(ioas, grp->iommu);
	if (ret)
		goto err_restore;
	/* A driver may take levels off the page table of a domain for the device. */
	vib_bars_freeze(ioas);
	grp->reason = VIB_REASON_IOMMU_DRIVER;
	ret = vib_join(ioas, grp);
	if (ret)
		goto err_thaw;
	if (list_empty(&grp->domain->groups)) {
		ret = enter_mappings(ioas, grp);
		if (ret)
			goto err_leave;
	}
	link_group(ioas, grp);
	ret = vib_limits_settle(ioas, grp);
	if (ret) {
		grp->reason = VIB_REASON_APERTURE;
		goto err_unlink;
	}
	vib_bars_thaw(ioas);
	vib_limits_update(ioas);
	return 0;

err_unlink:
	unlink_group(ioas, grp);
err_leave:
	leave_domain(grp);
err_thaw:
	vib_bars_thaw(ioas);
err_restore:
	vib_limits_restore(ioas);
	/* Another call may have published what a domain has that is gone again. */
	vib_limits_update(ioas);
	return ret;
}

/* Can the group be attached now? If not, sets @reason to why. domains_rwsem is held for write. */
static int check_attach(struct vib_ioas *ioas, struct iommu_group *iommu, enum vib_reason *reason)
{
	lockdep_assert_held_write(&ioas->domains_rwsem);
	/*
	 * A live update and emulated devices exclude each other: for an emulated group the caller
	 * holds tree_lock, under which @invalid changes.
	 */
	*reason = VIB_REASON_LIVE_UPDATE;
	if (READ_ONCE(ioas->invalid))
		return -EBUSY;
	*reason = VIB_REASON_ATTACHED;
	return find_group(ioas, iommu) || find_emulated(ioas, iommu) ? -EINVAL : 0;
}

/* Without an @error, domains_rwsem is held and keeps the domain; with one there is no domain. */
static void report_attach(struct vib_ioas *ioas, const struct vib_group *grp, int error)
{
	trace_vib_attach(ioas->handle, iommu_group_id(grp->iommu),
			 error ? -1 : (int)grp->domain->id, grp->reason, error);
}

/* Pins every recorded mapping into @adopted, then attaches. */
static int attach_adopting(struct vib_ioas *ioas, struct vib_group *grp,
			   struct list_head *adopted, struct vib_rival *rival)
{
	int ret;

	do {
		grp->reason = VIB_REASON_HANDOVER;
		ret = vib_handover_pin(ioas, adopted, rival);
		if (ret)
			return ret;
		grp->reason = VIB_REASON_KILLED;
		ret = down_write_killable(&ioas->domains_rwsem);
		if (ret)
			return ret;
		ret = check_attach(ioas, grp->iommu, &grp->reason);
		/* A mapping that was recorded meanwhile must be pinned first, too. */
		if (!ret && vib_handover_pending(ioas))
			ret = -EAGAIN;
		if (!ret)
			ret = attach_locked(ioas, grp);
		if (!ret)
			report_attach(ioas, grp, 0);
		up_write(&ioas->domains_rwsem);
	} while (ret == -EAGAIN);
	return ret;
}

/* The same, and again if it fails at the limit on locked memory because of other calls. */
static int attach_in_turn(struct vib_ioas *ioas, struct vib_group *grp)
{
	struct vib_rival rival;
	LIST_HEAD(adopted);
	int ret;

	vib_rival_init(&rival);
	do {
		ret = attach_adopting(ioas, grp, &adopted, &rival);
		vib_handover_end(ioas, &adopted, !ret);
		if (ret != -ENOMEM || !rival.yields)
			break;
		ret = vib_rival_wait(&rival);
	} while (!ret);
	vib_rival_end(&rival);
	return ret;
}

int vib_group_attach(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_group *grp;
	int ret;

	grp = kzalloc(sizeof(*grp), GFP_KERNEL_ACCOUNT);
	if (!grp)
		return -ENOMEM;
	grp->iommu = iommu;
	grp->reason = VIB_REASON_NO_DEVICE;
	ret = vib_resolve(iommu, &grp->res);
	if (ret)
		goto err_free;
	ret = attach_in_turn(ioas, grp);
	if (ret)
		goto err_fini;
	return 0;

err_fini:
	vib_resolved_fini(&grp->res);
err_free:
	report_attach(ioas, grp, ret);
	kfree(grp);
	return ret;
}

int vib_group_attach_emulated(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_emulated *emu;
	enum vib_reason reason;
	int ret;

	emu = kmalloc(sizeof(*emu), GFP_KERNEL_ACCOUNT);
	if (!emu)
		return -ENOMEM;
	emu->iommu = iommu;
	ret = down_write_killable(&ioas->domains_rwsem);
	if (ret)
		goto err_free;
	mutex_lock(&ioas->tree_lock);
	ret = check_attach(ioas, iommu, &reason);
	if (!ret) {
		reason = VIB_REASON_OWN_NONE;
		list_add_tail(&emu->node, &ioas->emulated);
	}
	trace_vib_attach(ioas->handle, iommu_group_id(iommu), -1, reason, ret);
	mutex_unlock(&ioas->tree_lock);
	up_write(&ioas->domains_rwsem);
	if (ret)
		goto err_free;
	return 0;

err_free:
	kfree(emu);
	return ret;
}

/*
 * Collects the mappings to end, because no group is left; one that a call is making or unfilling is
 * ended by that call.
 */
static void forget_mappings(struct vib_ioas *ioas, struct list_head *batch)
{
	mutex_lock(&ioas->tree_lock);
	vib_ioas_take_live(ioas, batch);
	mutex_unlock(&ioas->tree_lock);
}

/* Collects what a driver did not unmap: no domain translates to it any more. */
static void forget_dead(struct vib_ioas *ioas, struct list_head *batch)
{
	mutex_lock(&ioas->tree_lock);
	vib_ioas_take_dead(ioas, batch);
	mutex_unlock(&ioas->tree_lock);
}

/*
 * Detaches a real group; @batch gets mappings that end with it, @released those that are only
 * recorded from here on.
 */
static void detach_real(struct vib_ioas *ioas, struct vib_group *grp, struct list_head *batch,
			struct list_head *released)
{
	/* Until it is detached, the group reaches what its domain holds. */
	vib_bars_freeze(ioas);
	unlink_group(ioas, grp);
	trace_vib_detach(ioas->handle, iommu_group_id(grp->iommu), grp->domain->id,
			 list_empty(&grp->domain->groups));
	leave_domain(grp);
	vib_bars_thaw(ioas);
	vib_limits_restore(ioas);
	vib_limits_update(ioas);
	if (!list_empty(&ioas->domains))
		return;
	if (list_empty(&ioas->emulated)) {
		forget_mappings(ioas, batch);
	} else {
		forget_dead(ioas, batch);
		vib_handover_release(ioas, released);
	}
}

static void detach_emulated(struct vib_ioas *ioas, struct vib_emulated *emu,
			    struct list_head *batch)
{
	mutex_lock(&ioas->tree_lock);
	list_del(&emu->node);
	trace_vib_detach(ioas->handle, iommu_group_id(emu->iommu), -1, false);
	mutex_unlock(&ioas->tree_lock);
	if (list_empty(&ioas->domains) && list_empty(&ioas->emulated))
		forget_mappings(ioas, batch);
}

void vib_group_detach(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_emulated *emu = NULL;
	struct vib_group *grp;
	LIST_HEAD(released);
	LIST_HEAD(batch);

	down_write(&ioas->domains_rwsem);
	grp = find_group(ioas, iommu);
	if (grp)
		detach_real(ioas, grp, &batch, &released);
	else
		emu = find_emulated(ioas, iommu);
	if (emu)
		detach_emulated(ioas, emu, &batch);
	up_write(&ioas->domains_rwsem);
	WARN_ON_ONCE(!grp && !emu);
	vib_handover_end(ioas, &released, false);
	vib_retire_unmapped(ioas, &batch);
	if (grp)
		vib_resolved_fini(&grp->res);
	kfree(grp);
	kfree(emu);
}

static bool is_emulated(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	bool found;

	mutex_lock(&ioas->tree_lock);
	found = find_emulated(ioas, iommu);
	mutex_unlock(&ioas->tree_lock);
	return found;
}

void vib_group_declare_pins(struct vib_ioas *ioas, struct iommu_group *iommu)
{
	struct vib_group *grp;

	/* Only a real group's first pin matters; a driver's hot path returns here. */
	if (!READ_ONCE(ioas->all_dirty) || is_emulated(ioas, iommu))
		return;
	down_write(&ioas->domains_rwsem);
	grp = find_group(ioas, iommu);
	if (grp && !grp->pins_declared) {
		grp->pins_declared = true;
		vib_limits_update(ioas);
	}
	up_write(&ioas->domains_rwsem);
}
