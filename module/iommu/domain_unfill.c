// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes translations out, and decides how to flush.
 *
 * The IOMMU core's gather flushes by itself whenever a range is added that does not touch what it
 * holds, or was mapped with another page size; one gather over scattered ranges would flush for
 * each range. So each driver call gets a gather of its own, which then never flushes, and the union
 * is kept here. At the end:
 *
 *  - if the union is not much larger than what it covers, and of one page size (SMMUv3 flushes by
 *    it), or the driver does not ask (x86): one flush of the union;
 *  - otherwise: one flush of the whole domain. The page-table pages that the drivers put aside can
 *    only be freed by a range flush, so one over a single page follows; over the union if a flush
 *    of the domain leaves out the devices' own TLBs.
 *
 * Invariant: no page-table page is freed, and no page unpinned, before the flush that covers it.
 */
#include "domain_unfill.h"

#include <linux/sched.h>

#include "compat/gather.h"
#include "pure/iova.h"

enum {
	/* A union up to this many times what it covers is flushed as a range. */
	SPAN_FACTOR = 4,
};

void vib_unfill_begin(struct vib_unfill *unfill, struct vib_domain *dom)
{
	unfill->dom = dom;
	unfill->start = U64_MAX;
	unfill->last = 0;
	unfill->covered = 0;
	unfill->pgsize = PAGE_SIZE;
	unfill->mixed = false;
	unfill->stuck = (struct vib_range){ .start = U64_MAX };
	iommu_iotlb_gather_init(&unfill->gather);
	iommu_iotlb_gather_init(&unfill->tables);
}

/* Adds a range that a driver took out. */
static inline void note_range(struct vib_unfill *unfill, u64 iova, u64 size)
{
	u64 last;

	if (!vib_range_last(iova, size, &last))
		last = U64_MAX;
	if (!VIB_COMPAT_SYNC_ANY_PGSIZE) {
		if (!unfill->covered)
			unfill->pgsize = unfill->gather.pgsize;
		unfill->mixed |= unfill->pgsize != unfill->gather.pgsize;
	}
	unfill->covered += size;
	unfill->start = min(unfill->start, iova);
	unfill->last = max(unfill->last, last);
	vib_compat_gather_splice(&unfill->gather, &unfill->tables);
}

/* Return: how much of [iova, iova + size) the core passes to the driver in its first call. */
static u64 first_piece(const struct vib_domain *dom, u64 iova, u64 size)
{
	u64 pgsizes = vib_domain_pgsizes(dom);
	u64 fit = pgsizes & GENMASK_ULL(fls64(size) - 1, 0);
	u64 larger, pgsize, to_larger;

	if (iova)
		fit &= GENMASK_ULL(__ffs64(iova), 0);
	if (!fit)
		return size;
	pgsize = BIT_ULL(fls64(fit) - 1);
	larger = pgsizes & ~(pgsize | (pgsize - 1));
	if (larger) {
		larger = vib_pgsize_smallest(larger);
		to_larger = larger - (iova & (larger - 1));
		if (to_larger < size && size - to_larger >= larger)
			return to_larger;
	}
	return size & ~(pgsize - 1);
}

static inline u64 unmap_piece(struct vib_unfill *unfill, u64 iova, u64 size)
{
	u64 done;

	/* Empties it, which is cheaper than initialising it. */
	unfill->gather.start = ULONG_MAX;
	unfill->gather.end = 0;
	unfill->gather.pgsize = 0;
	done = iommu_unmap_fast(unfill->dom->iommu, iova, size, &unfill->gather);
	if (done)
		note_range(unfill, iova, done);
	return done;
}

/* Not inlined: each copy would have a WARN_ONCE of its own. */
noinline bool vib_domain_keeps(struct vib_domain *dom, u64 iova)
{
	if (!iommu_iova_to_phys(dom->iommu, iova))
		return false;
	WARN_ONCE(1, "vfio_iommu_batch: the IOMMU driver does not unmap 0x%llx\n", iova);
	return true;
}

/*
 * Skips a page that we filled and the driver did not take out. If it is still translated, it is
 * stuck until the domain is freed. Return: how many bytes to skip.
 */
static u64 pass_over(struct vib_unfill *unfill, u64 iova)
{
	u64 pgsize = vib_pgsize_smallest(vib_domain_pgsizes(unfill->dom));

	if (vib_domain_keeps(unfill->dom, iova)) {
		unfill->stuck.start = min(unfill->stuck.start, iova);
		unfill->stuck.last = max(unfill->stuck.last, iova | ~PAGE_MASK);
	}
	return max_t(u64, pgsize, PAGE_SIZE);
}

/* Takes out the rest of a range after the driver took out @done bytes with the first piece. */
static noinline void unfill_rest(struct vib_unfill *unfill, u64 iova, u64 size, u64 done)
{
	for (;;) {
		if (!done && size > PAGE_SIZE)
			done = unmap_piece(unfill, iova, PAGE_SIZE);
		if (!done)
			done = pass_over(unfill, iova);
		/* More than asked for is normal where the driver unmaps whole blocks. */
		if (done >= size)
			return;
		iova += done;
		size -= done;
		cond_resched();
		done = unmap_piece(unfill, iova, first_piece(unfill->dom, iova, size));
	}
}

/*
 * vib_unfill_range() of a domain that is being filled: the part that is in it. No extent crosses
 * the end of that.
 */
static noinline u64 covered_part(const struct vib_domain *dom, u64 iova, u64 size)
{
	u64 filled = READ_ONCE(dom->filled);

	return iova < filled ? min(size, filled - iova) : 0;
}

/* vib_unfill_range() of more than one page. */
static noinline void unfill_pages(struct vib_unfill *unfill, u64 iova, u64 size)
{
	u64 done;

	if (!size)
		return;
	done = unmap_piece(unfill, iova, first_piece(unfill->dom, iova, size));
	if (done < size)
		unfill_rest(unfill, iova, size, done);
}

void vib_unfill_range(struct vib_unfill *unfill, u64 iova, u64 size)
{
	u64 done;

	if (unlikely(!vib_domain_whole(unfill->dom)))
		size = covered_part(unfill->dom, iova, size);
	if (size != PAGE_SIZE) {
		unfill_pages(unfill, iova, size);
		return;
	}
	done = unmap_piece(unfill, iova, PAGE_SIZE);
	if (unlikely(done < PAGE_SIZE))
		unfill_rest(unfill, iova, PAGE_SIZE, done);
}

/* Is the union close enough to what was unfilled to be flushed as one range? */
static bool is_compact(const struct vib_unfill *unfill)
{
	if (unfill->mixed)
		return false;
	/* VT-d flushes cached page tables only with the piece that carries them, the last. */
	if ((unfill->start ^ unfill->last) >> VIB_COMPAT_SYNC_BITS)
		return false;
	/* These drivers flush the domain themselves for a range that is too large. */
	if (VIB_COMPAT_SYNC_ANY_PGSIZE)
		return true;
	return (unfill->last - unfill->start) / SPAN_FACTOR <= unfill->covered;
}

/* Makes [start, last] the naturally aligned block that holds it, or blocks of the largest size. */
static void round_out(u64 *start, u64 *last)
{
	unsigned int bits = min_t(unsigned int, fls64(*start ^ *last), VIB_COMPAT_SYNC_BITS);
	u64 mask = BIT_ULL(bits) - 1;

	*start &= ~mask;
	*last |= mask;
}

/* Flushes [start, last], and frees the tables that wait in @unfill if there are any. */
static unsigned int sync_range(struct vib_unfill *unfill, u64 start, u64 last)
{
	u64 piece = BIT_ULL(VIB_COMPAT_SYNC_BITS);
	unsigned int flushes = 1;

	if (VIB_COMPAT_SYNC_BLOCKS)
		round_out(&start, &last);
	/* The tables go with the last piece, below. */
	for (; last - start >= piece; start += piece, flushes++) {
		struct iommu_iotlb_gather gather;

		iommu_iotlb_gather_init(&gather);
		gather.start = start;
		gather.end = start + (piece - 1);
		gather.pgsize = unfill->pgsize;
		iommu_iotlb_sync(unfill->dom->iommu, &gather);
	}
	unfill->tables.start = start;
	unfill->tables.end = last;
	unfill->tables.pgsize = unfill->pgsize;
	iommu_iotlb_sync(unfill->dom->iommu, &unfill->tables);
	return flushes;
}

/* Flushes the whole domain, then a range, which frees the tables. */
static unsigned int sync_domain(struct vib_unfill *unfill)
{
	u64 pgsize = max_t(u64, PAGE_SIZE, vib_pgsize_smallest(vib_domain_pgsizes(unfill->dom)));

	iommu_flush_iotlb_all(unfill->dom->iommu);
	if (VIB_COMPAT_SYNC_BLOCKS)
		return 1 + sync_range(unfill, unfill->start, unfill->last);
	unfill->pgsize = pgsize;
	return 1 + sync_range(unfill, unfill->start & ~(pgsize - 1), unfill->start | (pgsize - 1));
}

unsigned int vib_unfill_sync(struct vib_unfill *unfill)
{
	if (!unfill->covered)
		return 0;
	/* Without a flush of the whole domain, a driver can only flush the union. */
	if (is_compact(unfill) || !unfill->dom->iommu->ops->flush_iotlb_all)
		return sync_range(unfill, unfill->start, unfill->last);
	return sync_domain(unfill);
}

bool vib_unfill_page(struct vib_domain *dom, u64 iova)
{
	return iommu_unmap(dom->iommu, iova, PAGE_SIZE) >= PAGE_SIZE;
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
