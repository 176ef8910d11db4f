// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds the capabilities of GET_INFO. Every capability is padded to a multiple of 8
 * bytes, so that the next one starts aligned on every kernel (the VFIO helper does it since v6.6).
 * Knows nothing of user pointers.
 */
#include "caps.h"

#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vfio.h>

#include <uapi/linux/vfio_iommu_batch.h>

#include "engine/dirty.h"
#include "pure/iova.h"

u64 vib_caps_pgsizes(struct vib_ioas *ioas)
{
	u64 pgsizes;

	mutex_lock(&ioas->tree_lock);
	pgsizes = vib_ioas_pgsizes(ioas);
	mutex_unlock(&ioas->tree_lock);
	return pgsizes;
}

static int add_migration(struct vib_ioas *ioas, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration cap;

	/* The structure has a hole, which an initializer need not fill. */
	memset(&cap, 0, sizeof(cap));
	cap.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION;
	cap.header.version = 1;
	cap.max_dirty_bitmap_size = VIB_DIRTY_BITMAP_MAX;
	cap.pgsize_bitmap = vib_pgsize_smallest(vib_caps_pgsizes(ioas));
	return vfio_info_add_capability(caps, &cap.header, ALIGN(sizeof(cap), 8));
}

/*
 * Says 2^32 - 1, because clients take the value for a limit on all their mappings (QEMU refuses to
 * start by it), and there is none: dma_entry_limit counts only mappings that charge no locked
 * memory.
 */
static int add_dma_avail(struct vfio_info_cap *caps)
{
	union {
		struct vfio_iommu_type1_info_dma_avail cap;
		u64 padding[2];
	} u = {};

	BUILD_BUG_ON(sizeof(u) != ALIGN(sizeof(u.cap), 8));
	u.cap.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	u.cap.header.version = 1;
	u.cap.avail = U32_MAX;
	return vfio_info_add_capability(caps, &u.cap.header, sizeof(u));
}

/* Copies at most @cap IOVA ranges. Return: how many there are. */
static u32 snapshot_ranges(struct vib_ioas *ioas, struct vfio_iova_range *out, u32 cap)
{
	u32 nr = 0, i;

	mutex_lock(&ioas->tree_lock);
	if (ioas->restricted)
		nr = ioas->ranges.nr;
	for (i = 0; i < min(nr, cap); i++) {
		out[i].start = ioas->ranges.range[i].start;
		out[i].end = ioas->ranges.range[i].last;
	}
	mutex_unlock(&ioas->tree_lock);
	return nr;
}

static int add_iova_ranges(struct vib_ioas *ioas, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	u32 room, nr = snapshot_ranges(ioas, NULL, 0);
	int ret;

	if (!nr)
		return 0;
	do {
		room = nr;
		cap = kzalloc(struct_size(cap, iova_ranges, room), GFP_KERNEL_ACCOUNT);
		if (!cap)
			return -ENOMEM;
		nr = snapshot_ranges(ioas, cap->iova_ranges, room);
		if (nr > room)
			kfree(cap);
	} while (nr > room);
	cap->header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	cap->header.version = 1;
	cap->nr_iovas = nr;
	ret = vfio_info_add_capability(caps, &cap->header, struct_size(cap, iova_ranges, nr));
	kfree(cap);
	return ret;
}

static int add_batch_dma(struct vfio_info_cap *caps)
{
	struct vfio_iommu_info_cap_batch_dma cap = {
		.header = { .id = VFIO_IOMMU_INFO_CAP_BATCH_DMA, .version = 1 },
		.max_ops = VFIO_IOMMU_BATCH_DMA_MAX,
		.op_size = sizeof(struct vfio_iommu_batch_op),
	};

	BUILD_BUG_ON(sizeof(cap) % 8);
	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

int vib_caps_build(struct vib_ioas *ioas, struct vfio_info_cap *caps)
{
	int ret;

	ret = add_migration(ioas, caps);
	if (!ret)
		ret = add_dma_avail(caps);
	if (!ret)
		ret = add_iova_ranges(ioas, caps);
	if (!ret)
		ret = add_batch_dma(caps);
	return ret;
}
