/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What operators can read in /sys/kernel/debug/vfio_iommu_batch/.
 */
#ifndef VIB_DEBUGFS_H
#define VIB_DEBUGFS_H

/* Never fails visibly: without debugfs the module works all the same. */
void vib_debugfs_init(void);
void vib_debugfs_fini(void);

#endif
