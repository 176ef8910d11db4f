/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio-batch check, the part that speaks to VFIO: one container after the other, each
 * with the one group that is tried, and never a device opened: nothing reaches the
 * device. Prints lines "MODE abi NAME RESULT" and "MODE cost NAME NANOSECONDS"; what
 * they mean beside each other is decided by check.awk.
 */
#ifndef VIB_CHECK_H
#define VIB_CHECK_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>

#define CHECK_MIB (1UL << 20)
/* Where cases map: below what any IOMMU keeps for itself, above what firmware uses. */
#define CHECK_IOVA (1024 * CHECK_MIB)

/**
 * struct check - a container that is ready for MAP_DMA
 * @mode: what it is called in the output
 * @fd: the container
 * @page: bytes of a page
 * @mem: CHECK_MIB bytes of touched memory
 */
struct check {
	const char *mode;
	int fd;
	size_t page;
	char *mem;
};

/* Opens a container with @group and selects @type: 0 or -errno. */
int check_open(struct check *check, int group, unsigned long type);
void check_close(struct check *check);

/* The calls, with 0 or what is said for errno as a negative number. */
int check_map(const struct check *check, __u64 iova, const void *mem, __u64 size, __u32 flags);
int check_unmap(const struct check *check, __u64 iova, __u64 size, __u32 flags, __u64 *done);
int check_ioctl(const struct check *check, unsigned long request, const void *arg);

/* Pages that this process has locked. */
long check_locked(const struct check *check);

/* Every case of the ABI, each in a fresh container; abi.c. */
int check_abi(const char *mode, int group, unsigned long type);

/* What operations cost; cost.c. */
int check_costs(const char *mode, int group, unsigned long type, size_t size);

#endif
