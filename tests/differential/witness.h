/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's view: reads and writes one page by way of each container, and
 * compares what came and where it landed.
 */
#ifndef VIB_DIFF_WITNESS_H
#define VIB_DIFF_WITNESS_H

#include "pair.h"

bool witness(struct pair *pair, const struct op *op);

#endif
