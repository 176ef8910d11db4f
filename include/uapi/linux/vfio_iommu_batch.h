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
 *  - VFIO_IOMMU_GET_INFO: every capability starts on a multiple of 8 bytes (type1 before v6.6: not
 *    always).
 *  - The entry limit (parameter dma_entry_limit) counts only mappings that charge no locked
 *    memory, such as those of device BARs. Mappings of ordinary memory are bounded by
 *    RLIMIT_MEMLOCK and the memory cgroup, however many they are.
 *  - Memory that several mappings of a process have, each of 2 MiB or more, in one container or in
 *    several, is pinned once and charged once to RLIMIT_MEMLOCK, as long as it is the same page for
 *    page and at the same user addresses (type1 charges each mapping). It stays charged until the
 *    last of them is unmapped; of one memory there may be 256 (one that has pages of its own in
 *    between counts for each part), what comes then is charged again. Not shared: files on a disk,
 *    and shared memory that is mapped for reading only. A map that comes to the limit waits for
 *    other maps of the process that are under way, as long as they go on, before it is -ENOMEM:
 *    they may turn out to have the same memory.
 *  - The capability VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL therefore always says 2^32 - 1: clients take it
 *    for the number of mappings of any kind that are left.
 *  - VFIO_TYPE1_NESTING_IOMMU is not offered, as by the newest type1.
 *
 * Many operations in one call
 * ---------------------------
 * VFIO_IOMMU_BATCH_DMA takes an array of maps and unmaps, by the rules of VFIO_IOMMU_MAP_DMA and
 * VFIO_IOMMU_UNMAP_DMA, with the same result as one by one in the order of the array. All unmaps
 * that do not concern what an earlier map of the array makes are done first, with one flush of the
 * IOTLB for all of them, and nothing is unpinned before that flush; then come the maps, in their
 * order. Operations of one call may overlap: most calls map where they unmap. By the rules of
 * VFIO_TYPE1_IOMMU an unmap may concern any map: each behind one has a flush of its own there.
 *
 * An operation that fails ends the call. It has changed nothing (but an interrupted unmap may be
 * done in part), all operations before it are done, and no map after it is; unmaps after it may be.
 * With VFIO_IOMMU_BATCH_DMA_WHOLE, the maps before it are undone, unless the task is being killed.
 * @done is the index of the one that failed.
 *
 * While the call runs, the ranges of its next maps are reserved: other calls that need them wait.
 *
 * The array is read before anything is done, and never written: it may be read-only, and what is
 * written to it meanwhile is not seen. A signal that does not kill does not interrupt.
 *
 * A container has the call if VFIO_IOMMU_GET_INFO has the capability VFIO_IOMMU_INFO_CAP_BATCH_DMA,
 * and if VFIO_CHECK_EXTENSION answers 1 to VFIO_BATCH_DMA. Before VFIO_SET_IOMMU it answers 1 only
 * with claim_type1=1.
 *
 * Error numbers
 * -------------
 * One check a line, in the order in which they are made; the first that fails decides. Unless a
 * line says otherwise, nothing has changed then. A value "fits" when the kernel's word holds it,
 * which on 64 bits every value does.
 *
 * VFIO_CHECK_EXTENSION answers 0 or 1, never with an error.
 *
 * VFIO_SET_IOMMU and VFIO_GROUP_SET_CONTAINER:
 *
 *	ENODEV		the group has no device any more, or one without an IOMMU
 *	EBUSY		user addresses are taken back (VFIO_DMA_UNMAP_FLAG_VADDR)
 *	EPERM		interrupts of the group are not isolated and allow_unsafe_interrupts is 0
 *	EINVAL		a mapping lies where the group reserves IOVA or its IOMMU cannot reach
 *	EINVAL		no IOVA, or no page size that suits the mappings, would be left
 *	EINVAL		the group is in the container already
 *	ENOMEM		no memory, or RLIMIT_MEMLOCK, where the mappings have to be pinned now
 *	EINTR		the task is being killed
 *	ESRCH		a process whose memory would have to be pinned now has gone
 *	(others)	what the IOMMU driver or the pinning of pages says
 *
 * VFIO_IOMMU_GET_INFO:
 *
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 16
 *	ENOMEM		no memory for the capabilities
 *	EFAULT		the structure or the capabilities cannot be written
 *
 * VFIO_IOMMU_MAP_DMA:
 *
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 32, or a flag is not known
 *	EOVERFLOW	iova, vaddr or size does not fit
 *	EINVAL		size is 0
 *	EOVERFLOW	iova + size or vaddr + size passes 2^64
 *	EINVAL		neither READ nor WRITE
 *	ENOMEM		no memory for the mapping
 *	EINVAL		the container is closing
 *	EINVAL		iova, vaddr or size is not a multiple of the smallest page size
 *	EEXIST		a mapping overlaps
 *	EINTR		the task is being killed (checked from here on)
 *	EINVAL		outside of the IOVA ranges that GET_INFO tells
 *	ENOSPC		emulated devices alone, and the entry limit is reached
 *	ENODEV		the caller has no memory of its own
 *	EFAULT		no memory is mapped at vaddr, or not with the access asked for
 *	ENOMEM		RLIMIT_MEMLOCK without CAP_IPC_LOCK; no memory
 *	(others)	what the kernel's pinning of pages says, such as EOPNOTSUPP
 *	(others)	what the IOMMU driver says
 *	EIO		an IOMMU driver keeps a part of what is undone: the range stays occupied
 *	EINVAL		dirty tracking is on, and the mapping has more than 2^31 - 1 pages
 *	ENOMEM		dirty tracking is on, and there is no memory for a bitmap
 *	ENOSPC		the mapping charges no locked memory, and the entry limit is reached
 *
 * VFIO_IOMMU_MAP_DMA with VFIO_DMA_MAP_FLAG_VADDR:
 *
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 32, or a flag is not known
 *	EOVERFLOW	iova, vaddr or size does not fit
 *	EINVAL		size is 0
 *	EOVERFLOW	iova + size or vaddr + size passes 2^64
 *	EINVAL		READ or WRITE is set, too
 *	ENODEV		the caller has no memory of its own
 *	ENOMEM		no memory
 *	EINVAL		the container is closing
 *	EINVAL		iova, vaddr or size is not a multiple of the smallest page size
 *	ENOENT		nothing is mapped there
 *	EINTR		the task is being killed (checked from here on)
 *	EINVAL		there is another mapping than this range, or it has its address
 *	ENOMEM		RLIMIT_MEMLOCK of the caller, without CAP_IPC_LOCK
 *
 * VFIO_IOMMU_UNMAP_DMA. A range in which nothing is mapped is no error: size comes back as 0.
 *
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 24, or a flag is not known
 *	EOVERFLOW	iova or size does not fit
 *	EINVAL		the container is closing
 *	EINVAL		iova is not a multiple of the smallest page size
 *	EINVAL		with VFIO_DMA_UNMAP_FLAG_ALL: iova or size is not 0
 *	EINVAL		size is 0, or not a multiple of the smallest page size
 *	EOVERFLOW	iova + size passes 2^64
 *	EINVAL		a mapping reaches over either end of the range (not with VFIO_TYPE1_IOMMU)
 *	EINTR		killed while waiting for another call; a part may be unmapped
 *	EINVAL		as above, after such a wait; a part may be unmapped
 *	EFAULT		size cannot be written; everything is unmapped
 *
 * VFIO_IOMMU_UNMAP_DMA with VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP:
 *
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 24, or a flag is not known
 *	EINVAL		VFIO_DMA_UNMAP_FLAG_ALL or VFIO_DMA_UNMAP_FLAG_VADDR is set, too
 *	EINVAL		argsz is less than 40
 *	EFAULT		struct vfio_bitmap cannot be read
 *	(below)		what is wrong with the bitmap
 *	(above)		what is wrong with the range
 *	EINVAL		dirty tracking is off, or pgsize is not the smallest page size
 *	EINTR		the task is being killed; what is unmapped is reported
 *	EFAULT		a bit cannot be written; what is unmapped is reported, the rest stays mapped
 *	EFAULT		size cannot be written; everything is unmapped
 *
 * VFIO_IOMMU_UNMAP_DMA with VFIO_DMA_UNMAP_FLAG_VADDR:
 *
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 24, or a flag is not known
 *	EBUSY		an emulated device is in the container
 *	(above)		what is wrong with the range
 *	EINVAL		the address of one of the mappings is taken back already
 *	EINTR		killed while waiting for another call
 *	EFAULT		size cannot be written; the addresses are taken back
 *
 * VFIO_IOMMU_DIRTY_PAGES:
 *
 *	EACCES		the container is of VFIO_TYPE1_IOMMU
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 8
 *	EINVAL		flags is not one of START, STOP and GET_BITMAP
 *
 * with VFIO_IOMMU_DIRTY_PAGES_FLAG_START, which does nothing while tracking is on:
 *
 *	EINTR		the task is being killed; tracking is off
 *	EINVAL		a mapping has more than 2^31 - 1 pages; tracking is off
 *	ENOMEM		no memory for the bitmaps; tracking is off
 *
 * VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP never fails.
 *
 * with VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP; what was not reported is dirty at the next query:
 *
 *	EINVAL		argsz is less than 40
 *	EFAULT		the structure cannot be read
 *	EOVERFLOW	iova or size does not fit
 *	EINVAL		size is 0
 *	EOVERFLOW	iova + size passes 2^64
 *	(below)		what is wrong with the bitmap
 *	EINVAL		the container is closing, or dirty tracking is off
 *	EINVAL		pgsize is not the smallest page size
 *	EINVAL		iova or size is not a multiple of the smallest page size
 *	EINVAL		a mapping reaches over either end of the range
 *	EINTR		the task is being killed
 *	EFAULT		a bit cannot be written
 *
 * VFIO_IOMMU_BATCH_DMA:
 *
 *	EFAULT		the structure cannot be read
 *	EINVAL		argsz is less than 40
 *	EINVAL		an unknown flag, another op_size, too many operations, reserved not 0
 *	ENOMEM		no memory for the operations
 *	EFAULT		the array cannot be read
 *	EINVAL		an operation with unknown flags, UNMAP with READ or WRITE, or none of them
 *	EINVAL		an operation with reserved not 0, or an unmap with vaddr not 0
 *	EINVAL		an unmap in a call with VFIO_IOMMU_BATCH_DMA_WHOLE
 *	(above)		that of the operation that failed
 *	EFAULT		the structure cannot be written; what is done stays
 *
 * struct vfio_bitmap:
 *
 *	EINVAL		data and size are no range of user addresses
 *	EINVAL		pgsize is 0
 *	EINVAL		the range has no page of that size
 *	EINVAL		size is 0, or too small for a bit a page in words of 8 bytes
 *	EINVAL		size is above max_dirty_bitmap_size of GET_INFO (256 MiB)
 */
#ifndef _UAPI_LINUX_VFIO_IOMMU_BATCH_H
#define _UAPI_LINUX_VFIO_IOMMU_BATCH_H

#include <linux/vfio.h>

/* Type id of this backend for VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU ("VB"). */
#define VFIO_BATCH_IOMMU	0x5642

/* Type id of ChromeOS's backend for small, dynamic mappings: served with claim_type1=1. */
#define VFIO_BATCH_CHROMEOS_IOMMU	100001

/* Extension for VFIO_CHECK_EXTENSION: the container has VFIO_IOMMU_BATCH_DMA. */
#define VFIO_BATCH_DMA	0x5643

/*
 * Capability of VFIO_IOMMU_GET_INFO: the container has VFIO_IOMMU_BATCH_DMA.
 *
 * max_ops is the most operations that a call takes, op_size the largest operation that it knows.
 */
#define VFIO_IOMMU_INFO_CAP_BATCH_DMA	0x5643

struct vfio_iommu_info_cap_batch_dma {
	struct vfio_info_cap_header header;
	__u32	max_ops;
	__u32	op_size;
};

/**
 * struct vfio_iommu_batch_op - one map or unmap of VFIO_IOMMU_BATCH_DMA
 * @flags: VFIO_IOMMU_BATCH_OP_UNMAP alone, or READ, WRITE or both for a map
 * @reserved: 0
 * @iova: first IOVA
 * @size: bytes
 * @vaddr: of a map: first user address of the calling process; of an unmap: 0
 */
struct vfio_iommu_batch_op {
	__u32	flags;
#define VFIO_IOMMU_BATCH_OP_READ	(1 << 0)	/* readable from device */
#define VFIO_IOMMU_BATCH_OP_WRITE	(1 << 1)	/* writable from device */
#define VFIO_IOMMU_BATCH_OP_UNMAP	(1 << 2)
	__u32	reserved;
	__aligned_u64 iova;
	__aligned_u64 size;
	__aligned_u64 vaddr;
};

/* Most operations of a call. */
#define VFIO_IOMMU_BATCH_DMA_MAX	1024

/**
 * struct vfio_iommu_batch_dma - argument of VFIO_IOMMU_BATCH_DMA
 * @argsz: sizeof(struct vfio_iommu_batch_dma), or more
 * @flags: VFIO_IOMMU_BATCH_DMA_WHOLE: all of the operations or none; for maps alone
 * @op_size: sizeof(struct vfio_iommu_batch_op)
 * @nr_ops: how many operations, at most VFIO_IOMMU_BATCH_DMA_MAX
 * @ops: address of the array
 * @done: out: how many operations, from the first on, were done. Fewer than @nr_ops: the next one
 *	failed, and the call returns its error; or the call itself was refused, and this is 0
 * @reserved: 0
 * @unmapped: out: bytes that were mapped and are not any more
 */
struct vfio_iommu_batch_dma {
	__u32	argsz;
	__u32	flags;
#define VFIO_IOMMU_BATCH_DMA_WHOLE	(1 << 0)
	__u32	op_size;
	__u32	nr_ops;
	__aligned_u64 ops;
	__u32	done;
	__u32	reserved;
	__aligned_u64 unmapped;
};

#define VFIO_IOMMU_BATCH_DMA	_IO(VFIO_TYPE, VFIO_BASE + 100)

#endif
