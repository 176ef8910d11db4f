/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attached groups: what is known of one, and attach and detach as transactions. Below are the parts
 * that group.c calls: the limits that groups set (limits.c), the choice of a domain (join.c), and
 * the handover: mappings that change between recorded and pinned as a whole (handover.c).
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
 * @domain: the domain that it is attached to
 * @res: what its members reported; constant
 * @aperture: the domain's aperture after this group was attached
 * @reason: why it got @domain; during an attach, the reason to report if the next step fails
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

/* Every group of every domain. A break ends only the walk of one domain's groups. */
#define vib_for_each_group(ioas, dom, grp) \
	list_for_each_entry(dom, &(ioas)->domains, node) \
		list_for_each_entry(grp, &(dom)->groups, node)

/* group.c */

/*
 * Attaches a group, filling a new domain if it needs one. Return: 0; an errno with nothing changed:
 * -EINVAL if it is attached already, or a mapping lies where the group or its domain cannot reach;
 * -ENODEV without a device, or with one without an IOMMU; -EBUSY while user addresses are taken
 * back (live update), or from the core; -EPERM if interrupts are not isolated; -EINTR when killed;
 * -ENOMEM; what the IOMMU driver or, for recorded mappings, GUP returns. The uapi header lists all.
 */
int vib_group_attach(struct vib_ioas *ioas, struct iommu_group *iommu);

/*
 * Notes that the driver of @iommu pins what it dirties: a real group does not make all memory dirty
 * any more.
 */
void vib_group_declare_pins(struct vib_ioas *ioas, struct iommu_group *iommu);

/*
 * Attaches a group of emulated devices, which need no domain: the CPU does their DMA with our
 * pages. Return: 0; -EINVAL, -EBUSY, -EINTR, -ENOMEM as vib_group_attach().
 */
int vib_group_attach_emulated(struct vib_ioas *ioas, struct iommu_group *iommu);

/* Detaches a group of either kind; cannot fail. With the last group all mappings end. */
void vib_group_detach(struct vib_ioas *ioas, struct iommu_group *iommu);

/* limits.c; domains_rwsem is held for write */

/*
 * Takes what @grp reserves out of the IOVA ranges, before it is attached. Return: 0; -EINVAL if a
 * mapping is there, or no range would be left; -ENOMEM. Undone by vib_limits_restore(), which must
 * also follow a failure.
 */
int vib_limits_close(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * After vib_limits_close(), takes out what grp->domain, which was made for @grp and is in no list
 * yet, cannot reach. Return: 0; -EINVAL if a mapping is there, no range would be left, or the
 * domain's page sizes do not suit the mappings. Undone as vib_limits_close().
 */
int vib_limits_close_domain(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * Installs the IOVA ranges of all attached groups, after @grp, the latest, was linked with its
 * aperture. Return: 0, or -EINVAL if a mapping lies outside.
 */
int vib_limits_settle(struct vib_ioas *ioas, const struct vib_group *grp);

/*
 * Installs the IOVA ranges of the groups in the lists, after a failure or a detach; they hold every
 * mapping. Cannot fail.
 */
void vib_limits_restore(struct vib_ioas *ioas);

/* Publishes what all domains have in common: page sizes, coherency, who makes memory dirty. */
void vib_limits_update(struct vib_ioas *ioas);

/* join.c; domains_rwsem is held for write */

/*
 * Attaches the group to a domain and sets grp->domain and grp->reason. A domain that was made for
 * the group is empty, in no list, and has no other group. Return: 0, or an errno with nothing
 * changed.
 */
int vib_join(struct vib_ioas *ioas, struct vib_group *grp);

/* handover.c */

/*
 * Pins every mapping that is only recorded, before a first domain is made; they are busy and in
 * @adopted from then on, also after a failure, until vib_handover_end(). Return: 0; -EINTR, -ENOMEM
 * or GUP's errno. No lock is held.
 */
int vib_handover_pin(struct vib_ioas *ioas, struct list_head *adopted);

/* Is there a mapping that vib_handover_pin() still has to pin? domains_rwsem is held for write. */
bool vib_handover_pending(struct vib_ioas *ioas);

/*
 * Collects every pinned mapping in @released, because the last domain has gone and emulated groups
 * stay; they are busy until vib_handover_end(). domains_rwsem is held for write.
 */
void vib_handover_release(struct vib_ioas *ioas, struct list_head *released);

/*
 * Ends a handover: with @filled, a domain holds the mappings and they stay pinned; otherwise they
 * are unpinned and only recorded. Corrects the account. No lock is held; cannot fail.
 */
void vib_handover_end(struct vib_ioas *ioas, struct list_head *mappings, bool filled);

#endif
