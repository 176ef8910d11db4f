/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One hardware page table: create, attach, fill, unfill, sync, free.
 *
 * Locking: the caller serialises attach, detach and free of a domain against everything else, and
 * fills and unfills of one IOVA range against each other; fills and unfills of different ranges may
 * run in parallel. All of it can sleep. Nothing that takes away (unfill, sync, detach, free) can
 * fail.
 */
#ifndef VIB_DOMAIN_H
#define VIB_DOMAIN_H

#include <linux/iommu.h>
#include <linux/list.h>

#include "pure/extents.h"
#include "pure/ranges.h"

/**
 * struct vib_domain - one IOMMU domain and the groups on it
 * @node: link in the ioas' list
 * @groups: the groups attached, by their own node
 * @iommu: the core's object
 * @coherent: DMA that asks not to snoop the CPU caches snoops all the same
 * @stray: a failed attach may have left a device on it, for good
 * @id: a number for people
 */
struct vib_domain {
	struct list_head node;
	struct list_head groups;
	struct iommu_domain *iommu;
	bool coherent;
	bool stray;
	unsigned int id;
};

/* A new, empty domain that the devices of @group can be expected to accept; ERR_PTR. */
struct vib_domain *vib_domain_create(struct iommu_group *group);

/* Frees the page tables and, with them, every translation. No group is attached. */
void vib_domain_free(struct vib_domain *dom);

/* The core's errno: -EINVAL says that these devices cannot use this domain. */
int vib_domain_attach(struct vib_domain *dom, struct iommu_group *group);
void vib_domain_detach(struct vib_domain *dom, struct iommu_group *group);

/*
 * Does a failed attach leave none of several devices on the domain? Else such a group must only be
 * tried on a domain that is empty.
 */
bool vib_domain_attach_is_whole(void);

/*
 * What a first attach has settled: coherency enforced, doorbell window reserved. Errno of the
 * latter.
 */
int vib_domain_prepare(struct vib_domain *dom, bool sw_msi, u64 sw_msi_base);

/* Could both page tables serve the same devices equally well? */
bool vib_domain_alike(const struct vib_domain *a, const struct vib_domain *b);

/* Addresses that the domain's devices can use now. */
struct vib_range vib_domain_aperture(const struct vib_domain *dom);

/* IOMMU page sizes of the domain, as the driver reports them after an attach. */
static inline u64 vib_domain_pgsizes(const struct vib_domain *dom)
{
	return dom->iommu->pgsize_bitmap;
}

/**
 * vib_domain_fill - enter extents into the page table
 * @dom: the domain
 * @iova: where the first extent goes
 * @ex: vector of extents
 * @first: index of the first one
 * @nr: how many
 * @prot: IOMMU_READ and IOMMU_WRITE
 * @pagewise: one call of the driver for each CPU page (parameter disable_hugepages)
 *
 * @stuck: set when a failed fill could not be taken back: the pages must stay pinned until the
 *	domain is freed; else left alone
 *
 * Return: 0, or the IOMMU driver's errno with nothing of the call left in the page table.
 */
int vib_domain_fill(struct vib_domain *dom, u64 iova, struct vib_extents *ex, u32 first, u32 nr,
		    int prot, bool pagewise, bool *stuck);

/* Takes a filled range out again and syncs; false when something would not go. */
bool vib_domain_undo(struct vib_domain *dom, u64 iova, u64 size);

/**
 * struct vib_unfill - ranges taken out of one domain and not flushed yet
 * @dom: the domain
 * @start: lowest byte
 * @last: highest byte
 * @covered: bytes in all
 * @pgsize: page size that the driver reported for the first range, SMMUv3's level hint; x86
 *	drivers do not ask
 * @mixed: ranges of several page sizes, which one range flush cannot describe
 * @stuck: from the lowest to the highest byte that would not go (empty: start > last); the pages
 *	there must stay pinned until the domain is freed
 * @gather: for one driver call
 * @tables: page-table pages to free after the flush
 */
struct vib_unfill {
	struct vib_domain *dom;
	u64 start;
	u64 last;
	u64 covered;
	size_t pgsize;
	bool mixed;
	struct vib_range stuck;
	struct iommu_iotlb_gather gather;
	struct iommu_iotlb_gather tables;
};

/* Nothing is stuck. */
static inline bool vib_stuck_none(const struct vib_range *stuck)
{
	return stuck->start > stuck->last;
}

void vib_unfill_begin(struct vib_unfill *unfill, struct vib_domain *dom);

/*
 * Takes [iova, iova + size), all of it filled, out of the page table. Devices may still use it from
 * their caches.
 */
void vib_unfill_range(struct vib_unfill *unfill, u64 iova, u64 size);

/*
 * Makes every device forget what was taken out, then frees the tables. Returns the number of
 * flushes. After it, the pages may be unpinned except those in @stuck, and the unfill is over.
 */
unsigned int vib_unfill_sync(struct vib_unfill *unfill);

/*
 * Takes out and flushes a page that is all there is: what a struct vib_unfill would come to, with
 * no ranges to remember. False when the driver did not take it out: nothing has changed.
 */
bool vib_unfill_page(struct vib_domain *dom, u64 iova);

#endif
