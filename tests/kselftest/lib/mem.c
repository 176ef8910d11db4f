// SPDX-License-Identifier: GPL-2.0-only
/* See mem.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "util.h"

#define STRIDE (64 * PAGE)	/* between pages that are touched one after the other */

#define NR_HUGEPAGES "/proc/sys/vm/nr_hugepages"

static char *map(void *hint, size_t size, int flags, int fd)
{
	char *mem;

	mem = mmap(hint, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	return mem == MAP_FAILED ? NULL : mem;
}

void mem_free(char *mem, size_t size)
{
	if (mem)
		munmap(mem, size);
}

char *mem_untouched(size_t size)
{
	char *mem = map(NULL, size, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (mem)
		madvise(mem, size, MADV_NOHUGEPAGE);
	return mem;
}

char *mem_small(size_t size)
{
	char *mem = mem_untouched(size);

	if (mem)
		memset(mem, 0x5a, size);
	return mem;
}

/* What smaps says of the mapping at @mem, -1 if nothing. */
static long smaps_kib(const char *mem, const char *what)
{
	char format[64];
	unsigned long start, end;
	bool inside = false;
	char line[512];
	long kib = -1;
	FILE *smaps;

	snprintf(format, sizeof(format), "%s: %%ld", what);
	smaps = fopen("/proc/self/smaps", "re");
	if (!smaps)
		return -1;
	while (kib < 0 && fgets(line, sizeof(line), smaps)) {
		/* Both ends: "AnonHugePages" begins like a hexadecimal number. */
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start == (uintptr_t)mem;
		else if (inside)
			sscanf(line, format, &kib);
	}
	fclose(smaps);
	return kib;
}

long mem_thp_kib(const char *mem)
{
	return smaps_kib(mem, "AnonHugePages");
}

long mem_shmem_thp_kib(const char *mem)
{
	return smaps_kib(mem, "ShmemPmdMapped");
}

char *mem_scattered(size_t size)
{
	char *to = mem_untouched(size), *from = mem_small(2 * size);
	size_t at;

	if (!to || !from)
		return NULL;
	/* Every other page only, so that whatever order they came in leaves gaps. */
	for (at = 0; at < size; at += PAGE)
		if (mremap(from + 2 * at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to + at) == MAP_FAILED)
			return NULL;
	mem_free(from, 2 * size);
	return to;
}

/* Touched in an order in which no neighbours follow each other. */
char *mem_strided(size_t size)
{
	char *mem = mem_untouched(size);
	size_t first, at;

	for (first = 0; mem && first < STRIDE; first += PAGE)
		for (at = first; at < size; at += STRIDE)
			mem[at] = 1;
	return mem;
}

int mem_repeat(char *at, size_t size, int fd, size_t piece)
{
	char *end = at + size;

	for (; at < end; at += piece)
		if (!map(at, piece, MAP_SHARED | MAP_FIXED, fd))
			return -errno;
	return 0;
}

char *mem_repeated(size_t size)
{
	char *page, *mem = mem_untouched(size);
	int fd;

	page = mem_memfd(PAGE, &fd);
	if (!page)
		return NULL;
	if (mem && mem_repeat(mem, size, fd, PAGE))
		mem = NULL;
	mem_free(page, PAGE);
	close(fd);
	return mem;
}

char *mem_aligned(size_t size)
{
	uintptr_t start, aligned;
	char *area;

	area = map(NULL, size + HUGE_2M, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!area)
		return NULL;
	start = (uintptr_t)area;
	aligned = (start + HUGE_2M - 1) & ~(HUGE_2M - 1);
	if (aligned > start)
		munmap(area, aligned - start);
	munmap((void *)(aligned + size), start + HUGE_2M - aligned);
	madvise((void *)aligned, size, MADV_NOHUGEPAGE);
	return (char *)aligned;
}

char *mem_thp(size_t size)
{
	char *mem = mem_aligned(size);

	if (!mem)
		return NULL;
	madvise(mem, size, MADV_HUGEPAGE);
	memset(mem, 0x5a, size);
	if (mem_thp_kib(mem) == (long)(size / KIB))
		return mem;
	mem_free(mem, size);
	return NULL;
}

size_t mem_thp_size(void)
{
	long size = file_read_long("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");

	return size < 0 ? 0 : size;
}

long hugepages_get(void)
{
	return file_read_long(NR_HUGEPAGES);
}

int hugepages_set(long count)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", count);
	return file_write(NR_HUGEPAGES, text);
}

char *mem_hugetlb(size_t size)
{
	long before = hugepages_get();
	char *mem;

	if (before < 0 || hugepages_set(before + size / HUGE_2M))
		return NULL;
	mem = map(NULL, size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
		  MAP_POPULATE, -1);
	/* Pages in use stay until they are freed; the rest goes back now. */
	hugepages_set(before);
	if (mem)
		memset(mem, 0x5a, size);
	return mem;
}

char *mem_memfd(size_t size, int *fd)
{
	char *mem = NULL;
	int memfd;

	memfd = memfd_create("vib-test", MFD_CLOEXEC);
	if (memfd < 0)
		return NULL;
	if (!ftruncate(memfd, size))
		mem = map(NULL, size, MAP_SHARED, memfd);
	if (mem)
		memset(mem, 0x5a, size);
	if (mem && fd)
		*fd = memfd;
	else
		close(memfd);
	return mem;
}

unsigned long mem_frame(const void *mem)
{
	const unsigned long long present = 1ULL << 63, frame = (1ULL << 55) - 1;
	unsigned long long entry = 0;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)mem / PAGE * sizeof(entry)) !=
	    sizeof(entry))
		entry = 0;
	close(fd);
	return entry & present ? entry & frame : 0;
}

static unsigned char pattern(size_t at, unsigned char seed)
{
	return seed + at * 7 + (at >> 12) * 13;
}

void mem_fill(char *mem, size_t size, unsigned char seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		mem[i] = pattern(i, seed);
}

bool mem_is(const char *mem, size_t size, unsigned char seed)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if ((unsigned char)mem[i] != pattern(i, seed))
			return false;
	}
	return true;
}
