// SPDX-License-Identifier: GPL-2.0-only
/*
 * The random differential test: type1 is the oracle. A seed stands for a stream
 * of operations; each goes to a container of vfio_iommu_type1 and to one of
 * ours, and everything a process can see of it must be the same, but for the
 * rows of differences.c. TAP on stdout, one test for each pair of type ids.
 *
 * The containers are made anew every BATCH operations: that keeps a replay of
 * what failed short.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "pair.h"
#include "shrink.h"
#include "tally.h"

enum { BATCH = 1000 };

static const struct {
	enum mode_id type1, ours;
	unsigned int percent;	/* of the operations */
} tests[] = {
	{ MODE_TYPE1V2, MODE_BATCH, 50 },
	{ MODE_TYPE1V2, MODE_BATCH_CLAIMED_V2, 20 },
	{ MODE_TYPE1, MODE_BATCH_CLAIMED_V1, 30 },
};

enum { TESTS = sizeof(tests) / sizeof(tests[0]) };

static struct pair pair;
static struct op ops[BATCH];

static void report(int test, __u64 seed, size_t n, size_t shrunk)
{
	char text[2048];
	size_t i;

	printf("# %s\n", pair.why);
	printf("# seed %llu, operation %u of its stream; replayed with %zu of %zu:\n",
	       seed, ops[shrunk - 1].number, shrunk, n);
	for (i = 0; i < shrunk; i++) {
		op_print(&ops[i], text, sizeof(text));
		printf("#   %u: %s\n", ops[i].number, text);
	}
	printf("# between %s and %s\n", mode_get(tests[test].type1)->name,
	       mode_get(tests[test].ours)->name);
}

static void explain(int test, __u64 seed, size_t n)
{
	enum mode_id type1 = tests[test].type1, ours = tests[test].ours;
	size_t shrunk;
	long failed;

	printf("# %s; looking for a short way to it\n", pair.why);
	fflush(stdout);
	failed = shrink_replay(&pair, type1, ours, ops, n);
	if (failed < 0) {
		printf("# a replay agrees: seed %llu, operation %u\n", seed,
		       ops[n - 1].number);
		return;
	}
	if ((size_t)failed < n)
		n = failed + 1;
	shrunk = shrink(&pair, type1, ours, ops, n);
	shrink_replay(&pair, type1, ours, ops, shrunk);
	report(test, seed, n, shrunk);
}

static bool run(int test, __u64 seed, unsigned long count)
{
	struct generator generator;
	unsigned long i, n;
	long failed;

	generate_begin(&generator, seed);
	for (; count; count -= n) {
		n = count < BATCH ? count : BATCH;
		for (i = 0; i < n; i++)
			generate(&generator, &ops[i]);
		failed = shrink_replay(&pair, tests[test].type1,
				       tests[test].ours, ops, n);
		if (failed >= 0) {
			explain(test, seed, (unsigned long)failed < n ?
				failed + 1ul : n);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000;
	__u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	bool passed = true, same;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%d\n", TESTS);
	for (i = 0; i < TESTS; i++) {
		tally_reset();
		same = run(i, seed + i, count / 100 * tests[i].percent);
		passed = passed && same;
		tally_print();
		printf("%sok %d %s and %s: %lu operations of seed %llu\n",
		       same ? "" : "not ", i + 1,
		       mode_get(tests[i].type1)->name,
		       mode_get(tests[i].ours)->name,
		       count / 100 * tests[i].percent, seed + i);
	}
	return passed ? 0 : 1;
}
