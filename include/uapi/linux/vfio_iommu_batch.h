/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User ABI of vfio_iommu_batch, a VFIO IOMMU backend beside vfio_iommu_type1.
 *
 * Selecting it
 * ------------
 * A container is given an IOMMU backend by VFIO_SET_IOMMU with a type id. Ask first:
 *
 *	ioctl(container, VFIO_CHECK_EXTENSION, VFIO_BATCH_IOMMU) == 1
 *
 * says that the module is loaded; then, once a group is in the container,
 *
 *	ioctl(container, VFIO_SET_IOMMU, VFIO_BATCH_IOMMU)
 *
 * selects it, or fails with -ENODEV where it is not loaded: fall back to VFIO_TYPE1v2_IOMMU then.
 * With the module parameter claim_type1=1 the ids VFIO_TYPE1_IOMMU and VFIO_TYPE1v2_IOMMU select it
 * too.
 *
 * What follows is the type1 ABI of <linux/vfio.h>: the same ioctls, structures, flags, capabilities
 * and error numbers, with the rules of VFIO_TYPE1v2_IOMMU (a mapping cannot be cut) for this id,
 * and the meaning that the newest kernel's type1 gives them on every kernel. A client of type1 v2
 * needs no change beyond the id.
 *
 * Differences that a client can see
 * ---------------------------------
 *  - A range that wraps past 2^64, or a value that does not fit the kernel's word, is -EOVERFLOW on
 *    every kernel (type1 before v6.19: -EINVAL).
 *  - VFIO_IOMMU_GET_INFO: every capability starts on a multiple of 8 (type1 before v6.6: not
 *  always).
 *  - The entry limit (parameter dma_entry_limit, capability VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) counts
 *    only mappings that charge no locked memory, such as those of device BARs. Mappings of ordinary
 *    memory are bounded by RLIMIT_MEMLOCK and the memory cgroup, however many they are.
 *  - VFIO_TYPE1_NESTING_IOMMU is not offered, as by the newest type1.
 *
 * Error numbers
 * -------------
 * VFIO_IOMMU_MAP_DMA, in the order of the checks; on any of them nothing has changed:
 *
 *	EFAULT the structure cannot be read EINVAL argsz too small, unknown flag EOVERFLOW a value
 *	does not fit the kernel's word EINVAL size is 0 EOVERFLOW iova + size or vaddr + size passes
 *	2^64 EINVAL neither READ nor WRITE; iova, vaddr or size not a multiple of the smallest page
 *	size EEXIST a mapping overlaps EINVAL outside the IOVA ranges that GET_INFO tells ENOMEM
 *	RLIMIT_MEMLOCK without CAP_IPC_LOCK; no memory EFAULT no memory is mapped at vaddr, or not
 *	with the access asked for EINTR the task is being killed ENOSPC the mapping charges no
 *	locked memory and the entry limit is reached (others) what the kernel's page pinning or
 *	IOMMU driver says, such as EOPNOTSUPP
 *
 * VFIO_IOMMU_UNMAP_DMA, in the order of the checks:
 *
 *	EFAULT the structure cannot be read EINVAL argsz too small, unknown flag EOVERFLOW a value
 *	does not fit the kernel's word EINVAL iova not a multiple of the smallest page size; with
 *	UNMAP_FLAG_ALL iova or size not
 *			0; size 0 or not such a multiple
 *	EOVERFLOW	iova + size passes 2^64
 *	EINVAL		a mapping reaches over either end of the range (not with VFIO_TYPE1_IOMMU)
 *
 * A range in which nothing is mapped is no error: size comes back as 0.
 *
 * VFIO_SET_IOMMU and VFIO_GROUP_SET_CONTAINER:
 *
 *	EPERM interrupts of the group are not isolated and allow_unsafe_interrupts is 0 EINVAL an
 *	existing mapping lies where the new group reserves IOVA or its IOMMU cannot reach ENODEV the
 *	group has no device any more (others) what the IOMMU driver says, such as EBUSY
 */
#ifndef _UAPI_LINUX_VFIO_IOMMU_BATCH_H
#define _UAPI_LINUX_VFIO_IOMMU_BATCH_H

#include <linux/vfio.h>

/* Type id of this backend for VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU ("VB"). */
#define VFIO_BATCH_IOMMU	0x5642

#endif
