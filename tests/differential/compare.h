/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Did both sides answer alike? What may differ stands in differences.c of
 * tests/kselftest; here is only when a row applies.
 */
#ifndef VIB_DIFF_COMPARE_H
#define VIB_DIFF_COMPARE_H

#include "../kselftest/differences.h"
#include "pair.h"

/* Everything but what only a device sees, after both have carried @op out. */
bool compare(struct pair *pair, const struct op *op);

/* Part of it: GET_INFO that succeeded on both. */
bool compare_info(struct pair *pair, const struct op *op);

/* The same for OP_BATCH. */
bool compare_batch(struct pair *pair, const struct op *op);

/* Is it right that the two results of @op are not the same? */
bool compare_excused(const struct op *op, int type1, int ours);

/* GET_INFO's structure with its pad, and how much of it is written. */
enum { COMPARE_INFO_BYTES = 24 };
__u32 compare_info_written(enum backend backend, __u32 argsz);

/* The row applies to the running kernel's type1. */
bool compare_row_active(enum difference_id id);

#endif
