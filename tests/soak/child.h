/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Children of the races' clients: they inherit a container, use it, and end in
 * one of many ways. Some become another program that has it still.
 */
#ifndef VIB_SOAK_CHILD_H
#define VIB_SOAK_CHILD_H

#include <linux/types.h>

#include "../differential/rng.h"
#include "races.h"

/* What there is to inherit; descriptors may be -1. */
struct inherited {
	int container, group[RACE_GROUPS];
	char *mem;
	__u64 iova;		/* where to map a little of it */
};

/*
 * A child by RACE_FORK, RACE_EXEC or RACE_EXEC_KEPT, and its end. 0 or -errno;
 * RACE_EXEC_KEPT: only if the other program had a container that worked.
 */
int child_make(struct rng *rng, enum race race, const struct inherited *inherited);

/* That program, with what follows "exec" in its arguments; its exit status. */
int child_main(int argc, char **argv);

#endif
