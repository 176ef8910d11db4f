/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a list of operations that ends in a disagreement as short as it gets,
 * by leaving some out and trying again with fresh containers.
 */
#ifndef VIB_DIFF_SHRINK_H
#define VIB_DIFF_SHRINK_H

#include "pair.h"

/*
 * Runs the list in fresh containers: -1 if all agree, @n if something is left
 * behind at the end, else the index of the first that does not; pair->why says
 * what. The containers are closed again.
 */
long shrink_replay(struct pair *pair, enum mode_id type1, enum mode_id ours,
		   const struct op *ops, size_t n);

/* Shortens @ops in place, whose end is what fails: the new number. */
size_t shrink(struct pair *pair, enum mode_id type1, enum mode_id ours,
	      struct op *ops, size_t n);

#endif
