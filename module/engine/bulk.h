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
 * struct vib_bulk - one call
 * @ops: its operations
 * @nr: how many
 * @maps: how many of them are maps
 * @whole: all of them or none; there are only maps then
 * @done: result: how many, from the first on, are done; after a failure of @whole, were
 * @unmapped: result: bytes that were mapped and no longer are
 */
struct vib_bulk {
	const struct vib_bulk_op *ops;
	u32 nr;
	u32 maps;
	bool whole;
	u32 done;
	u64 unmapped;
};

/*
 * Does the operations, with the same result as one by one; unmaps are done before maps, together,
 * if that makes no difference.
 *
 * Return: 0; or the errno of the operation at @done, as of vib_map() or vib_unmap(): operations
 * before it are done, maps after it are not, unmaps after it may be; or -ENOMEM with nothing done.
 */
int vib_bulk(struct vib_ioas *ioas, struct vib_bulk *bulk);

#endif
