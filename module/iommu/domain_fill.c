// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enters extents with as few driver calls as possible: many runs go as a list in one call, so that
 * a driver that syncs its page table syncs it once.
 *
 * Page tables that the driver adds are charged to the memory cgroup of the caller, where the kernel
 * can do that: the gfp argument of each call here, and compat/iommu.h. locked_vm has no part in it.
 *
 * Invariant: an extent never spans two map calls of the driver, and no map call joins two extents:
 * each can be unmapped without the other.
 */
#include "domain_fill.h"

#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/iommu.h"
#include "domain_unfill.h"
#include "pure/iova.h"

enum {
	SG_MAX = 1024,			/* runs handed to the driver with one map-sync */
};

/* A scatterlist entry's length is 32 bits; a power of two keeps the pieces aligned. */
#define SG_PIECE	((u64)SZ_2G)

/**
 * struct fill_cursor - how far a fill has come
 * @dom: the domain
 * @iova: everything before it is entered
 * @words: the next extent
 * @nr: extents left
 * @prot: IOMMU_READ, IOMMU_WRITE and IOMMU_CACHE
 * @pagewise: as in struct vib_fill
 * @sg: room for a list, or NULL: then run by run
 * @sg_max: entries in it
 * @failed: bytes from @iova on that the last call failed to enter
 */
struct fill_cursor {
	struct vib_domain *dom;
	u64 iova;
	const u64 *words;
	u32 nr;
	int prot;
	bool pagewise;
	struct scatterlist *sg;
	u32 sg_max;
	u64 failed;
};

/* Enters contiguous pages with one call of the IOMMU core. */
static int map_pages(struct fill_cursor *cur, u64 pfn, u64 pages)
{
	u64 size = pages << PAGE_SHIFT;
	int ret;

	ret = vib_compat_map(cur->dom->iommu, cur->iova, PFN_PHYS(pfn), size, cur->prot,
			     GFP_KERNEL_ACCOUNT);
	if (ret) {
		cur->failed = size;
		return ret;
	}
	cur->iova += size;
	return 0;
}

/* Enters the next extent, with @pagewise page by page. */
static int fill_run(struct fill_cursor *cur)
{
	u64 pfn = vib_ext_pfn(*cur->words), pages = vib_ext_pages(*cur->words);
	u64 step = cur->pagewise ? 1 : pages;
	int ret;

	for (; pages; pages -= step, pfn += step) {
		ret = map_pages(cur, pfn, step);
		if (ret)
			return ret;
		cond_resched();
	}
	cur->words++;
	cur->nr--;
	return 0;
}

/*
 * Packs an extent into entries from @sg on, of which @room are there, and at least one. Return: how
 * many it takes; 0 if there are too few.
 */
static __always_inline u32 pack_extent(struct scatterlist *sg, u32 room, u64 ext)
{
	struct page *page = pfn_to_page(vib_ext_pfn(ext));
	u64 bytes = vib_ext_pages(ext) << PAGE_SHIFT;
	u32 used = 0;

	if (unlikely(bytes > SG_PIECE)) {
		if (DIV_ROUND_UP_ULL(bytes, SG_PIECE) > room)
			return 0;
		for (; bytes > SG_PIECE; bytes -= SG_PIECE, page += SG_PIECE >> PAGE_SHIFT)
			sg_set_page(sg + used++, page, SG_PIECE, 0);
	}
	sg_set_page(sg + used++, page, bytes, 0);
	return used;
}

/*
 * Packs the next extents into the scatterlist, until one does not fit or has no struct page.
 * Return: how many, with their bytes in @size and the list's length in @entries. Ends before a run
 * that touches the last one: the IOMMU core would merge them into one call, and the driver into one
 * IOMMU page.
 */
static u32 pack_list(struct fill_cursor *cur, u64 *size, u32 *entries)
{
	const u64 *words = cur->words, *end = words + cur->nr;
	u64 ext, pages = 0, behind = VIB_EXT_HOLE;
	struct scatterlist *sg = cur->sg;
	u32 room = cur->sg_max, used;

	for (; words != end && room; words++, sg += used, room -= used) {
		ext = *words;
		if (!(ext & VIB_EXT_PINNED) || vib_ext_pfn(ext) == behind)
			break;
		used = pack_extent(sg, room, ext);
		if (!used)
			break;
		pages += vib_ext_pages(ext);
		behind = vib_ext_pfn(ext) + vib_ext_pages(ext);
	}
	if (sg != cur->sg)
		sg_mark_end(sg - 1);
	*size = pages << PAGE_SHIFT;
	*entries = sg - cur->sg;
	return words - cur->words;
}

/* Enters as many extents as fit a list with one call; if none fits, the next one alone. */
static int fill_list(struct fill_cursor *cur)
{
	ssize_t mapped;
	u32 taken, used;
	u64 size;

	taken = pack_list(cur, &size, &used);
	if (!taken)
		return fill_run(cur);
	mapped = vib_compat_map_sg(cur->dom->iommu, cur->iova, cur->sg, used, cur->prot,
				   GFP_KERNEL_ACCOUNT);
	/* For the next list, which begins with the entries of this one. */
	sg_unmark_end(cur->sg + used - 1);
	if (mapped < 0) {
		cur->failed = size;
		return mapped;
	}
	cur->iova += mapped;
	if ((u64)mapped < size) {
		cur->failed = size - mapped;
		return -ENOMEM;
	}
	cur->words += taken;
	cur->nr -= taken;
	return 0;
}

static int fill_all(struct fill_cursor *cur)
{
	int ret;

	while (cur->nr) {
		ret = cur->sg ? fill_list(cur) : fill_run(cur);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Enters several extents, as lists if there is memory for one and pages are not entered singly. */
static int fill_many(struct fill_cursor *cur)
{
	int ret;

	cur->sg_max = min_t(u32, cur->nr, SG_MAX);
	cur->sg = NULL;
	/* Without memory for a list, the runs go in one by one. */
	if (!cur->pagewise && cur->nr > 1)
		cur->sg = kcalloc(cur->sg_max, sizeof(*cur->sg), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	ret = fill_all(cur);
	kfree(cur->sg);
	return ret;
}

/*
 * Is nothing left in [iova, iova + size) of a failed call? The IOMMU core unmaps what it had
 * entered, but does not check that this worked.
 */
static noinline bool nothing_left(struct vib_domain *dom, u64 iova, u64 size)
{
	for (; size; size -= PAGE_SIZE, iova += PAGE_SIZE) {
		if (vib_domain_keeps(dom, iova))
			return false;
		cond_resched();
	}
	return true;
}

/* Records, in whole levels, that the page table is deep enough for a fill up to @last. */
static inline void extend_reach(struct vib_domain *dom, u64 last)
{
	while (!vib_domain_reaches(dom, last))
		dom->reach = dom->reach << 9 | GENMASK_ULL(8, 0);
}

/*
 * Is what a domain that is being filled gets at @iova to be entered now? If it crosses dom->filled
 * it is, as it is never cut. Only one can: ranges of calls that run beside each other are disjoint,
 * and this one has bytes on both sides. So whoever else compares meanwhile has nothing between the
 * old place and the new one, and finds the same with either.
 */
static noinline bool admit_fill(struct vib_domain *dom, u64 iova, u64 size)
{
	u64 last;

	if (!vib_domain_covers(dom, iova))
		return false;
	if (!vib_range_last(iova, size, &last) || last == U64_MAX)
		WRITE_ONCE(dom->filled, U64_MAX);
	else if (!vib_domain_covers(dom, last))
		WRITE_ONCE(dom->filled, last + 1);
	return true;
}

/* One call, as fill_several() would make it: the most frequent fill. */
int vib_domain_fill_one(struct vib_domain *dom, u64 iova, u64 ext, int prot, bool *stuck)
{
	u64 size = vib_ext_pages(ext) << PAGE_SHIFT, last;
	int ret;

	if (unlikely(!vib_domain_whole(dom)) && !admit_fill(dom, iova, size))
		return 0;
	ret = vib_compat_map(dom->iommu, iova, PFN_PHYS(vib_ext_pfn(ext)), size,
			     prot | IOMMU_CACHE, GFP_KERNEL_ACCOUNT);
	if (unlikely(ret)) {
		if (stuck && !nothing_left(dom, iova, size))
			*stuck = true;
		return vib_domain_errno(ret);
	}
	(void)vib_range_last(iova, size, &last);
	extend_reach(dom, last);
	return 0;
}

static noinline int fill_several(struct vib_domain *dom, const struct vib_fill *fill, bool *stuck)
{
	struct fill_cursor cur = {
		.dom = dom,
		.iova = fill->iova,
		.words = fill->words,
		.nr = fill->nr,
		.prot = fill->prot | IOMMU_CACHE,
		.pagewise = fill->pagewise,
	};
	int ret;

	if (!vib_domain_whole(dom) &&
	    !admit_fill(dom, fill->iova, vib_ext_sum(fill->words, fill->nr) << PAGE_SHIFT))
		return 0;
	ret = fill_many(&cur);
	if (!ret) {
		extend_reach(dom, cur.iova - 1);
		return 0;
	}
	if (stuck && (!vib_domain_undo(dom, fill->iova, cur.iova - fill->iova) ||
		      !nothing_left(dom, cur.iova, cur.failed)))
		*stuck = true;
	return ret;
}

int vib_domain_fill(struct vib_domain *dom, const struct vib_fill *fill, bool *stuck)
{
	if (!fill->nr)
		return 0;
	if (fill->nr == 1 && !fill->pagewise)
		return vib_domain_fill_one(dom, fill->iova, *fill->words, fill->prot, stuck);
	return vib_domain_errno(fill_several(dom, fill, stuck));
}
