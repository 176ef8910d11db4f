/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a run has tried: how often each kind of operation ended how, so that its
 * reader sees what the agreement is worth.
 */
#ifndef VIB_DIFF_TALLY_H
#define VIB_DIFF_TALLY_H

#include "op.h"

void tally_reset(void);
void tally_add(const struct op *op, int ret);

/* One TAP comment for each kind that occurred. */
void tally_print(void);

#endif
