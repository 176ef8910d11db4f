// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of an IOMMU domain. With domain_fill.c and domain_unfill.c the sole caller of the IOMMU
 * API's domain calls. Knows nothing of mappings, pins or who owns the memory.
 */
#include "domain.h"

#include <linux/slab.h>

#include "compat/attach.h"
#include "compat/iommu.h"
#include "resolve.h"

static int alloc_for_device(struct device *dev, void *data)
{
	struct vib_domain *dom = data;

	dom->iommu = vib_compat_domain_alloc(dev);
	return vib_domain_errno(PTR_ERR_OR_ZERO(dom->iommu));
}

struct vib_domain *vib_domain_create(struct iommu_group *group)
{
	struct vib_domain *dom;
	int ret;

	dom = kzalloc(sizeof(*dom), GFP_KERNEL_ACCOUNT);
	if (!dom)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&dom->node);
	INIT_LIST_HEAD(&dom->groups);
	dom->reach = VIB_DOMAIN_REACH;
	ret = vib_resolve_call(group, alloc_for_device, dom);
	if (ret) {
		kfree(dom);
		return ERR_PTR(ret);
	}
	return dom;
}

void vib_domain_free(struct vib_domain *dom)
{
	/* A device that could not be moved off still walks the page table, which holds nothing. */
	if (WARN_ONCE(dom->stray, "vfio_iommu_batch: a domain is kept for a device left on it\n"))
		return;
	iommu_domain_free(dom->iommu);
	kfree(dom);
}

int vib_domain_attach(struct vib_domain *dom, struct iommu_group *group)
{
	return vib_domain_errno(vib_compat_attach_group(dom->iommu, group, &dom->stray));
}

bool vib_domain_attach_is_atomic(void)
{
	return vib_compat_attach_is_atomic();
}

void vib_domain_detach(struct vib_domain *dom, struct iommu_group *group)
{
	iommu_detach_group(dom->iommu, group);
}

int vib_domain_prepare(struct vib_domain *dom, bool sw_msi, u64 sw_msi_base)
{
	int ret;

	dom->coherent = vib_compat_enforce_coherency(dom->iommu);
	if (!sw_msi)
		return 0;
	ret = iommu_get_msi_cookie(dom->iommu, sw_msi_base);
	/* -ENODEV: the kernel has no IRQ domains that need doorbells to be mapped. */
	return ret == -ENODEV ? 0 : vib_domain_errno(ret);
}

bool vib_domain_alike(const struct vib_domain *a, const struct vib_domain *b)
{
	return a->iommu->ops == b->iommu->ops && a->coherent == b->coherent &&
	       a->iommu->pgsize_bitmap == b->iommu->pgsize_bitmap &&
	       a->iommu->geometry.aperture_start == b->iommu->geometry.aperture_start &&
	       a->iommu->geometry.aperture_end == b->iommu->geometry.aperture_end;
}

struct vib_range vib_domain_aperture(const struct vib_domain *dom)
{
	return (struct vib_range){
		.start = dom->iommu->geometry.aperture_start,
		.last = dom->iommu->geometry.aperture_end,
	};
}
