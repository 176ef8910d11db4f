/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before every source file by Kbuild. compat/ offers what the target kernel lacks, or
 * names differently, under a vib_compat_ name with the newest kernel's signature; no other code has
 * a version test, except glue/. Dropping a kernel means deleting lines in compat/ and facts.txt.
 */
#ifndef VIB_COMPAT_H
#define VIB_COMPAT_H

#include "compat/facts.h"

/* Prefixes every line in the log with the module's name. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* True when @fn has exactly the type of a pointer to function @type. */
#define VIB_IS_TYPE(fn, type)	__builtin_types_compatible_p(typeof(&(fn)), type)
/* @fn if it has that type; otherwise a NULL pointer of that type, which must not be called. */
#define VIB_AS_TYPE(fn, type)	__builtin_choose_expr(VIB_IS_TYPE(fn, type), &(fn), (type)NULL)

#endif
