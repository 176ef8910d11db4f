// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking translations out, with as few flushes as can be. The other half of domain.c.
 *
 * The IOMMU core's gather flushes by itself whenever a range that is added does not touch, or was
 * mapped with another page size than, what it holds; one gather over scattered ranges would flush
 * as often as there are ranges. So each driver call gets a gather of its own, which therefore never
 * flushes, and the union is kept here. At the end:
 *
 *  - where a range flush of any width is one command or two (x86: the drivers turn a wide one into
 *  a
 *    flush of the domain), or the union has one page size and is not much larger than what it
 *    covers: flush the union;
 *  - otherwise: flush the whole domain. The page-table pages that the drivers put aside can only be
 *    freed by a range flush, so one over a single page follows.
 *
 * Invariant: nothing frees a table page, and nobody unpins, before the flush that covers it.
 */
#include "domain.h"

#include <linux/sched.h>

#include "compat/iommu.h"
#include "pure/iova.h"

enum {
	/* A union up to this many times what it covers is flushed as a range. */
	SPAN_FACTOR = 4,
};

void vib_drain_begin(struct vib_drain *drain, struct vib_domain *dom)
{
	drain->dom = dom;
	drain->start = U64_MAX;
	drain->last = 0;
	drain->covered = 0;
	drain->pgsize = 0;
	drain->mixed = false;
	drain->stuck = (struct vib_range){ .start = U64_MAX };
	iommu_iotlb_gather_init(&drain->tables);
}

/* Adds a range that a driver took out. */
static void note(struct vib_drain *drain, u64 iova, u64 size, struct iommu_iotlb_gather *gather)
{
	u64 last;

	if (!vib_range_last(iova, size, &last))
		last = U64_MAX;
	if (!drain->covered)
		drain->pgsize = gather->pgsize;
	else if (drain->pgsize != gather->pgsize)
		drain->mixed = true;
	drain->start = min(drain->start, iova);
	drain->last = max(drain->last, last);
	drain->covered += size;
	vib_compat_gather_splice(gather, &drain->tables);
}

/* How much of [iova, iova + size) the core hands to the driver in its first call. */
static u64 next_piece(u64 pgsizes, u64 iova, u64 size)
{
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

static u64 unmap_piece(struct vib_drain *drain, u64 iova, u64 size)
{
	struct iommu_iotlb_gather gather;
	u64 done;

	iommu_iotlb_gather_init(&gather);
	done = iommu_unmap_fast(drain->dom->iommu, iova, size, &gather);
	if (done)
		note(drain, iova, done, &gather);
	return done;
}

/*
 * The driver took nothing out at @iova, though we filled it. Skips what translates to nothing; what
 * still translates is left to the freeing of the domain. Returns how far to go on.
 */
static u64 pass_over(struct vib_drain *drain, u64 iova)
{
	u64 pgsize = vib_pgsize_smallest(vib_domain_pgsizes(drain->dom));

	if (iommu_iova_to_phys(drain->dom->iommu, iova)) {
		WARN_ONCE(1, "vfio_iommu_batch: the IOMMU driver does not unmap 0x%llx\n", iova);
		drain->stuck.start = min(drain->stuck.start, iova);
		drain->stuck.last = max(drain->stuck.last, iova | ~PAGE_MASK);
	}
	return max_t(u64, pgsize, PAGE_SIZE);
}

void vib_drain_range(struct vib_drain *drain, u64 iova, u64 size)
{
	u64 pgsizes = vib_domain_pgsizes(drain->dom);
	u64 piece, done;

	for (;;) {
		piece = size == PAGE_SIZE ? size : next_piece(pgsizes, iova, size);
		done = unmap_piece(drain, iova, piece);
		if (!done && piece > PAGE_SIZE)
			done = unmap_piece(drain, iova, PAGE_SIZE);
		if (!done)
			done = pass_over(drain, iova);
		/* More than asked for is normal where the driver unmaps whole blocks. */
		if (done >= size)
			return;
		iova += done;
		size -= done;
		cond_resched();
	}
}

/* Is a flush of the union a fair description of what was drained? */
static bool compact(const struct vib_drain *drain)
{
	if (VIB_COMPAT_WIDE_SYNC)
		return true;
	return !drain->mixed && (drain->last - drain->start) / SPAN_FACTOR <= drain->covered;
}

/* Flushes [start, last], and frees the tables that wait in @drain if there are any. */
static unsigned int sync_range(struct vib_drain *drain, u64 start, u64 last)
{
	unsigned int flushes = 1;

	/* Tables wait for the last piece: before it, the gather has none. */
	for (; last - start >= VIB_COMPAT_SYNC_MAX; start += VIB_COMPAT_SYNC_MAX, flushes++) {
		struct iommu_iotlb_gather piece;

		iommu_iotlb_gather_init(&piece);
		piece.start = start;
		piece.end = start + (VIB_COMPAT_SYNC_MAX - 1);
		piece.pgsize = drain->pgsize;
		iommu_iotlb_sync(drain->dom->iommu, &piece);
	}
	drain->tables.start = start;
	drain->tables.end = last;
	drain->tables.pgsize = drain->pgsize;
	iommu_iotlb_sync(drain->dom->iommu, &drain->tables);
	return flushes;
}

unsigned int vib_drain_sync(struct vib_drain *drain)
{
	struct iommu_domain *iommu = drain->dom->iommu;
	struct vib_range stuck = drain->stuck;
	unsigned int flushes;
	u64 pgsize;

	if (!drain->covered)
		return 0;
	/* A driver without a whole-domain flush has nothing that is better than the union. */
	if (compact(drain) || !iommu->ops->flush_iotlb_all) {
		flushes = sync_range(drain, drain->start, drain->last);
	} else {
		iommu_flush_iotlb_all(iommu);
		pgsize = max_t(u64, PAGE_SIZE, vib_pgsize_smallest(vib_domain_pgsizes(drain->dom)));
		drain->pgsize = pgsize;
		drain->start &= ~(pgsize - 1);
		flushes = 1 + sync_range(drain, drain->start, drain->start | (pgsize - 1));
	}
	vib_drain_begin(drain, drain->dom);
	drain->stuck = stuck;
	return flushes;
}
