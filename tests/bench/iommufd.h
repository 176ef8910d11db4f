/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One address space of iommufd with one device in it: what our backend is compared with where the
 * kernel has that. Map and unmap return 0 or -errno; whatever else goes wrong ends the program.
 */
#ifndef VIB_BENCH_IOMMUFD_H
#define VIB_BENCH_IOMMUFD_H

#include <stdbool.h>
#include <linux/types.h>

struct iommufd {
	int fd;
	int device;
	__u32 ioas;
	long pinned;		/* pages, before */
};

/* Does this kernel have iommufd? */
bool iommufd_present(void);

/* With the first edu device. */
void iommufd_open(struct iommufd *f);

int iommufd_map(struct iommufd *f, __u64 iova, const char *mem, __u64 size);
int iommufd_unmap(struct iommufd *f, __u64 iova, __u64 size, __u64 *unmapped);

/* Takes the device out of the address space, and ends that with what is mapped. */
void iommufd_end(struct iommufd *f);

/* Closes what is open, and checks that nothing stayed pinned. */
void iommufd_close(struct iommufd *f);

#endif
