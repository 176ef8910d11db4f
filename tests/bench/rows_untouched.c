// SPDX-License-Identifier: GPL-2.0-only
/*
 * One MAP of memory that nobody has touched, with one thread and with two (map_threads), in wall
 * time: the best of three rounds in which the host had two CPUs for us (halves.h). If half a
 * minute does not bring so many, the row is that of a busy host, the best of the others: one round
 * may have been disturbed between the counting before and after it. What two threads gained that
 * only count is in rows none-ROW. type1 knows one thread only, and has that time in both rows.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/backend.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "halves.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)

#define AT_MOST_NS (30 * 1000000000ULL)

enum { CALMS = 3, PAUSE_US = 20000 };

struct untouched {
	const char *kind;
	int advice;
	unsigned int mib;
};

/* Return: nanoseconds. The memory is untouched again afterwards. */
static __u64 map_untouched(struct world *w, char *mem, size_t size, long threads)
{
	__u64 began, ended;

	must(backend_param_set(BACKEND_BATCH, "map_threads", threads), "map_threads");
	began = meter_now();
	must(dma_map(w->container, IOVA, mem, size, DMA_RW), "map");
	ended = meter_now();
	must(dma_unmap_all(w->container, NULL), "unmap");
	madvise(mem, size, MADV_DONTNEED);
	usleep(PAUSE_US);
	return ended - began;
}

/* Return: did the host have two CPUs for us when two threads were at work? */
static bool try_both(struct world *w, const struct contender *who, char *mem, size_t size,
		     struct best *tried)
{
	bool calm;

	tried->one = map_untouched(w, mem, size, 1);
	counts_before(&tried->counts);
	tried->two = who->mode == MODE_BATCH ? map_untouched(w, mem, size, 2) : tried->one;
	calm = counts_after(&tried->counts);
	must(backend_param_set(BACKEND_BATCH, "map_threads", 1), "map_threads");
	return calm;
}

static void report_both(const struct contender *who, const struct untouched *what,
			const char *none, __u64 units, __u64 one, __u64 two)
{
	char row[80];

	snprintf(row, sizeof(row), "parallel/one-thread/%suntouched-%s-%uM", none, what->kind,
		 what->mib);
	meter_report(who->name, row, units, one);
	snprintf(row, sizeof(row), "parallel/two-threads/%suntouched-%s-%uM", none, what->kind,
		 what->mib);
	meter_report(who->name, row, units, two);
}

static void race_untouched(const struct contender *who, const struct untouched *what, char *mem)
{
	__u64 size = what->mib * MIB, began = meter_now();
	struct best calm, any, tried, *best;
	unsigned int wanted = who->mode == MODE_BATCH ? CALMS : 1, tries, calms = 0;
	struct world w;

	memset(&calm, 0xff, sizeof(calm));
	any = calm;
	open_world(&w, who, 1);
	for (tries = 0; calms < wanted && meter_now() - began < AT_MOST_NS; tries++) {
		if (try_both(&w, who, mem, size, &tried)) {
			best_keep(&calm, &tried);
			calms++;
		} else {
			best_keep(&any, &tried);
			any.counts = tried.counts;
		}
	}
	best = calms >= wanted || calms == tries ? &calm : &any;
	printf("# %s, untouched-%s-%uM: the host had two CPUs for us in %u of %u tries\n",
	       who->name, what->kind, what->mib, calms, tries);
	report_both(who, what, "none-", 1, best->counts.one, best->counts.two);
	report_both(who, what, "", size / PAGE, best->one, best->two);
	close_world(&w);
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
