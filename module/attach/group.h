/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attached groups: what is known of one, and attach and detach as transactions. Below, what group.c
 * is made of: the limits that groups set, the choice of a domain, and the handing over of mappings
 * between "recorded for emulated devices" and "filled into domains".
 */
#ifndef VIB_GROUP_H
#define VIB_GROUP_H

#include "iommu/domain.h"
#include "engine/engine.h"
#include "iommu/resolve.h"

/**
 * struct vib_group - one attached group
 * @node: link in its domain's list
 * @iommu: the group; the VFIO core keeps it as long as it is attached
 * @domain: where it is attached
 * @res: what its members said; constant
 * @aperture: what the driver reported for the domain when this group came
 * @reason: for @domain; while it is being attached, what a failure of the next step means
 * @pins_declared: its driver pins what it dirties (pin_pages), so it does not make all memory dirty
 */
struct vib_group {
	struct list_head node;
	struct iommu_group *iommu;
	struct vib_domain *domain;
	struct vib_resolved res;
	struct vib_range aperture;
	enum vib_reason reason;
	bool pins_declared;
};

/**
 * struct vib_emulated - one attached group of emulated devices
 * @node: link in the ioas' list
 * @iommu: the group
 */
struct vib_emulated {
	struct list_head node;
	struct iommu_group *iommu;
};

/* Every group of every domain; break leaves the groups of one domain only. */
#define vib_for_each_group(ioas, dom, grp) \
	list_for_each_entry(dom, &(ioas)->domains, node) \
		list_for_each_entry(grp, &(dom)->groups, node)

/* group.c */

/*
 * Attaches a group, filling a new domain where needed. -EINVAL: attached already, or a mapping lies
 * where the group or its domain cannot reach; -ENODEV: no device, or one without an IOMMU; -EBUSY:
 * user addresses are taken back (live update), or the core's; -EPERM: interrupts are not isolated;
 * -EINTR: killed; -ENOMEM; else what the IOMMU driver or, for recorded mappings, GUP says. Nothing
 * has changed then.
 */
int vib_group_attach(struct vib_ioas *ioas, struct iommu_group *iommu);

/*
 * The driver of @iommu pins what it dirties: a real group does not make all memory dirty any more.
 */
void vib_group_declare_pins(struct vib_ioas *ioas, struct iommu_group *iommu);

/*
 * Takes a group of emulated devices in: no domain, its DMA is done by our pages. -EINVAL, -EBUSY,
 * -ENOMEM.
 */
int vib_group_attach_emulated(struct vib_ioas *ioas, struct iommu_group *iommu);

/* Detaches either kind; cannot fail. The last group takes all mappings along. */
void vib_group_detach(struct vib_ioas *ioas, struct iommu_group *iommu);

/* limits.c; domains_rwsem is held for write */

/*
 * Closes what @grp reserves, before it is attached. 0; -EINVAL when a mapping is there, or nothing
 * would be left; -ENOMEM. Undone by vib_limits_restore(), also after a failure.
 */
int vib_limits_close(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * After vib_limits_close(), closes what grp->domain, which came with @grp and is in no list yet,
 * cannot reach. 0; -EINVAL when a mapping is there, nothing would be left, or the domain's page
 * sizes do not suit the mappings. Undone by vib_limits_restore(), also after a failure.
 */
int vib_limits_close_domain(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * Makes the IOVA ranges of all attached groups valid, @grp being the latest, whose aperture is
 * known now: 0, or -EINVAL when a mapping is outside.
 */
int vib_limits_settle(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * The IOVA ranges of the attached groups come back after a failure or a detach; they hold every
 * mapping.
 */
void vib_limits_restore(struct vib_ioas *ioas);

/* What all domains have in common, page sizes and the like, becomes visible. */
void vib_limits_update(struct vib_ioas *ioas);

/* join.c; domains_rwsem is held for write */

/*
 * Attaches the group to a domain, grp->domain, and notes why that one. A domain that came with the
 * group is empty, in no list, and has no other group. Errno with nothing changed.
 */
int vib_join(struct vib_ioas *ioas, struct vib_group *grp);

/* handover.c */

/*
 * Pins every mapping that is only recorded, before a first domain comes; they are busy and in
 * @adopted from then on, also after a failure, until vib_handover_end(). -EINTR, -ENOMEM or GUP's
 * errno. No lock is held.
 */
int vib_handover_pin(struct vib_ioas *ioas, struct list_head *adopted);

/* Is there a mapping that still needs it? domains_rwsem is held for write. */
bool vib_handover_pending(struct vib_ioas *ioas);

/*
 * The last domain has left, emulated groups stay: collects every pinned mapping. domains_rwsem is
 * held for write.
 */
void vib_handover_release(struct vib_ioas *ioas, struct list_head *released);

/*
 * Ends a handover: with @filled the mappings stay pinned, for the domain that holds them now;
 * without they are recorded only. The account follows. No lock is held; cannot fail.
 */
void vib_handover_end(struct vib_ioas *ioas, struct list_head *mappings, bool filled);

#endif
