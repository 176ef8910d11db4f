/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO_IOMMU_BATCH_DMA as a list of operations that a test writes down.
 */
#ifndef VIB_TEST_BATCH_H
#define VIB_TEST_BATCH_H

#include <linux/types.h>
#include "../../../include/uapi/linux/vfio_iommu_batch.h"

struct batch {
	struct vfio_iommu_batch_op op[VFIO_IOMMU_BATCH_DMA_MAX];
	__u32 nr;
	__u32 flags;
	__u32 done;		/* as written back */
	__u64 unmapped;
};

void batch_map(struct batch *b, __u64 iova, const void *vaddr, __u64 size);
void batch_unmap(struct batch *b, __u64 iova, __u64 size);

/* 0 or -errno. */
int batch_run(int container, struct batch *b);

#endif
