/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two containers side by side in one process, vfio_iommu_type1's and ours, that
 * are told the same and must answer the same.
 */
#ifndef VIB_DIFF_PAIR_H
#define VIB_DIFF_PAIR_H

#include "model.h"
#include "side.h"

struct pair {
	struct side type1, ours;
	struct model model;
	char why[256];		/* what they did not agree in */
};

/* 0, or -errno with pair->why set. */
int pair_open(struct pair *pair, enum mode_id type1, enum mode_id ours);

/* Closes both; false if anything is left behind. */
bool pair_close(struct pair *pair);

/* Carries @op out on both. False if they do not agree. */
bool pair_step(struct pair *pair, const struct op *op);

/* Sets pair->why; always false. */
__attribute__((format(printf, 2, 3)))
bool pair_disagree(struct pair *pair, const char *format, ...);

#endif
