// SPDX-License-Identifier: GPL-2.0-only
/*
 * One large mapping of each kind of memory: map it, unmap it, map it again and
 * close the container with it; map it again while it is mapped, and unmap one of the two. Units are
 * pages of 4 KiB.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/source.h"
#include "../kselftest/lib/util.h"
#include "iommufd.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)
/* The second mapping's; as the first one's for IOMMU pages of any size. */
#define IOVA_AGAIN (16 * GIB)

struct kind {
	const char *name;
	char *(*get)(size_t size);
};

/*
 * Touches @mem in pieces of @run pages, in an order that has nothing to do with
 * their addresses: a fixed walk that visits each piece once.
 */
static void touch_scattered(char *mem, size_t size, size_t run)
{
	size_t n = size / PAGE / run, at = 0, i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < run; j++)
			mem[(at * run + j) * PAGE] = 1;
		at = (at * 1664525 + 1013904223) % n;	/* full period: n = 2^k */
	}
}

static char *get_scattered(size_t size)
{
	char *mem = mem_untouched(size);

	if (mem)
		touch_scattered(mem, size, 1);
	return mem;
}

static char *get_memfd(size_t size)
{
	return mem_memfd(size, NULL);
}

static char *get_memfd_in_runs(size_t size, size_t run)
{
	int fd = memfd_create("bench", MFD_CLOEXEC);
	char *mem;

	if (fd < 0 || ftruncate(fd, size))
		return NULL;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		return NULL;
	touch_scattered(mem, size, run);
	return mem;
}

/*
 * Pages of 1 GiB. The kernel has put one aside when it booted, so a larger size is that one, a file
 * of its own, mapped again and again.
 */
static char *get_hugetlb_1g(size_t size)
{
	int fd = memfd_create("bench", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB);
	char *room = mmap(NULL, size + GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *mem = (char *)(((uintptr_t)room + GIB - 1) / GIB * GIB);
	size_t at;

	if (fd < 0 || room == MAP_FAILED || ftruncate(fd, GIB))
		return NULL;
	for (at = 0; at < size; at += GIB)
		if (mmap(mem + at, GIB, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) == MAP_FAILED)
			return NULL;
	close(fd);
	return mem;
}

/* Runs of two pages: what a memfd is like where memory is a little fragmented. */
static char *get_memfd_pairs(size_t size)
{
	return get_memfd_in_runs(size, 2);
}

static char *get_memfd_scattered(size_t size)
{
	return get_memfd_in_runs(size, 1);
}

static const struct kind small = { "small", mem_small };
static const struct kind scattered = { "scattered", get_scattered };
static const struct kind thp = { "thp", mem_thp };
static const struct kind hugetlb = { "hugetlb", mem_hugetlb };
static const struct kind hugetlb_1g = { "hugetlb-1g", get_hugetlb_1g };
static const struct kind memfd = { "memfd", get_memfd };
static const struct kind memfd_pairs = { "memfd-pairs", get_memfd_pairs };
static const struct kind memfd_scattered = {
	"memfd-scattered", get_memfd_scattered
};

static const struct {
	const struct kind *kind;
	unsigned int mib;
	bool again;		/* mapped twice at a time, too */
	const char *next;	/* the name of a second life, if there is one */
} bulk[] = {
	{ &small, 256, .again = true },
	{ &thp, 512, .again = true },
	{ &hugetlb, 512, .again = true },
	/* So short that it matters whether the kernel needs a new slab. */
	{ &hugetlb_1g, 1024, .next = "hugetlb-1g-next" },
	{ &hugetlb_1g, 4096, .again = false },
	{ &memfd, 256, .again = false },
	/* Last: what these give back stays scattered for a while. */
	{ &memfd_pairs, 256, .again = false },
	{ &memfd_scattered, 256, .again = false },
	{ &scattered, 256, .again = true },
};

static const struct kind *const growth_kinds[] = { &small, &thp };
static const unsigned int growth_mib[] = { 2, 32, 256, 1024 };
enum { LARGEST_MIB = 4096 };

static const char *row_name(char *buf, size_t len, const char *what,
			    const char *kind, unsigned int mib)
{
	snprintf(buf, len, "%s/%s/%uM", what, kind, mib);
	return buf;
}

/* An address space with one device: a container of @who, or one of iommufd if that is NULL. */
struct space {
	const struct contender *who;
	struct world world;
	struct iommufd iommufd;
};

static const char *space_name(const struct space *s)
{
	return s->who ? s->who->name : "iommufd";
}

static void space_open(struct space *s, const struct contender *who)
{
	s->who = who;
	if (who)
		open_world(&s->world, who, 1);
	else
		iommufd_open(&s->iommufd);
}

static int space_map(struct space *s, __u64 iova, const char *mem, size_t size)
{
	if (s->who)
		return dma_map(s->world.container, iova, mem, size, DMA_RW);
	return iommufd_map(&s->iommufd, iova, mem, size);
}

static int space_unmap(struct space *s, __u64 iova, size_t size, __u64 *unmapped)
{
	if (s->who)
		return dma_unmap(s->world.container, iova, size, 0, unmapped);
	return iommufd_unmap(&s->iommufd, iova, size, unmapped);
}

static void space_close_measured(struct space *s, const char *row, __u64 units)
{
	if (s->who) {
		close_measured(&s->world, s->who, row, units);
		return;
	}
	meter_start(space_name(s), row);
	iommufd_end(&s->iommufd);
	meter_stop(units);
	iommufd_close(&s->iommufd);
}

static void map_measured(struct space *s, const char *row, __u64 iova, const char *mem,
			 size_t size)
{
	int ret;

	meter_start(space_name(s), row);
	ret = space_map(s, iova, mem, size);
	meter_stop(size / PAGE);
	must(ret, row);
}

static void unmap_measured(struct space *s, const char *row, __u64 iova, size_t size)
{
	__u64 unmapped;
	int ret;

	meter_start(space_name(s), row);
	ret = space_unmap(s, iova, size, &unmapped);
	meter_stop(size / PAGE);
	must(ret, row);
	if (unmapped != size)
		fail("%s: another size was unmapped", row);
}

/* The rows of @size bytes at @mem. */
static void life(const struct contender *who, const char *kind,
		 const char *mem, size_t size, bool again)
{
	unsigned int mib = size / MIB;
	struct space s;
	char row[64];

	space_open(&s, who);
	map_measured(&s, row_name(row, sizeof(row), "map", kind, mib), IOVA, mem, size);
	if (again) {
		map_measured(&s, row_name(row, sizeof(row), "map-again", kind, mib),
			     IOVA_AGAIN, mem, size);
		unmap_measured(&s, row_name(row, sizeof(row), "unmap-again", kind, mib),
			       IOVA_AGAIN, size);
	}
	unmap_measured(&s, row_name(row, sizeof(row), "unmap", kind, mib), IOVA, size);
	must(space_map(&s, IOVA, mem, size), "second map");
	space_close_measured(&s, row_name(row, sizeof(row), "close", kind, mib), size / PAGE);
}

/* Runs of physically contiguous pages in @mem; -1 if the kernel does not say. */
static long count_runs(const char *mem, size_t size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry, last = 0;
	long runs = 0;
	size_t i;

	for (i = 0; i < size / PAGE; i++) {
		if (pread(fd, &entry, sizeof(entry),
			  ((uintptr_t)mem / PAGE + i) * sizeof(entry)) !=
		    sizeof(entry)) {
			runs = -1;
			break;
		}
		runs += entry != last + 1;
		last = entry;
	}
	close(fd);
	return runs;
}

static char *get_memory(const struct kind *kind, unsigned int mib)
{
	char *mem;

	tidy_memory();
	mem = kind->get(mib * MIB);
	if (!mem)
		fail("no %u MiB of %s memory", mib, kind->name);
	return mem;
}

/* The life of the first @mib of @mem with each backend, and with iommufd where that is. */
static void life_with(const char *kind, const char *mem, unsigned int mib, bool again)
{
	size_t size = mib * MIB;
	int i;

	printf("# %s/%uM: %llu pages in %ld contiguous runs\n", kind, mib,
	       size / PAGE, count_runs(mem, size));
	for (i = 0; i < CONTENDERS; i++)
		life(&contenders[i], kind, mem, size, again);
	if (iommufd_present())
		life(NULL, kind, mem, size, again);
}

static void life_of(const struct kind *kind, unsigned int mib, bool again, const char *next)
{
	char *mem = get_memory(kind, mib);

	life_with(kind->name, mem, mib, again);
	if (next)
		life_with(next, mem, mib, again);
	mem_free(mem, mib * MIB);
}

static bool wanted(const char *only, const char *kind)
{
	return !only || !strcmp(only, kind);
}

void rows_bulk(const char *only)
{
	unsigned int found = 0;
	size_t i;

	for (i = 0; i < sizeof(bulk) / sizeof(bulk[0]); i++) {
		if (wanted(only, bulk[i].kind->name)) {
			life_of(bulk[i].kind, bulk[i].mib, bulk[i].again, bulk[i].next);
			found++;
		}
	}
	if (!found)
		fail("no kind of memory %s", only);
}

/*
 * Every kind of growth_kinds, or @only that one, at each of the @n sizes, the last of which is the
 * largest: all are of the same memory. What is freed and taken again would lie in pieces.
 */
static void grow_kinds(const char *only, const unsigned int *mib, size_t n)
{
	unsigned int found = 0;
	char *mem;
	size_t i, j;

	for (i = 0; i < sizeof(growth_kinds) / sizeof(growth_kinds[0]); i++) {
		if (!wanted(only, growth_kinds[i]->name))
			continue;
		mem = get_memory(growth_kinds[i], mib[n - 1]);
		for (j = 0; j < n; j++)
			life_with(growth_kinds[i]->name, mem, mib[j], false);
		mem_free(mem, mib[n - 1] * MIB);
		found++;
	}
	if (!found)
		fail("no kind of memory %s", only);
}

void rows_growth(const char *only)
{
	grow_kinds(only, growth_mib, sizeof(growth_mib) / sizeof(growth_mib[0]));
}

void rows_largest(const char *only)
{
	static const unsigned int mib = LARGEST_MIB;

	grow_kinds(only, &mib, 1);
}

void rows_few(const char *unused)
{
	life_of(&small, 2, false, NULL);
	life_of(&small, 64, false, NULL);
	life_of(&thp, 64, false, NULL);
	life_of(&thp, 512, false, NULL);
	life_of(&memfd, 64, false, NULL);
}
