// SPDX-License-Identifier: GPL-2.0-only
/* See tally.h. */
#include <stdio.h>
#include <string.h>

#include "tally.h"

enum { MAX_ERRNO = 134 };

/* By -errno; 0 is any success. */
static unsigned long counts[OP_KINDS][MAX_ERRNO];

void tally_reset(void)
{
	memset(counts, 0, sizeof(counts));
}

void tally_add(const struct op *op, int ret)
{
	counts[op->kind][ret < 0 && -ret < MAX_ERRNO ? -ret : 0]++;
}

static void print_kind(unsigned int kind)
{
	bool any = false;
	int error;

	for (error = 0; error < MAX_ERRNO; error++) {
		if (!counts[kind][error])
			continue;
		if (!any)
			printf("# %s:", op_kind_name(kind));
		any = true;
		printf(" %s %lu", error ? strerrorname_np(error) : "done",
		       counts[kind][error]);
	}
	if (any)
		printf("\n");
}

void tally_print(void)
{
	unsigned int kind;

	for (kind = 0; kind < OP_KINDS; kind++)
		print_kind(kind);
}
