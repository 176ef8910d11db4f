// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints differences.c into the log of a run, so that whoever reads it sees
 * what this run took for granted, and refuses rows that explain nothing.
 */
#include "fixture.h"

static void print_value(char *text, size_t size, long value)
{
	if (value == DIFF_UNDEFINED)
		snprintf(text, size, "undefined");
	else if (value < 0)
		snprintf(text, size, "-%s", strerrorname_np(-value));
	else
		snprintf(text, size, "%ld", value);
}

TEST(every_difference_says_what_and_why)
{
	const struct difference *row;
	char type1[32], ours[32];
	unsigned int i;

	for (i = 0; i < DIFFERENCES; i++) {
		row = difference_get(i);
		ASSERT_NE(NULL, row->what);
		ASSERT_NE(NULL, row->why);
		ASSERT_NE(row->type1, row->ours);
		print_value(type1, sizeof(type1), row->type1);
		print_value(ours, sizeof(ours), row->ours);
		ksft_print_msg("%s: type1 %s, ours %s%s\n", row->what, type1,
			       ours, kernel_running() < row->until ?
			       "" : " (type1 agrees on this kernel)");
	}
}

TEST_HARNESS_MAIN
