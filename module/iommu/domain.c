// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of an IOMMU domain, and filling it. With domain_unfill.c the sole caller of the IOMMU API's
 * domain calls. Knows nothing of mappings, pins or who owns the memory.
 */
#include "domain.h"

#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/attach.h"
#include "compat/iommu.h"
#include "resolve.h"

enum {
	SG_MAX = 1024,			/* runs handed to the driver with one map-sync */
};

/* A scatterlist entry's length is 32 bits; a power of two keeps the pieces aligned. */
#define SG_PIECE	((u64)SZ_2G)

/* -EAGAIN has a meaning of its own in the engine, "look again"; a driver's is a refusal. */
static int private_errno(int ret)
{
	return ret == -EAGAIN ? -EBUSY : ret;
}

static int alloc_for_device(struct device *dev, void *data)
{
	struct vib_domain *dom = data;

	dom->iommu = vib_compat_domain_alloc(dev);
	return private_errno(PTR_ERR_OR_ZERO(dom->iommu));
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
	ret = vib_resolve_call(group, alloc_for_device, dom);
	if (ret) {
		kfree(dom);
		return ERR_PTR(ret);
	}
	return dom;
}

void vib_domain_free(struct vib_domain *dom)
{
	/* A device that could not be moved off still walks the page table, which is empty. */
	if (WARN_ONCE(dom->stray, "vfio_iommu_batch: a domain is kept for a device left on it\n"))
		return;
	iommu_domain_free(dom->iommu);
	kfree(dom);
}

int vib_domain_attach(struct vib_domain *dom, struct iommu_group *group)
{
	return private_errno(vib_compat_attach_group(dom->iommu, group, &dom->stray));
}

bool vib_domain_attach_is_whole(void)
{
	return vib_compat_attach_is_whole();
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
	/* Without IRQ domains that need it, the kernel has no doorbells to map. */
	return ret == -ENODEV ? 0 : private_errno(ret);
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

/* Enters one run with one call. */
static inline int map_run(struct vib_domain *dom, u64 iova, u64 ext, int prot)
{
	return vib_compat_map(dom->iommu, iova, PFN_PHYS(vib_ext_pfn(ext)),
			      vib_ext_pages(ext) << PAGE_SHIFT, prot, GFP_KERNEL_ACCOUNT);
}

/* Enters one run, page by page if so wanted; how much of it got in is in @done, also on failure. */
static int fill_run(struct vib_domain *dom, u64 iova, u64 ext, int prot, bool pagewise, u64 *done)
{
	u64 pfn = vib_ext_pfn(ext), pages = vib_ext_pages(ext), i;
	int ret;

	*done = 0;
	if (!pagewise) {
		ret = map_run(dom, iova, ext, prot);
		*done = ret ? 0 : pages << PAGE_SHIFT;
		return ret;
	}
	for (i = 0; i < pages; i++, *done += PAGE_SIZE) {
		ret = map_run(dom, iova + *done, vib_ext_make(pfn + i, 1, 0), prot);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Can the scatterlist describe it? Only memory that has a struct page. */
static bool sg_takes(u64 ext)
{
	return ext & VIB_EXT_PINNED;
}

/*
 * Packs extents into @sg until it is full or one does not fit: how many, with their bytes in @size.
 * Runs that touch stay apart: the IOMMU core would merge them into one call and the driver into one
 * IOMMU page, but they are taken out one without the other.
 */
static u32 sg_pack(struct scatterlist *sg, u32 max, const u64 *words, u32 nr, u64 *size)
{
	u32 used = 0, i;

	*size = 0;
	sg_init_table(sg, max);
	for (i = 0; i < nr && sg_takes(words[i]); i++) {
		u64 bytes = vib_ext_pages(words[i]) << PAGE_SHIFT;
		struct page *page = pfn_to_page(vib_ext_pfn(words[i]));
		u64 off;

		if (i && vib_ext_touches(words[i - 1], words[i]))
			break;
		if (used + DIV_ROUND_UP_ULL(bytes, SG_PIECE) > max)
			break;
		for (off = 0; off < bytes; off += SG_PIECE)
			sg_set_page(sg + used++, page + (off >> PAGE_SHIFT),
				    min(bytes - off, SG_PIECE), 0);
		*size += bytes;
	}
	if (used)
		sg_mark_end(sg + used - 1);
	return i;
}

/*
 * Enters a list of runs with one call: how many extents, 0 when the first is no such run, or an
 * errno.
 */
static int fill_list(struct vib_domain *dom, u64 iova, const u64 *words, u32 nr, int prot,
		     struct scatterlist *sg, u32 max, u64 *done)
{
	ssize_t mapped;
	u64 size;
	u32 taken;

	taken = sg_pack(sg, max, words, nr, &size);
	*done = 0;
	if (!taken)
		return 0;
	mapped = vib_compat_map_sg(dom->iommu, iova, sg, sg_nents(sg), prot, GFP_KERNEL_ACCOUNT);
	if (mapped < 0)
		return mapped;
	*done = mapped;
	return (u64)mapped == size ? (int)taken : -ENOMEM;
}

/* Fills until done or failed; how far is in @filled. @sg may be NULL: then run by run. */
static int fill_all(struct vib_domain *dom, u64 iova, const u64 *words, u32 nr, int prot,
		    bool pagewise, struct scatterlist *sg, u32 max, u64 *filled)
{
	int ret;
	u64 done;
	u32 i = 0;

	for (*filled = 0; i < nr; *filled += done) {
		ret = 0;
		done = 0;
		if (sg)
			ret = fill_list(dom, iova + *filled, words + i, nr - i, prot, sg, max,
					&done);
		if (!ret) {
			ret = fill_run(dom, iova + *filled, words[i], prot, pagewise, &done);
			ret = ret ? ret : 1;
		}
		if (ret < 0) {
			*filled += done;
			return ret;
		}
		i += ret;
		cond_resched();
	}
	return 0;
}

bool vib_domain_undo(struct vib_domain *dom, u64 iova, u64 size)
{
	struct vib_unfill unfill;

	if (!size)
		return true;
	vib_unfill_begin(&unfill, dom);
	vib_unfill_range(&unfill, iova, size);
	vib_unfill_sync(&unfill);
	return vib_stuck_none(&unfill.stuck);
}

/* Several extents: as lists where that is possible, or one by one. */
static int fill_many(struct vib_domain *dom, u64 iova, const u64 *words, u32 nr, int prot,
		     bool pagewise, u64 *filled)
{
	u32 max = min_t(u32, nr, SG_MAX);
	struct scatterlist *sg = NULL;
	int ret;

	/* Without memory for a list, the runs go in one by one. */
	if (!pagewise)
		sg = kmalloc_array(max, sizeof(*sg), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	ret = fill_all(dom, iova, words, nr, prot, pagewise, sg, max, filled);
	kfree(sg);
	return ret;
}

int vib_domain_fill(struct vib_domain *dom, u64 iova, struct vib_extents *ex, u32 first, u32 nr,
		    int prot, bool pagewise, bool *stuck)
{
	const u64 *words = vib_extents_words(ex) + first;
	u64 filled = 0;
	int ret;

	if (!nr)
		return 0;
	prot |= IOMMU_CACHE;
	/* One call of the driver, which it undoes itself. */
	if (nr == 1 && !pagewise)
		return private_errno(map_run(dom, iova, words[0], prot));
	ret = fill_many(dom, iova, words, nr, prot, pagewise, &filled);
	if (ret && !vib_domain_undo(dom, iova, filled))
		*stuck = true;
	return private_errno(ret);
}
