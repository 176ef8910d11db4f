/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which processes get this module when they ask for type1: claim_type1 says whether, claim_only
 * whose.
 */
#ifndef VIB_CLAIM_H
#define VIB_CLAIM_H

#include <linux/moduleparam.h>

#include "params.h"

/*
 * Does current get this module for the type ids of type1? The name of its thread group decides,
 * since threads of a VMM have names of their own. Takes kernel_param_lock(); may sleep.
 */
bool vib_claims_current(const struct vib_params *params);

/*
 * The parameter claim_only, of at most VIB_CLAIM_ONLY_SIZE - 1 characters. Setting one that is too
 * long or malformed (pure/names.h) is -EINVAL, and the old one stays.
 */
extern const struct kernel_param_ops vib_claim_only_ops;

#endif
