/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which PCI devices a test may use: those bound to vfio-pci, told apart by
 * vendor:device. Binding them is the business of whoever boots the machine.
 */
#ifndef VIB_TEST_PCI_H
#define VIB_TEST_PCI_H

#include <linux/types.h>

#define PCI_EDU 0x123411e8	/* QEMU's "edu": a device with a DMA engine */
#define PCI_NVME 0x1b360010	/* QEMU's NVMe controller */

struct pci_dev {
	char addr[16];		/* 0000:00:04.0 */
	int group;		/* number of its IOMMU group */
};

/*
 * All devices of kind @id (vendor << 16 | device) on vfio-pci, ordered by
 * address; how many were stored, or -errno.
 */
int pci_find(__u32 id, struct pci_dev *found, int max);

/* The same, but only the first device of each group. */
int pci_find_groups(__u32 id, struct pci_dev *found, int max);

#endif
