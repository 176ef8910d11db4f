// SPDX-License-Identifier: GPL-2.0-only
/* See helped.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest/lib/backend.h"
#include "halves.h"
#include "helped.h"
#include "meter.h"

#define SECOND_NS 1000000000ULL

enum { CALMS = 3, PAUSE_US = 20000, AT_MOST_S = 30, TYPE1_AT_MOST_S = 5 };

static __u64 call_with(const struct helped *what, const struct contender *who, long threads)
{
	__u64 ns;

	must(backend_param_set(BACKEND_BATCH, "map_threads", threads), "map_threads");
	ns = what->call(who, what->data);
	must(backend_param_set(BACKEND_BATCH, "map_threads", 1), "map_threads");
	usleep(PAUSE_US);
	return ns;
}

/* Return: did the host have two CPUs for us when two threads were at work? */
static bool try_both(const struct helped *what, const struct contender *who, struct best *tried)
{
	tried->one = call_with(what, who, 1);
	counts_before(&tried->counts);
	tried->two = who->mode == MODE_BATCH ? call_with(what, who, 2) : tried->one;
	return counts_after(&tried->counts);
}

static void report_both(const struct helped *what, const struct contender *who, const char *none,
			__u64 units, __u64 one, __u64 two)
{
	char row[80];

	snprintf(row, sizeof(row), "parallel/one-thread/%s%s", none, what->row);
	meter_report(who->name, row, units, one);
	snprintf(row, sizeof(row), "parallel/two-threads/%s%s", none, what->row);
	meter_report(who->name, row, units, two);
}

void helped_race(const struct helped *what, const struct contender *who)
{
	bool ours = who->mode == MODE_BATCH;
	unsigned int wanted = ours ? CALMS : 1, tries, calms = 0;
	__u64 most = (ours ? AT_MOST_S : TYPE1_AT_MOST_S) * SECOND_NS;
	struct best calm, any, tried, *best;
	__u64 began = meter_now();

	memset(&calm, 0xff, sizeof(calm));
	any = calm;
	for (tries = 0; calms < wanted && meter_now() - began < most; tries++) {
		if (try_both(what, who, &tried)) {
			best_keep(&calm, &tried);
			calms++;
		} else {
			best_keep(&any, &tried);
			any.counts = tried.counts;
		}
	}
	best = calms >= wanted || calms == tries ? &calm : &any;
	printf("# %s, %s: the host had two CPUs for us in %u of %u tries\n", who->name, what->row,
	       calms, tries);
	report_both(what, who, "none-", 1, best->counts.one, best->counts.two);
	report_both(what, who, "", what->units, best->one, best->two);
}
