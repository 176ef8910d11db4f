// SPDX-License-Identifier: GPL-2.0-only
/*
 * One MAP of memory that nobody has touched, with one thread and with two (helped.h).
 */
#include <stdio.h>
#include <sys/mman.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "helped.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)

struct untouched {
	const char *kind;
	int advice;
	unsigned int mib;
};

struct map_call {
	struct world w;
	char *mem;
	size_t size;
};

/* The memory is untouched again afterwards. */
static __u64 map_untouched(const struct contender *who, void *data)
{
	struct map_call *call = data;
	__u64 began, ended;

	began = meter_now();
	must(dma_map(call->w.container, IOVA, call->mem, call->size, DMA_RW), "map");
	ended = meter_now();
	must(dma_unmap_all(call->w.container, NULL), "unmap");
	madvise(call->mem, call->size, MADV_DONTNEED);
	return ended - began;
}

static void race_untouched(const struct contender *who, const struct untouched *what, char *mem)
{
	struct map_call call = { .mem = mem, .size = what->mib * MIB };
	char row[40];
	const struct helped helped = {
		.row = row,
		.units = call.size / PAGE,
		.call = map_untouched,
		.data = &call,
	};

	snprintf(row, sizeof(row), "untouched-%s-%uM", what->kind, what->mib);
	open_world(&call.w, who, 1);
	helped_race(&helped, who);
	close_world(&call.w);
}

static void race_all(const struct untouched *what)
{
	size_t size = what->mib * MIB;
	char *mem = mem_aligned(size);
	int i;

	if (!mem)
		fail("no memory");
	madvise(mem, size, what->advice);
	for (i = 0; i < CONTENDERS; i++)
		race_untouched(&contenders[i], what, mem);
	mem_free(mem, size);
}

static void race_list(const struct untouched *what, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		race_all(&what[i]);
}

void rows_untouched(const char *unused)
{
	static const struct untouched what[] = {
		{ "thp", MADV_HUGEPAGE, 1024 },
		{ "small", MADV_NOHUGEPAGE, 256 },
	};

	race_list(what, sizeof(what) / sizeof(what[0]));
}

void rows_untouched_growth(const char *unused)
{
	static const struct untouched what[] = {
		{ "thp", MADV_HUGEPAGE, 32 }, { "thp", MADV_HUGEPAGE, 128 },
		{ "thp", MADV_HUGEPAGE, 512 }, { "thp", MADV_HUGEPAGE, 2048 },
		{ "small", MADV_NOHUGEPAGE, 32 }, { "small", MADV_NOHUGEPAGE, 128 },
		{ "small", MADV_NOHUGEPAGE, 512 },
	};

	race_list(what, sizeof(what) / sizeof(what[0]));
}
