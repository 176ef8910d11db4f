/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Results in TAP, for programs that are not made of independent test
 * functions. A failed check is printed and counted, and the program goes on.
 */
#ifndef VIB_SOAK_TAP_H
#define VIB_SOAK_TAP_H

#include <stdbool.h>

/* One result; returns @good. */
bool tap(bool good, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A line that is no result. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the plan; the exit status of the program. */
int tap_end(void);

#endif
