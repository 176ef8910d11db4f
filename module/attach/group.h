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

/* group.c */

/*
 * Attaches a group, filling a new domain where needed. Errno as design of the ABI has it; see
 * group.c.
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
 * Closes what @grp reserves, before it is attached, and, with @fresh, what that domain of its own
 * cannot reach. 0; -EINVAL when a mapping is there, nothing would be left, or page sizes do not
 * suit the mappings; -ENOMEM. A failure is undone by vib_limits_restore().
 */
int vib_limits_close(struct vib_ioas *ioas, const struct vib_group *grp,
		     const struct vib_domain *fresh);

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
 * Attaches the group to a domain, grp->domain, filled but maybe not in the list yet, and notes why
 * that one; errno with nothing changed.
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
 * Charges what devices have pinned of a busy mapping and nobody has charged, unless the mapping is
 * pinned as a whole or about to be. No lock is held; cannot fail.
 */
void vib_handover_charge_pins(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * Ends a handover: with @filled the mappings stay pinned, for the domain that holds them now;
 * without they are recorded only. The account follows. No lock is held; cannot fail.
 */
void vib_handover_end(struct vib_ioas *ioas, struct list_head *mappings, bool filled);

#endif
