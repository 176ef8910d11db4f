/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where calls went in the module, and those that went where none had been: the
 * seed of further calls. By KCOV, hence only on a kernel that has it, with a
 * module built for it (the debug kernel, see tests/vm/build); elsewhere every
 * call is a fresh one. Knows nothing of what a call means.
 */
#ifndef VIB_SOAK_COVER_H
#define VIB_SOAK_COVER_H

#include <stdbool.h>

#include "hostile_call.h"

/* More than a module has bytes, so that no two points are taken for one. */
enum { COVER_SPAN = 1 << 20, COVER_KEPT = 1024 };

/*
 * In memory that all clients share. A kept call may be read while it is
 * replaced: what comes of that is a call like any other.
 */
struct cover {
	unsigned char seen[COVER_SPAN];		/* by the address, modulo */
	struct call kept[COVER_KEPT];		/* the last ones, round and round */
	unsigned long points, keeps;		/* seen; calls ever kept */
};

/* For the calling thread: false if the kernel has no KCOV. */
bool cover_open(void);

/* Around a call of a thread that has opened it; others see nothing new. */
void cover_begin(void);
bool cover_is_new(struct cover *cover);

void cover_keep(struct cover *cover, const struct call *call);

/* One of those kept; NULL if there is none. */
const struct call *cover_pick(struct cover *cover, struct rng *rng);

#endif
