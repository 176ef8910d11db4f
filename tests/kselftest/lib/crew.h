/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads that help our backend with a map or an unmap.
 */
#ifndef VIB_TEST_CREW_H
#define VIB_TEST_CREW_H

#include <stdbool.h>

/* At most as many threads for each map and unmap, the caller among them; 0 or -errno. */
int crew_threads(long nr);

/* Are they threads of the process that maps, on this kernel? */
bool crew_is_of_threads(void);

/* Are there none, after a moment at most? */
bool crew_is_gone(void);

#endif
