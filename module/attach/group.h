/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attach and detach as transactions; what is known of an attached group is in member.h. Below are
 * the parts that group.c calls beside limits.h: the choice of a domain (join.c), filling it
 * (fill_turns.c), and the handover: mappings that change between recorded and pinned as a whole
 * (handover.c).
 */
#ifndef VIB_GROUP_H
#define VIB_GROUP_H

#include "member.h"

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

/* fill_turns.c */

/*
 * Enters every mapping into a new domain, and the domain into ioas->domains. Return: 0; an IOMMU
 * driver's errno or -EINTR (killed), with the domain in no list. domains_rwsem is held for write,
 * with device memory frozen. If there are other domains, both are let go of in between: other
 * calls see the domain then, but no group in it, and no group comes or goes, as the VFIO core calls
 * for one at a time. A container's first domain is filled at once: if that failed, what others had
 * pinned for it meanwhile would have to be given back.
 */
int vib_fill_fresh(struct vib_ioas *ioas, struct vib_domain *dom);

/* join.c; domains_rwsem is held for write */

/*
 * Attaches the group to a domain and sets grp->domain and grp->reason. A domain that was made for
 * the group is empty, in no list, and has no other group. Return: 0, or an errno with nothing
 * changed.
 */
int vib_join(struct vib_ioas *ioas, struct vib_group *grp);

/* handover.c */

struct vib_rival;

/*
 * Pins every mapping that is only recorded, before a first domain is made; they are busy and in
 * @adopted from then on, also after a failure, until vib_handover_end(). At the limit on locked
 * memory it may begin anew after that, and after vib_rival_wait(), if rival->yields is set. Return:
 * 0; -EINTR, -ENOMEM or GUP's errno. No lock is held.
 */
int vib_handover_pin(struct vib_ioas *ioas, struct list_head *adopted, struct vib_rival *rival);

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
