/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of process names such as "qemu-system-x86*,dpdk-*": is a list well formed, does it hold a
 * name? In a name, * stands for any characters and ? for one.
 *
 * The kernel keeps VIB_NAME_CUT characters of a process's name. So a name as long as that may be
 * the beginning of a longer one, and what is left of a pattern when such a name ends is taken to be
 * in the part that was cut off: "qemu-system-x86_64" and "qemu*x86_64" hold
 * "qemu-system-x86". Only behind a * at least one character must be there to be seen: "*-tool" does
 * not hold it.
 */
#ifndef VIB_PURE_NAMES_H
#define VIB_PURE_NAMES_H

#include "pure.h"

enum {
	VIB_NAME_CUT = 15,
};

/*
 * Is [list, list + len) empty, or names separated by single commas? No name may be empty, begin or
 * end with a blank, or have control characters, brackets or backslashes in it: who writes those
 * expects more of a pattern than it can do.
 */
bool vib_names_valid(const char *list, size_t len);

/* Does one pattern of a valid @list fit @name? Never with an empty list. */
bool vib_names_hold(const char *list, const char *name);

#endif
