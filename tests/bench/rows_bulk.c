// SPDX-License-Identifier: GPL-2.0-only
/*
 * One large mapping of each kind of memory: map it, unmap it, map it again and
 * close the container with it. Units are pages of 4 KiB.
 */
#include <stdio.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)

struct kind {
	const char *name;
	char *(*get)(size_t size);
};

static char *get_memfd(size_t size)
{
	return mem_memfd(size, NULL);
}

/*
 * Pages of 4 KiB in an order that has nothing to do with their addresses: they
 * are touched along a fixed walk that visits each once.
 */
static char *get_scattered(size_t size)
{
	size_t n = size / PAGE, at = 0, i;
	char *mem = mem_untouched(size);

	if (!mem)
		return NULL;
	for (i = 0; i < n; i++) {
		mem[at * PAGE] = 1;
		at = (at * 1664525 + 1013904223) % n;	/* full period: n = 2^k */
	}
	return mem;
}

static const struct kind small = { "small", mem_small };
static const struct kind scattered = { "scattered", get_scattered };
static const struct kind thp = { "thp", mem_thp };
static const struct kind hugetlb = { "hugetlb", mem_hugetlb };
static const struct kind memfd = { "memfd", get_memfd };

static const struct {
	const struct kind *kind;
	unsigned int mib;
} bulk[] = {
	{ &small, 256 },
	{ &thp, 512 },
	{ &hugetlb, 512 },
	{ &memfd, 256 },
	/* Last: what it gives back stays scattered for a while. */
	{ &scattered, 256 },
};

static const struct kind *const growth_kinds[] = { &small, &thp };
static const unsigned int growth_mib[] = { 2, 16, 128, 1024, 2048 };

static const char *row_name(char *buf, size_t len, const char *what,
			    const char *kind, unsigned int mib)
{
	snprintf(buf, len, "%s/%s/%uM", what, kind, mib);
	return buf;
}

static void map_measured(struct world *w, const struct contender *who,
			 const char *row, const char *mem, size_t size)
{
	int ret;

	meter_start(who->name, row);
	ret = dma_map(w->container, IOVA, mem, size, DMA_RW);
	meter_stop(size / PAGE);
	must(ret, row);
}

static void unmap_measured(struct world *w, const struct contender *who,
			   const char *row, size_t size)
{
	__u64 unmapped;
	int ret;

	meter_start(who->name, row);
	ret = dma_unmap(w->container, IOVA, size, 0, &unmapped);
	meter_stop(size / PAGE);
	must(ret, row);
	if (unmapped != size)
		fail("%s: another size was unmapped", row);
}

/* The three rows of @size bytes at @mem. */
static void life(const struct contender *who, const char *kind,
		 const char *mem, size_t size)
{
	unsigned int mib = size / MIB;
	struct world w;
	char row[64];

	open_world(&w, who, 1);
	map_measured(&w, who, row_name(row, sizeof(row), "map", kind, mib), mem,
		     size);
	unmap_measured(&w, who, row_name(row, sizeof(row), "unmap", kind, mib),
		       size);
	must(dma_map(w.container, IOVA, mem, size, DMA_RW), "second map");
	close_measured(&w, who, row_name(row, sizeof(row), "close", kind, mib),
		       size / PAGE);
}

static void life_of(const struct kind *kind, unsigned int mib)
{
	size_t size = mib * MIB;
	char *mem = kind->get(size);
	int i;

	if (!mem)
		fail("no %u MiB of %s memory", mib, kind->name);
	for (i = 0; i < CONTENDERS; i++)
		life(&contenders[i], kind->name, mem, size);
	mem_free(mem, size);
}

/* A device's registers, mapped for other devices to reach. */
static void life_of_bar(const struct contender *who)
{
	struct world w;
	struct edu *edu;

	open_world(&w, who, 1);
	edu = world_edu(&w, 0);
	if (!edu)
		fail("the device does not open");
	map_measured(&w, who, "map/bar/1M", edu->bar, edu->bar_size);
	unmap_measured(&w, who, "unmap/bar/1M", edu->bar_size);
	must(dma_map(w.container, IOVA, edu->bar, edu->bar_size, DMA_RW),
	     "second map");
	close_measured(&w, who, "close/bar/1M", edu->bar_size / PAGE);
}

void rows_bulk(void)
{
	size_t i;

	for (i = 0; i < CONTENDERS; i++)
		life_of_bar(&contenders[i]);
	for (i = 0; i < sizeof(bulk) / sizeof(bulk[0]); i++)
		life_of(bulk[i].kind, bulk[i].mib);
}

void rows_growth(void)
{
	size_t i, j;

	for (i = 0; i < sizeof(growth_kinds) / sizeof(growth_kinds[0]); i++) {
		for (j = 0; j < sizeof(growth_mib) / sizeof(growth_mib[0]); j++)
			life_of(growth_kinds[i], growth_mib[j]);
	}
}
