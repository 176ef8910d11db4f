/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a helper is: helpers_thread.c or helpers_kthread.c, as the kernel has it. For helpers.c.
 */
#ifndef VIB_HELPERS_KIND_H
#define VIB_HELPERS_KIND_H

#include "helpers.h"

/* Sets up what this kind of helper has in @helpers. Cannot fail. */
void vib_helper_kind_begin(struct vib_helpers *helpers);

/* vib_helpers_start() for this kind. Return: how many were started. */
unsigned int vib_helper_kind_start(struct vib_helpers *helpers, unsigned int nr);

/* vib_helpers_end() for this kind. */
void vib_helper_kind_end(struct vib_helpers *helpers);

#endif
