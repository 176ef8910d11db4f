/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many maps and unmaps in one call, with one flush a domain for the unmaps.
 */
#ifndef VIB_BULK_H
#define VIB_BULK_H

#include <linux/types.h>

struct vib_ioas;

/**
 * struct vib_bulk_op - one operation
 * @iova: first IOVA
 * @size: bytes
 * @vaddr: of a map: first user address, of current
 * @prot: of a map: IOMMU_READ and IOMMU_WRITE, at least one; of an unmap 0
 */
struct vib_bulk_op {
	u64 iova;
	u64 size;
	u64 vaddr;
	int prot;
};

/**
 * struct vib_bulk - a call
 * @ops: its operations
 * @nr: how many
 * @whole: all of them or none; there are only maps then
 * @done: result: how many, from the first on, are done; after a failure of @whole, were
 * @unmapped: result: bytes that were mapped and are not any more
 */
struct vib_bulk {
	const struct vib_bulk_op *ops;
	u32 nr;
	bool whole;
	u32 done;
	u64 unmapped;
};

/*
 * Does the operations, with the result that doing them one by one would have. Where that makes no
 * difference unmaps go before maps, together.
 *
 * Return: 0; otherwise the errno of the operation at @done, as of vib_map() or vib_unmap(). Those
 * before it are done, of those behind it maps are not, and unmaps may be. -ENOMEM with nothing
 * done.
 */
int vib_bulk(struct vib_ioas *ioas, struct vib_bulk *bulk);

#endif
