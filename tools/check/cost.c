// SPDX-License-Identifier: GPL-2.0-only
/*
 * What operations cost, in nanoseconds of this machine: each is repeated, and the
 * median counts, which one interrupt more or less does not move.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

enum { ROUNDS = 9, MANY = 4096 };

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Prints the median of @rounds times, each of @each units. */
static void print_cost(const struct check *c, const char *name, double *times, double each)
{
	qsort(times, ROUNDS, sizeof(*times), by_value);
	printf("%s cost %s %.1f\n", c->mode, name, times[ROUNDS / 2] / each);
}

/* One page mapped, and unmapped, again and again. */
static int one_page(const struct check *c)
{
	double map[ROUNDS], unmap[ROUNDS], start, middle;
	int i, n, ret = 0;

	for (i = 0; i < ROUNDS; i++) {
		map[i] = unmap[i] = 0;
		for (n = 0; n < 100 && !ret; n++) {
			start = now_ns();
			ret = check_map(c, CHECK_IOVA, c->mem, c->page, RW);
			middle = now_ns();
			if (!ret)
				ret = check_unmap(c, CHECK_IOVA, c->page, 0, NULL);
			map[i] += middle - start;
			unmap[i] += now_ns() - middle;
		}
	}
	if (ret)
		return ret;
	print_cost(c, "map_one_page", map, 100);
	print_cost(c, "unmap_one_page", unmap, 100);
	return 0;
}

static int bulk(const struct check *c, const char *kind, char *mem, size_t size)
{
	double map[ROUNDS], unmap[ROUNDS], start, middle;
	char name[64];
	int i, ret = 0;

	for (i = 0; i < ROUNDS && !ret; i++) {
		start = now_ns();
		ret = check_map(c, CHECK_IOVA, mem, size, RW);
		middle = now_ns();
		if (!ret)
			ret = check_unmap(c, CHECK_IOVA, size, 0, NULL);
		map[i] = middle - start;
		unmap[i] = now_ns() - middle;
	}
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "map_%s_per_page", kind);
	print_cost(c, name, map, (double)size / c->page);
	snprintf(name, sizeof(name), "unmap_%s_per_page", kind);
	print_cost(c, name, unmap, (double)size / c->page);
	return 0;
}

/* Memory of small pages, then the same with whatever huge pages there are. */
static int bulk_memory(const struct check *c, const char *kind, size_t size, int advice)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (mem == MAP_FAILED)
		return -ENOMEM;
	madvise(mem, size, advice);
	memset(mem, 1, size);
	ret = bulk(c, kind, mem, size);
	munmap(mem, size);
	return ret;
}

static int unmap_all(const struct check *c)
{
	double times[ROUNDS], start;
	int i, n, ret = 0;

	for (i = 0; i < ROUNDS && !ret; i++) {
		for (n = 0; n < MANY && !ret; n++)
			ret = check_map(c, CHECK_IOVA + (__u64)2 * n * c->page, c->mem, c->page, RW);
		start = now_ns();
		if (!ret)
			ret = check_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
		times[i] = now_ns() - start;
	}
	if (!ret)
		print_cost(c, "unmap_all_per_mapping", times, MANY);
	return ret;
}

int check_costs(const char *mode, int group, unsigned long type, size_t size)
{
	struct check check = { .mode = mode };
	int ret;

	ret = check_open(&check, group, type);
	if (ret)
		return ret;
	ret = one_page(&check);
	if (!ret)
		ret = bulk_memory(&check, "small_pages", size, MADV_NOHUGEPAGE);
	if (!ret)
		ret = bulk_memory(&check, "huge_pages", size, MADV_HUGEPAGE);
	/* A kernel before 5.12 has no UNMAP_ALL. */
	if (!ret && check_ioctl(&check, VFIO_CHECK_EXTENSION, (void *)VFIO_UNMAP_ALL) == 1)
		ret = unmap_all(&check);
	if (ret)
		printf("%s cost failed %s\n", mode, strerror(-ret));
	check_close(&check);
	return ret;
}
