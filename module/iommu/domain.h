/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One hardware page table and its life: create, attach, detach, free. domain_fill.h and
 * domain_unfill.h have what is put into it and taken out.
 *
 * Locking: the caller serialises attach, detach and free of a domain against everything else, and
 * fills and unfills of one IOVA range against each other. Fills and unfills of different ranges may
 * run in parallel, but a fill beyond what vib_domain_reaches() has the domain to itself. All of it
 * can sleep. Nothing that takes away (unfill, sync, detach, free) can fail.
 *
 * A domain that is being filled holds everything below @filled, and nothing from there on. What
 * others fill or unfill behind it passes the domain by: whoever fills it meets that later, or does
 * not find it. An extent that crosses it is entered as a whole, and moves it on.
 *
 * Why, driver by driver, of what runs in parallel in one domain (ranges do not overlap):
 *
 *	AMD-Vi, own tables (until v5.10, and generic_pt since v6.19): everything; root and depth are
 *		one word.
 *	AMD-Vi, io_pgtable (v5.11 to v6.18): everything but a fill that needs another level. Root
 *		and depth are two words that others read without a lock: they may walk the new root
 *		with the old depth, and enter, or look for, a page at an alias of its address. Fixed
 *		by 1e56310b40fd (v6.17) and in some stable series; no header tells where.
 *	VT-d until v6.18: everything. But if its walks do not snoop the CPU caches, one fill may use
 *		a table that another has entered and not yet flushed to memory, and finish first.
 *		Until that flush, devices fault on what it has filled; they never reach a page
 *		that they should not.
 *	VT-d since v6.19 (generic_pt), SMMUv2 and SMMUv3 (io-pgtable-arm): everything; a fill that
 *		finds a table that may not be in memory yet flushes it.
 *	virtio-iommu: everything; one lock for the list of mappings, one for the queue.
 *
 * No other driver's tables grow, but no interface tells: all are treated alike, which costs each
 * domain one exclusive fill for each level that is added.
 */
#ifndef VIB_DOMAIN_H
#define VIB_DOMAIN_H

#include <linux/build_bug.h>
#include <linux/iommu.h>
#include <linux/list.h>

#include "pure/ranges.h"

/**
 * struct vib_domain - one IOMMU domain and the groups on it
 * @node: link in the ioas' list
 * @groups: the groups attached, by their own node
 * @iommu: the core's object
 * @coherent: even DMA that asks not to snoop the CPU caches snoops them
 * @stray: a failed attach may have left a device on it for good
 * @id: id for debugfs and tracepoints
 * @reach: highest IOVA that the page table is known to be deep enough for
 * @filled: how far it is filled: an IOVA, or U64_MAX once it is whole. Changed by whoever has the
 *	domain to itself, and by a fill that crosses it
 */
struct vib_domain {
	struct list_head node;
	struct list_head groups;
	struct iommu_domain *iommu;
	bool coherent;
	bool stray;
	unsigned int id;
	u64 reach;
	u64 filled;
};

/* Every page table is at least this deep: three levels with pages of 4 KiB. */
#define VIB_DOMAIN_REACH	(BIT_ULL(39) - 1)

/* -EAGAIN has a meaning of its own in the engine, "look again"; a driver's is a refusal. */
static inline int vib_domain_errno(int ret)
{
	return ret == -EAGAIN ? -EBUSY : ret;
}

/* Return: a new, empty domain that the devices of @group should accept; ERR_PTR. Not filled. */
struct vib_domain *vib_domain_create(struct iommu_group *group);

/* Frees a domain without groups, its page tables and, with them, every translation. */
void vib_domain_free(struct vib_domain *dom);

/* Return: 0 or the core's errno: -EINVAL means that these devices cannot use this domain. */
int vib_domain_attach(struct vib_domain *dom, struct iommu_group *group);
void vib_domain_detach(struct vib_domain *dom, struct iommu_group *group);

/*
 * Does a failed attach of a group leave none of its devices on the domain? If not, a group of
 * several devices must only be tried on an empty domain.
 */
bool vib_domain_attach_is_atomic(void);

/*
 * Completes a new domain after its first attach: enforces coherency if possible, and reserves the
 * doorbell window if @sw_msi. Return: 0, or an errno of the latter.
 */
int vib_domain_prepare(struct vib_domain *dom, bool sw_msi, u64 sw_msi_base);

/* May a fill up to @last run beside others? The answer holds until an exclusive fill runs. */
static inline bool vib_domain_reaches(const struct vib_domain *dom, u64 last)
{
	return last <= dom->reach;
}

/* Others read it while a fill moves it on: never half of it. */
static_assert(sizeof_field(struct vib_domain, filled) <= sizeof(long));

static inline bool vib_domain_whole(const struct vib_domain *dom)
{
	return READ_ONCE(dom->filled) == U64_MAX;
}

/*
 * Is what others hold at @iova in the domain, too? The answer holds for whoever the range is of,
 * as long as nobody has the domain to itself.
 */
static inline bool vib_domain_covers(const struct vib_domain *dom, u64 iova)
{
	return iova < READ_ONCE(dom->filled);
}

/* Could both page tables serve the same devices equally well? */
bool vib_domain_alike(const struct vib_domain *a, const struct vib_domain *b);

/* Addresses that the domain's devices can use now. */
struct vib_range vib_domain_aperture(const struct vib_domain *dom);

/* IOMMU page sizes of the domain, as the driver reports them after an attach. */
static inline u64 vib_domain_pgsizes(const struct vib_domain *dom)
{
	return dom->iommu->pgsize_bitmap;
}

#endif
