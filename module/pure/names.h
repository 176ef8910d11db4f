/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of patterns for process names, such as "qemu-system-x86*,dpdk-*": is a list well formed,
 * and does a name match it? In a pattern, * stands for any characters and ? for one.
 *
 * The kernel keeps only VIB_NAME_CUT characters of a process's name. So a name of that length may
 * be the beginning of a longer one, and the rest of a pattern is then taken to match the part that
 * was cut off: "qemu-system-x86_64" and "qemu*x86_64" match "qemu-system-x86". But at least one
 * character behind a * must be in the visible part: "*-tool" does not match it.
 */
#ifndef VIB_PURE_NAMES_H
#define VIB_PURE_NAMES_H

#include "pure.h"

enum {
	VIB_NAME_CUT = 15,
};

/*
 * Is [list, list + len) empty, or names separated by single commas? No name may be empty, begin or
 * end with a blank, or have control characters, brackets or backslashes in it, which would look
 * like pattern syntax that is not supported.
 */
bool vib_names_valid(const char *list, size_t len);

/* Does @name match a pattern of a valid @list? Never with an empty list. */
bool vib_names_hold(const char *list, const char *name);

#endif
