// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the suites of the pure parts. Owns the seed and the exit status, nothing else.
 *
 * VIB_SEED=<number> repeats a run; libcheck's own CK_RUN_SUITE, CK_FORK and CK_VERBOSITY work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shim.h"

static u64 choose_seed(void)
{
	const char *given = getenv("VIB_SEED");
	struct timespec now;
	char *end;
	u64 seed;

	if (!given) {
		clock_gettime(CLOCK_REALTIME, &now);
		return (u64)now.tv_sec * 1000000000 + now.tv_nsec;
	}
	errno = 0;
	seed = strtoull(given, &end, 0);
	if (errno || end == given || *end) {
		fprintf(stderr, "VIB_SEED=%s is not a number\n", given);
		exit(2);
	}
	return seed;
}

int main(void)
{
	SRunner *runner;
	int failed;

	rnd_seed = choose_seed();
	printf("random tests with VIB_SEED=%llu\n", rnd_seed);
	fflush(stdout);
	runner = srunner_create(iova_suite());
	srunner_add_suite(runner, extents_suite());
	srunner_add_suite(runner, maptree_suite());
	srunner_add_suite(runner, ranges_suite());
	srunner_add_suite(runner, dirtymap_suite());
	srunner_add_suite(runner, names_suite());
	srunner_add_suite(runner, pace_suite());
	srunner_add_suite(runner, turns_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	if (!srunner_ntests_run(runner)) {
		fprintf(stderr, "no test was run\n");
		failed = 1;
	}
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
