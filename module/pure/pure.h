/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file in pure/ that includes kernel headers.
 *
 * Everything in pure/ is arithmetic and trees over memory of its own: no VFIO, no IOMMU, no mm, no
 * locks. It includes this file and its siblings, nothing else, so that tests/unit can compile it in
 * user space with a replacement of this file (which defines VIB_PURE_H and the few names used).
 */
#ifndef VIB_PURE_H
#define VIB_PURE_H

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

/* Sizes that the tests choose themselves are in Kbuild: VIB_FLAT_MAX, VIB_CHUNK_BYTES. */

#endif
