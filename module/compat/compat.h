/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before every source file by Kbuild. What the target kernel lacks, or spells differently,
 * is offered here under a vib_ name with the newest kernel's signature; the rest of the module has
 * no version test. Dropping a kernel means deleting lines here and in facts.txt.
 */
#ifndef VIB_COMPAT_H
#define VIB_COMPAT_H

#include "compat/facts.h"

/* Every line in the log names the module. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/* True when @fn has exactly the type of a pointer to function @type. */
#define VIB_IS_TYPE(fn, type)	__builtin_types_compatible_p(typeof(&(fn)), type)
/* @fn where it has that type; elsewhere a pointer of that type that is never called. */
#define VIB_AS_TYPE(fn, type)	__builtin_choose_expr(VIB_IS_TYPE(fn, type), &(fn), (type)NULL)

#endif
