// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decides who is claimed. Owns the parameter claim_only: the kernel sets and shows a parameter
 * under kernel_param_lock(), and we read it under the same lock, so that no half-written list is
 * seen. No lock of ours is taken inside. pure/names.h knows what a list means.
 */
#include "claim.h"

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pure/names.h"

bool vib_claims_current(const struct vib_params *params)
{
	char name[TASK_COMM_LEN];
	bool claims;

	if (!READ_ONCE(params->claim_type1))
		return false;
	get_task_comm(name, current->group_leader);
	kernel_param_lock(THIS_MODULE);
	claims = !params->claim_only[0] || vib_names_hold(params->claim_only, name);
	kernel_param_unlock(THIS_MODULE);
	return claims;
}

static int set_claim_only(const char *val, const struct kernel_param *kp)
{
	size_t len = strlen(val);
	char *list = kp->arg;

	/* echo appends a line feed. */
	if (len && val[len - 1] == '\n')
		len--;
	if (len >= VIB_CLAIM_ONLY_SIZE || !vib_names_valid(val, len))
		return -EINVAL;
	memcpy(list, val, len);
	list[len] = '\0';
	return 0;
}

static int get_claim_only(char *buffer, const struct kernel_param *kp)
{
	const char *list = kp->arg;

	return scnprintf(buffer, PAGE_SIZE, "%s\n", list);
}

const struct kernel_param_ops vib_claim_only_ops = {
	.set = set_claim_only,
	.get = get_claim_only,
};
