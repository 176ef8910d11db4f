/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose containers we take over from type1: claim_type1 says whether, claim_only for which
 * processes.
 */
#ifndef VIB_CLAIM_H
#define VIB_CLAIM_H

#include <linux/moduleparam.h>

#include "params.h"

/*
 * Do we answer current for the type ids of type1? Its thread group's name decides, since threads of
 * a VMM have names of their own. Takes the lock of the module's parameters; may sleep.
 */
bool vib_claims_current(const struct vib_params *params);

/*
 * The parameter claim_only, kept in VIB_CLAIM_ONLY_SIZE characters: -EINVAL, with the list as it
 * was, for one that is too long or malformed (pure/names.h).
 */
extern const struct kernel_param_ops vib_claim_only_ops;

#endif
