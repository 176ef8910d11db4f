/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be done to the mappings of an ioas. Unless it says otherwise, nothing of ours is held on
 * entry, and everything may sleep.
 *
 * Bounds, and how they nest. MAP_DMA goes in pin batches (VIB_PIN_BUDGET: 128 MiB, charged ahead at
 * once and filled under one hold of domains_rwsem), each of GUP calls (VIB_PIN_BATCH pages) and of
 * driver calls (SG_MAX runs); a run that goes on is held back up to 1 GiB, for a larger IOMMU page.
 * UNMAP_DMA goes in claims (CLAIM_MAX mappings in one turn of tree_lock), each of slices (16 GiB or
 * 131,072 page table entries, one flush a domain), each unpinned in steps of UNPIN_STEP pages; its
 * structures are freed FREE_BULK at a time. Larger claims and slices flush less and keep others
 * waiting longer; a larger pin batch also charges further ahead of what is pinned.
 */
#ifndef VIB_ENGINE_H
#define VIB_ENGINE_H

#include "ioas.h"

struct vib_domain;

/* map.c */

/**
 * vib_map - MAP_DMA
 * @ioas: the address space
 * @iova: first IOVA
 * @vaddr: first user address, of current
 * @size: bytes
 * @prot: IOMMU_READ and IOMMU_WRITE, at least one
 *
 * Return: 0; -EOVERFLOW, -EINVAL, -EEXIST, -ENOSPC, -ENOMEM, -EFAULT, -EINTR, -ENODEV or what GUP
 * or an IOMMU driver says, with everything as before.
 */
int vib_map(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot);

/* What can be said without a lock: 0 with the last byte of the range; -EOVERFLOW, -EINVAL. */
int vib_map_check_args(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, u64 *last);

/* -EINVAL unless addresses and size suit the smallest page size. tree_lock is held. */
int vib_map_check(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr);

/* unmap.c */

struct vib_dirty_sink;
struct vib_unmap;

/*
 * Checks a request against the rules of the type id: 0 with its last byte in @last, -EINVAL or
 * -EOVERFLOW. tree_lock is held.
 */
int vib_unmap_check(struct vib_ioas *ioas, const struct vib_unmap *req, u64 *last);

/**
 * struct vib_unmap - one UNMAP_DMA
 * @iova: first IOVA
 * @size: bytes
 * @all: everything; @iova and @size are 0
 * @sink: where the dirty bits of what is unmapped go, or NULL
 * @unmapped: result: how many bytes were mapped and are not any more
 */
struct vib_unmap {
	u64 iova;
	u64 size;
	bool all;
	struct vib_dirty_sink *sink;
	u64 unmapped;
};

/*
 * 0, also when nothing was mapped there; -EOVERFLOW, -EINVAL. -EINTR when killed while waiting for
 * another call's mapping, and the sink's errno: then what came before is unmapped.
 */
int vib_unmap(struct vib_ioas *ioas, struct vib_unmap *req);

/* vaddr.c: user addresses that change under a running device (live update) */

/*
 * Takes back the user addresses in the range: bytes in req->unmapped; -EBUSY, -EINVAL, -EOVERFLOW,
 * -EINTR. DMA goes on.
 */
int vib_vaddr_invalidate(struct vib_ioas *ioas, struct vib_unmap *req);

/*
 * Gives the mapping of just this range, whose address was taken back, a new one in current's
 * memory; locked memory moves along. -EINVAL (also when @prot is not 0), -EOVERFLOW, -ENOENT,
 * -ENODEV, -ENOMEM, -EINTR with nothing changed.
 */
int vib_vaddr_restore(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot);

/* fill.c */

/*
 * Takes domains_rwsem for vib_fill_batch() calls that end at @last: for read, or for write, with
 * @alone set, where a page table grows, which nothing else may see. -EINTR when killed: not taken.
 */
int vib_fill_lock(struct vib_ioas *ioas, u64 last, bool *alone);
void vib_fill_unlock(struct vib_ioas *ioas, bool alone);

/*
 * Enters the first @nr extents of a batch of @map, which start at @iova, into every domain, or into
 * none: an IOMMU driver's errno, with @stuck set when a domain would not give back what it had
 * taken. vib_fill_lock() is held.
 */
int vib_fill_batch(struct vib_ioas *ioas, const struct vib_mapping *map, u64 iova,
		   struct vib_extents *batch, u32 nr, bool *stuck);

/*
 * Enters every mapping, as far as it has come, into a new domain, which is to be freed when that
 * fails. domains_rwsem is held for write.
 */
int vib_fill_domain(struct vib_ioas *ioas, struct vib_domain *dom);

/* retire.c: the end of mappings, cannot fail */

/*
 * Takes DRAINING mappings (at least one, in the order of their IOVA) out of all domains, in slices
 * with one sync each, unpins and frees them. Returns how many bytes they were.
 */
u64 vib_retire(struct vib_ioas *ioas, struct list_head *list);

/*
 * The same for the extents of one mapping, which stays, without any. Its owner calls. With
 * VIB_F_STUCK set afterwards, some of them are still translated and all stay.
 */
void vib_retire_extents(struct vib_ioas *ioas, struct vib_mapping *map);

/*
 * Takes a RESERVED mapping away again whose map has failed; the caller owns it. One that is stuck
 * stays, DEAD, until no domain is left.
 */
void vib_retire_failed(struct vib_ioas *ioas, struct vib_mapping *map);

/* Unpins and frees mappings that no domain holds and that are in no tree. */
void vib_retire_unmapped(struct vib_ioas *ioas, struct list_head *list);

#endif
