/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files in /sys/kernel/debug/vfio_iommu_batch/, for operators and vfio-batch(8).
 */
#ifndef VIB_DEBUGFS_H
#define VIB_DEBUGFS_H

/* Creates the files. Errors are ignored: debugfs is optional. */
void vib_debugfs_init(void);
void vib_debugfs_fini(void);

#endif
