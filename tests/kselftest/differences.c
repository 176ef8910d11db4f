// SPDX-License-Identifier: GPL-2.0-only
/* See differences.h. */
#include <errno.h>
#include <limits.h>

#include "differences.h"
#include "lib/util.h"

/* For rows where no kernel's type1 agrees with us. */
#define NEVER UINT_MAX

static const struct difference differences[DIFFERENCES] = {
	[DIFF_UNMAP_ALL] = {
		.what = "CHECK_EXTENSION(VFIO_UNMAP_ALL) after SET_IOMMU",
		.why = "UNMAP_DMA_FLAG_ALL came with 5.12",
		.until = KERNEL(5, 12), .type1 = 0, .ours = 1,
	},
	[DIFF_UPDATE_VADDR] = {
		.what = "CHECK_EXTENSION(VFIO_UPDATE_VADDR) after SET_IOMMU",
		.why = "taking addresses back came with 5.12",
		.until = KERNEL(5, 12), .type1 = 0, .ours = 1,
	},
	[DIFF_VADDR_OF_NOTHING] = {
		.what = "MAP_DMA_FLAG_VADDR where nothing is mapped",
		.why = "an unknown flag before 5.12",
		.until = KERNEL(5, 12), .type1 = -EINVAL, .ours = -ENOENT,
	},
	[DIFF_FOREIGN_UNMAP] = {
		.what = "does UNMAP_DMA take what another process has mapped",
		.why = "5.10 stops there, without an error",
		.until = KERNEL(6, 1), .type1 = 0, .ours = 1,
	},
	[DIFF_MAP_WRAP] = {
		.what = "MAP_DMA whose iova or vaddr range wraps",
		.why = "an error of its own since the overflow checks of 6.19",
		.until = KERNEL(6, 19), .type1 = -EINVAL, .ours = -EOVERFLOW,
	},
	[DIFF_UNMAP_WRAP] = {
		.what = "UNMAP_DMA whose range wraps",
		.why = "as for MAP_DMA",
		.until = KERNEL(6, 19), .type1 = -EINVAL, .ours = -EOVERFLOW,
	},
	[DIFF_UNMAP_LAST_PAGE] = {
		.what = "UNMAP_DMA of a range that ends at 2^64 unmaps what is in it",
		.why = "that is no wrap; older look-ups took the end for 0",
		.until = KERNEL(6, 19), .type1 = 0, .ours = 1,
	},
	[DIFF_DIRTY_WRAP] = {
		.what = "DIRTY_PAGES bitmap of a range that wraps",
		.why = "as for MAP_DMA",
		.until = KERNEL(6, 19), .type1 = -EINVAL, .ours = -EOVERFLOW,
	},
	[DIFF_DIRTY_LAST_PAGE] = {
		.what = "DIRTY_PAGES bitmap of a range that ends at 2^64",
		.why = "that is no wrap; older checks took the end for 0",
		.until = KERNEL(6, 19), .type1 = -EINVAL, .ours = 0,
	},
	[DIFF_LAST_PAGE_STAYS] = {
		.what = "a mapping of the last page of 2^64 can never be undone",
		.why = "older type1 loops to the end of the range, which is 0",
		.until = KERNEL(6, 19), .type1 = 1, .ours = 0,
	},
	[DIFF_PIN_WRAP] = {
		.what = "pin_pages of a range that wraps",
		.why = "as for MAP_DMA; before, nothing was found there",
		.until = KERNEL(6, 19), .type1 = -EINVAL, .ours = -EOVERFLOW,
	},
	[DIFF_INFO_WRITTEN] = {
		.what = "bytes GET_INFO writes when argsz is 24",
		.why = "the structure grew a pad and is written as a whole",
		.until = KERNEL(6, 12), .type1 = 20, .ours = 24,
	},
	[DIFF_INFO_WINDOWS_OFFSET] = {
		.what = "offset of the IOVA range capability",
		.why = "capabilities are aligned to 8 bytes since 6.6",
		.until = KERNEL(6, 12), .type1 = 68, .ours = 72,
	},
	[DIFF_NESTING] = {
		.what = "CHECK_EXTENSION(VFIO_TYPE1_NESTING_IOMMU)",
		.why = "the type is gone from the newest kernel",
		.until = KERNEL(7, 2), .type1 = 1, .ours = 0,
	},
	[DIFF_RAM_TAKES_ENTRY] = {
		.what = "a mapping of RAM counts against dma_entry_limit",
		.why = "locked memory bounds those already: 65535 is no wall",
		.until = NEVER, .type1 = 1, .ours = 0,
	},
	[DIFF_DMA_AVAIL] = {
		.what = "what DMA_AVAIL says with nothing mapped and the default limit",
		.why = "clients bound all mappings by it, and ordinary memory has no bound",
		.until = NEVER, .type1 = 65535, .ours = 4294967295L,
	},
	[DIFF_CAPABILITIES] = {
		.what = "capabilities that GET_INFO tells of a container with a real group",
		.why = "one for VFIO_IOMMU_BATCH_DMA, behind type1's",
		.until = NEVER, .type1 = 3, .ours = 4,
	},
	[DIFF_ENOSPC_AND_RESERVED] = {
		.what = "MAP_DMA at a reserved IOVA, the entry limit being reached",
		.why = "only the pinned memory tells whether a mapping counts",
		.until = NEVER, .type1 = -ENOSPC, .ours = -EINVAL,
	},
	[DIFF_USERFAULT] = {
		.what = "MAP_DMA of memory that a userfaultfd handler has to bring",
		.why = "type1 pins in a way that must not wait, so it fails",
		.until = NEVER, .type1 = -EFAULT, .ours = 0,
	},
	[DIFF_DIRTY_PGSIZE_0] = {
		.what = "a bitmap whose page size is 0",
		.why = "type1 shifts by the number of bits below the first one",
		.until = NEVER, .type1 = DIFF_UNDEFINED, .ours = -EINVAL,
	},
	[DIFF_DIRTY_STALE_BITS] = {
		.what = "10 pages read at their start, after a read from 3 before",
		.why = "type1 shifts its own bitmap and keeps what that pushed out",
		.until = NEVER, .type1 = 0x1fff, .ours = 0x3ff,
	},
	[DIFF_PIN_WHILE_UNMAPPED] = {
		.what = "a device that is told of an unmap pins or copies there",
		.why = "for type1 the range is there until the last notice; for us it is going",
		.until = NEVER, .type1 = 0, .ours = -EINVAL,
	},
	[DIFF_JOIN_BEYOND_OLD] = {
		.what = "a first real group that cannot reach what emulated devices have mapped",
		.why = "type1 looks at windows it does not have yet, and lets VT-d refuse",
		.until = KERNEL(6, 19), .type1 = -EFAULT, .ours = -EINVAL,
	},
	[DIFF_JOIN_BEYOND] = {
		.what = "the same, on newer kernels",
		.why = "VT-d has another word for it now",
		.until = NEVER, .type1 = -ERANGE, .ours = -EINVAL,
	},
	[DIFF_WINDOWS_WITHOUT_GROUP] = {
		.what = "IOVA ranges told after the last real group has left emulated ones",
		.why = "none, as before it came; type1 keeps one that holds everything",
		.until = NEVER, .type1 = 1, .ours = 0,
	},
	[DIFF_BAR_STAYS] = {
		.what = "a device reaches a BAR whose user address has ended",
		.why = "type1 looks at the address once, when it is mapped",
		.until = NEVER, .type1 = 1, .ours = 0,
	},
	[DIFF_CHARGED_AGAIN] = {
		.what = "times that 2 MiB are charged which two containers of a process map",
		.why = "it pins and charges for each mapping, we share what is the same memory",
		.until = NEVER, .type1 = 2, .ours = 1,
	},
	[DIFF_OWN_ID] = {
		.what = "CHECK_EXTENSION(VFIO_BATCH_IOMMU)",
		.why = "our own type id",
		.until = NEVER, .type1 = 0, .ours = 1,
	},
	[DIFF_OWN_IS_NOT_TYPE1] = {
		.what = "CHECK_EXTENSION of type1's ids on a container of our own id",
		.why = "it answers for them only with claim_type1",
		.until = NEVER, .type1 = 1, .ours = 0,
	},
};

const struct difference *difference_get(enum difference_id id)
{
	return &differences[id];
}

long expected(const struct mode *mode, enum difference_id id)
{
	const struct difference *row = &differences[id];

	if (mode->backend == BACKEND_TYPE1 && kernel_running() < row->until)
		return row->type1;
	return row->ours;
}
