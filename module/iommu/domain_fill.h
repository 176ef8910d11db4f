/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entering extents into a domain: all of them, or none. domain.h says what may run beside it.
 */
#ifndef VIB_DOMAIN_FILL_H
#define VIB_DOMAIN_FILL_H

#include "domain.h"
#include "pure/extents.h"

/**
 * struct vib_fill - extents to be entered
 * @iova: IOVA of the first extent
 * @words: the extents
 * @nr: how many
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @pagewise: one call of the driver for each CPU page (parameter disable_hugepages)
 */
struct vib_fill {
	u64 iova;
	const u64 *words;
	u32 nr;
	int prot;
	bool pagewise;
};

/*
 * Enters all extents, unless they are behind what is filled of a domain that is being filled: that
 * counts as done. Return: 0, or the IOMMU driver's errno with none of them left in the page
 * table. If some could not be unmapped again, sets @stuck: then all pages must stay pinned until
 * the domain is freed. Never clears @stuck. If @stuck is NULL, the caller frees the domain after an
 * errno: nothing is undone then.
 */
int vib_domain_fill(struct vib_domain *dom, const struct vib_fill *fill, bool *stuck);

/* The same for one extent, which goes in as large pages as the driver has. */
int vib_domain_fill_one(struct vib_domain *dom, u64 iova, u64 ext, int prot, bool *stuck);

#endif
