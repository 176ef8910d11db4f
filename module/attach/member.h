/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The members of an ioas: what is known of each attached group, and the walk of them all. The lists
 * are changed by group.c, and that of domains by fill_turns.c, with domains_rwsem held for write;
 * held for read, they stand.
 */
#ifndef VIB_MEMBER_H
#define VIB_MEMBER_H

#include "engine/engine.h"
#include "iommu/domain.h"
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

#endif
