/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What clients left behind in the system when all of them are gone: pinned
 * pages, containers, uses of the module. And putting the module back.
 */
#ifndef VIB_SOAK_LEFTOVERS_H
#define VIB_SOAK_LEFTOVERS_H

#include <stdbool.h>

/* Remembers how things are now, with no client there. */
void leftovers_begin(void);

/* NULL, or what is different. */
const char *leftovers(void);

/* After backend_remove(); 0 or -errno. */
int module_insert(void);

#endif
