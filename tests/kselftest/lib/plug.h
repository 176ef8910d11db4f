/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes a PCI device away and brings it back: through sysfs, or, with VIB_PLUG in
 * the environment, by the machine's own hot-plug. VIB_PLUG is what QEMU's
 * monitor, on /dev/ttyS3, is told to add; the device's id there is "goes".
 */
#ifndef VIB_TEST_PLUG_H
#define VIB_TEST_PLUG_H

#include <stdbool.h>

#include "pci.h"

bool plug_by_machine(void);

/* Returns when the device has gone, after its last user: 0 or -errno. */
int unplug(const struct pci_dev *pci);

/* Brings it back; *@pci is updated, for it may be in a new group. 0 or -errno. */
int plug(struct pci_dev *pci);

/* The same through sysfs, whatever VIB_PLUG says. */
int unplug_by_sysfs(const struct pci_dev *pci);
int plug_by_sysfs(struct pci_dev *pci);

#endif
