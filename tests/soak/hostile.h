/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hostile clients: processes without privilege over locked memory, who
 * share two containers and try whatever hostile_call.h thinks of.
 */
#ifndef VIB_SOAK_HOSTILE_H
#define VIB_SOAK_HOSTILE_H

#include <linux/types.h>
#include <stdbool.h>

#include "cover.h"
#include "hostile_call.h"

enum { HOSTILES = 2, HOSTILE_THREADS = 2, LIMIT_PAGES = 96 };

/* Containers: one each, and one that no backend serves. */
enum { TARGETS = HOSTILES + 1 };

/* Seen by all; survives who writes to it. */
struct stage {
	unsigned long calls, good[CALL_KINDS], bad[CALL_KINDS], moves, late;
	volatile unsigned int finished;	/* clients whose calls are made */
	volatile bool leave;		/* they may end */
	char trouble[160];
	struct cover cover;
};

struct hostile {
	struct stage *stage;
	unsigned int nr;
	int container[TARGETS];
	int group;		/* a second group of its container's own */
	int memfd;		/* the memory in common */
	char *bar;
	unsigned long calls;	/* to be made by each thread */
	__u64 seed;
	bool guided;		/* KCOV has to be there */
};

/* Makes its calls and waits to be let go, or killed. */
void hostile_run(const struct hostile *hostile) __attribute__((noreturn));

#endif
