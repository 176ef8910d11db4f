/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be done to the mappings of an ioas. Unless it says otherwise, nothing of ours is held on
 * entry, and everything may sleep.
 *
 * Bounds, and how they nest. MAP_DMA goes in pin batches (VIB_PIN_BUDGET in mm/pin.h: 128 MiB,
 * charged ahead at once and filled under one hold of domains_rwsem; of scattered memory
 * VIB_PIN_RUNS, so that a batch is no large part of what is kept), each of GUP calls
 * (VIB_PIN_BATCH pages, there too) and of driver calls (SG_MAX runs, iommu/domain_fill.c); a run
 * that continues is held back up to 1 GiB, for a larger IOMMU page. Small maps of one call take
 * these steps together, GROUP_MAX at a time (map_many.c). UNMAP_DMA goes in claims (CLAIM_MAX
 * mappings in one turn of tree_lock, unmap.c), each of slices (16 GiB or 131,072 page table
 * entries, one flush a domain, slice.c), each unpinned in steps of UNPIN_STEP pages (mm/unpin.c);
 * its structures are freed FREE_BULK at a time (mapping.c); its page tables wait for the flush of
 * AT_ONCE domains (slice_unfill.c). A domain that comes later is filled in turns (TURN to
 * TURN_MAX entries, or one extent, attach/fill_turns.c), and others go on in between. Larger claims
 * and slices flush less and keep others waiting longer; a larger pin batch also charges further
 * ahead of what is pinned. Untouched memory is populated in windows of 128 MiB, one more ahead
 * (mm/crew.c). Helpers unpin in pieces of 4 MiB or 1,024 runs (mm/unpin_crew.c). VIB_FLAT_MAX
 * extents (pure/pure.h) hold what is pinned for a batch, or for a group, in one vector.
 */
#ifndef VIB_ENGINE_H
#define VIB_ENGINE_H

#include "ioas.h"

struct vib_domain;

/* map.c */

/**
 * vib_map_stamped - MAP_DMA
 * @ioas: the address space
 * @iova: first IOVA
 * @vaddr: first user address, of current
 * @size: bytes
 * @prot: IOMMU_READ and IOMMU_WRITE, at least one
 * @stamp: by which the caller knows the mapping again, or 0
 *
 * Return: 0; -EOVERFLOW, -EINVAL, -EEXIST, -ENOSPC, -ENOMEM, -EFAULT, -EINTR, -ENODEV or what GUP
 * or an IOMMU driver says, with everything as before.
 */
int vib_map_stamped(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot, u16 stamp);

static inline int vib_map(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot)
{
	return vib_map_stamped(ioas, iova, vaddr, size, prot, 0);
}

/* Checks what needs no lock. Return: 0 and the range's last byte in @last; -EOVERFLOW, -EINVAL. */
int vib_map_check_args(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, u64 *last);

/*
 * Checks addresses and size against the smallest page size. Return: 0; -EINVAL, also when the
 * container is closing. tree_lock is held.
 */
int vib_map_check(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr);

/* unmap.c */

struct vib_dirty_sink;
struct vib_unmap;

/*
 * Checks a request against the rules of the type id. Return: 0 with its last byte in @last,
 * -EINVAL or -EOVERFLOW. tree_lock is held.
 */
int vib_unmap_check(struct vib_ioas *ioas, const struct vib_unmap *req, u64 *last);

/**
 * struct vib_unmap - one UNMAP_DMA
 * @iova: first IOVA
 * @size: bytes
 * @all: unmap everything; @iova and @size must be 0
 * @sink: takes the dirty bits of what is unmapped, or NULL
 * @unmapped: result: bytes that were mapped and no longer are
 */
struct vib_unmap {
	u64 iova;
	u64 size;
	bool all;
	struct vib_dirty_sink *sink;
	u64 unmapped;
};

/*
 * Unmaps a range. Return: 0, also when nothing was mapped there; -EOVERFLOW, -EINVAL. After -EINTR
 * (killed while waiting for another call's mapping) and the sink's errno, a part is unmapped.
 */
int vib_unmap(struct vib_ioas *ioas, struct vib_unmap *req);

/* vaddr.c: user addresses that change under a running device (live update) */

/*
 * Takes back the user addresses of all mappings in the range, or of none; DMA goes on. Return: 0
 * with their size in req->unmapped; -EBUSY, -EINVAL, -EOVERFLOW, -EINTR.
 */
int vib_vaddr_invalidate(struct vib_ioas *ioas, struct vib_unmap *req);

/*
 * Gives the mapping of exactly this range, whose user address was taken back, a new one in
 * current's memory, and moves its locked memory to current's account. Return: 0; -EINVAL (also when
 * @prot is not 0), -EOVERFLOW, -ENOENT, -ENODEV, -ENOMEM, -EINTR with nothing changed.
 */
int vib_vaddr_restore(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot);

/* fill.c */

/*
 * Enters the first @nr extents of a batch of @map, which start at @iova, into every domain, or into
 * none. Return: 0, or an IOMMU driver's errno; @stuck is set if a domain still translates a part of
 * it after that. vib_fill_lock() (fill_lock.h) is held.
 */
int vib_fill_batch(struct vib_ioas *ioas, const struct vib_mapping *map, u64 iova,
		   struct vib_extents *batch, u32 nr, bool *stuck);

/* The same for one page. */
int vib_fill_page(struct vib_ioas *ioas, u64 iova, u64 ext, int prot, bool *stuck);

enum { VIB_FILL_MORE = 1 };

/*
 * Enters the next mappings, as far as they are filled in the other domains, into a new one, from
 * dom->filled on: as many whole extents as make @left page table entries, or a bit more. Return: 0
 * when it is whole; VIB_FILL_MORE to be called again; an IOMMU driver's errno, after which the
 * caller frees the domain. domains_rwsem is held for write, with device memory frozen. In between
 * it may be dropped if the domain is in ioas->domains: then others fill and unfill what is below
 * dom->filled in this one, too.
 */
int vib_fill_domain(struct vib_ioas *ioas, struct vib_domain *dom, s64 left);

/* retire.c: the end of mappings; cannot fail */

/*
 * Takes DRAINING mappings (at least one, in the order of their IOVA) out of all domains, in slices
 * with one sync each, unpins and frees them. Return: their size in bytes.
 */
u64 vib_retire(struct vib_ioas *ioas, struct list_head *list);

/* The same for one mapping with vib_mapping_is_page(), in no list. */
u64 vib_retire_page(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * The same for the extents of one mapping, which itself stays. Called by the thread that owns its
 * state. If VIB_F_STUCK is set afterwards, a domain still translates some, and all extents stay.
 */
void vib_retire_extents(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * Removes a RESERVED mapping whose MAP_DMA has failed; the caller owns it. A stuck one stays, DEAD,
 * until no domain is left.
 */
void vib_retire_failed(struct vib_ioas *ioas, struct vib_mapping *map);

/* Unpins and frees mappings that no domain holds and that are in no tree. */
void vib_retire_unmapped(struct vib_ioas *ioas, struct list_head *list);

#endif
