// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for vfio_iommu_batch on a kernel that it does not support: says why, in modinfo and in
 * the log, and does not load. Uses nothing that a kernel could lack.
 */
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "reason.h"

static int __init refuse_init(void)
{
	pr_err("%s: not loaded, it was not built for this kernel: %s\n", KBUILD_MODNAME,
	       VIB_REASON);
	return -EOPNOTSUPP;
}
module_init(refuse_init);

MODULE_DESCRIPTION("Not built for this kernel: " VIB_REASON);
MODULE_LICENSE("GPL v2");
