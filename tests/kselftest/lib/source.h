/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory from the rarer sources: each function maps @size bytes for reading and writing, or
 * returns NULL if the kernel or the machine has no such thing. They need root.
 */
#ifndef VIB_TEST_SOURCE_H
#define VIB_TEST_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif
#ifndef MFD_HUGE_1GB
#define MFD_HUGE_1GB (30U << 26)
#endif

/* A memfd, made with @flags and mapped private; the ring of an AF_PACKET socket. */
char *source_private_memfd(size_t size, unsigned int flags);
char *source_packet_ring(size_t size);

/* A file of ext4 on /dev/ram1, mapped shared; the end unmounts it. */
char *source_ext4(size_t size);
void source_ext4_end(void);

/* After that, the same file again, of which the kernel remembers nothing; not unmounted: NULL. */
char *source_ext4_from_disk(size_t size);

/* While it is mounted: @size bytes of the file at @at, from the disk; both in blocks. 0 or -1. */
int source_ext4_read_disk(void *to, size_t size, off_t at);

/* The same on /dev/pmem0, with DAX. */
char *source_dax(size_t size);
void source_dax_end(void);

/* memfd_secret; dma-bufs; /dev/mem at VIB_BEYOND. */
char *source_secret(size_t size);
char *source_udmabuf(size_t size);
char *source_dma_heap(size_t size);

/* A buffer of a graphics driver without hardware, vgem: ordinary memory in a VM_PFNMAP vma. */
char *source_dumb_buffer(size_t size);
char *source_beyond(size_t size);

/* Tells the kernel that the page at @page is broken, and survives that; 0 or -errno. */
int source_poison(char *page);

/* Does this kernel free what describes huge pages? */
bool source_vmemmap_is_freed(void);

/* Has the running kernel, as Debian builds it, what is called @what in a reason to skip? */
bool source_expected(const char *what);

#endif
