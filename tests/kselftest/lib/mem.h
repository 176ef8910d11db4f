/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of every kind a client may map for DMA. Each function returns page
 * aligned memory or NULL, and each promises the kind it is named after: huge
 * pages are checked to be huge, small ones are kept small.
 */
#ifndef VIB_TEST_MEM_H
#define VIB_TEST_MEM_H

#include <stdbool.h>
#include <stddef.h>

#define HUGE_2M (2 * MIB)

/* Private anonymous memory of 4 KiB pages, every page touched. */
char *mem_small(size_t size);

/* The same, never touched: no page is behind it yet. */
char *mem_untouched(size_t size);

/* Small pages, which hardly ever follow each other in memory. */
char *mem_scattered(size_t size);

/* The same, where memory is free in large pieces; needs no more than itself meanwhile. */
char *mem_strided(size_t size);

/* Transparent huge pages; @size is a multiple of 2 MiB. */
char *mem_thp(size_t size);

/* hugetlbfs pages of 2 MiB; takes them from the system and gives them back. */
char *mem_hugetlb(size_t size);

/* A memfd, mapped shared. The descriptor goes to @fd if it is not NULL. */
char *mem_memfd(size_t size, int *fd);

/* Maps the first @piece bytes of a file over and over, shared, to [at, at + size); 0 or -errno. */
int mem_repeat(char *at, size_t size, int fd, size_t piece);

/* One page over and over, shared, so that no two follow each other in memory. */
char *mem_repeated(size_t size);

/* Memory aligned to 2 MiB, of small pages that nobody has touched. */
char *mem_aligned(size_t size);

/* As many pages of 2 MiB in the system's pool, and how many there are; -errno. */
int hugepages_set(long count);
long hugepages_get(void);

void mem_free(char *mem, size_t size);

/* The size of the kernel's transparent huge pages, 0 without. */
size_t mem_thp_size(void);

/* Kilobytes of transparent huge pages in the mapping at @mem; of those of shmem. */
long mem_thp_kib(const char *mem);
long mem_shmem_thp_kib(const char *mem);

/*
 * The page frame behind the page at @mem, 0 if there is none: not touched yet, or swapped
 * out. Needs root.
 */
unsigned long mem_frame(const void *mem);

/* Writes a pattern that depends on @seed; mem_is() tells whether it is there. */
void mem_fill(char *mem, size_t size, unsigned char seed);
bool mem_is(const char *mem, size_t size, unsigned char seed);

#endif
