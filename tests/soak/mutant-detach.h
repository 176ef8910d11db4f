/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bug to be found: group.c with this included takes the last group off its
 * domain only after the pages are unpinned, and gives others time to get them.
 * The module made of it has to fail the stale DMA test; see tests/soak/run
 * --only mutant. For one container at a time.
 */
#ifndef VIB_SOAK_MUTANT_DETACH_H
#define VIB_SOAK_MUTANT_DETACH_H

#include <linux/delay.h>

enum { LATE_MS = 2000 };

static struct {
	struct vib_domain *dom;
	struct iommu_group *group;
	bool last;
} late;

static inline void detach_late(struct vib_domain *dom, struct iommu_group *group)
{
	late.dom = dom;
	late.group = group;
	late.last = false;
}

static inline void unpin_then_detach(struct vib_ioas *ioas, struct list_head *batch)
{
	vib_retire_unmapped(ioas, batch);
	if (!late.dom)
		return;
	if (late.last)
		msleep(LATE_MS);
	vib_domain_detach(late.dom, late.group);
	if (late.last)
		vib_domain_free(late.dom);
	late.dom = NULL;
}

#define vib_domain_detach(dom, group) detach_late(dom, group)
#define vib_domain_free(dom) (late.last = true)
#define vib_retire_unmapped(ioas, batch) unpin_then_detach(ioas, batch)

#endif
