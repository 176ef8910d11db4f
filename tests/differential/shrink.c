// SPDX-License-Identifier: GPL-2.0-only
/* See shrink.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shrink.h"

/* Opening containers costs most, so that is what is bounded. */
enum { MAX_REPLAYS = 400 };

long shrink_replay(struct pair *pair, enum mode_id type1, enum mode_id ours,
		   const struct op *ops, size_t n)
{
	char why[sizeof(pair->why)] = "";
	long failed = -1;
	size_t i;

	if (pair_open(pair, type1, ours)) {
		failed = 0;
		memcpy(why, pair->why, sizeof(why));
		n = 0;
	}
	for (i = 0; i < n; i++) {
		if (pair_step(pair, &ops[i]))
			continue;
		failed = i;
		memcpy(why, pair->why, sizeof(why));
		break;
	}
	if (!pair_close(pair) && failed < 0) {
		failed = n;
		memcpy(why, pair->why, sizeof(why));
	}
	memcpy(pair->why, why, sizeof(why));
	return failed;
}

/* Does the list without [from, to) still fail at its end? */
static bool fails_without(struct pair *pair, enum mode_id type1,
			  enum mode_id ours, const struct op *ops, size_t n,
			  size_t from, size_t to, struct op *rest)
{
	size_t left = n - (to - from);
	long failed;

	memcpy(rest, ops, from * sizeof(*ops));
	memcpy(rest + from, ops + to, (n - to) * sizeof(*ops));
	failed = shrink_replay(pair, type1, ours, rest, left);
	return failed >= (long)left - 1;
}

size_t shrink(struct pair *pair, enum mode_id type1, enum mode_id ours,
	      struct op *ops, size_t n)
{
	struct op *rest = malloc(n * sizeof(*ops));
	size_t chunk, from, to;
	int left = MAX_REPLAYS;

	for (chunk = n / 2; rest && chunk; chunk /= 2) {
		for (from = 0; from + 1 < n && left; ) {
			to = from + chunk < n - 1 ? from + chunk : n - 1;
			left--;
			if (!fails_without(pair, type1, ours, ops, n, from,
					   to, rest)) {
				from = to;
				continue;
			}
			n -= to - from;
			memcpy(ops, rest, n * sizeof(*ops));
		}
	}
	free(rest);
	return n;
}
