// SPDX-License-Identifier: GPL-2.0-only
/* See pci.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pci.h"
#include "util.h"

#define BOUND "/sys/bus/pci/drivers/vfio-pci"

static int is_address(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "0000:", 5);
}

static __u32 device_id(const char *addr)
{
	char path[128];
	long vendor, device;

	snprintf(path, sizeof(path), BOUND "/%.15s/vendor", addr);
	vendor = file_read_long(path);
	snprintf(path, sizeof(path), BOUND "/%.15s/device", addr);
	device = file_read_long(path);
	return vendor < 0 || device < 0 ? 0 : vendor << 16 | device;
}

static int device_group(const char *addr)
{
	char path[128], target[256];
	ssize_t len;

	snprintf(path, sizeof(path), BOUND "/%.15s/iommu_group", addr);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	return atoi(strrchr(target, '/') + 1);
}

static bool group_seen(const struct pci_dev *found, int count, int group)
{
	while (count--) {
		if (found[count].group == group)
			return true;
	}
	return false;
}

static int find(__u32 id, struct pci_dev *found, int max, bool once_a_group)
{
	struct dirent **entry;
	int i, n, group, count = 0;

	n = scandir(BOUND, &entry, is_address, alphasort);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		group = device_group(entry[i]->d_name);
		if (count < max && group >= 0 &&
		    device_id(entry[i]->d_name) == id &&
		    !(once_a_group && group_seen(found, count, group))) {
			snprintf(found[count].addr, sizeof(found[count].addr),
				 "%.15s", entry[i]->d_name);
			found[count++].group = group;
		}
		free(entry[i]);
	}
	free(entry);
	return count;
}

int pci_find(__u32 id, struct pci_dev *found, int max)
{
	return find(id, found, max, false);
}

int pci_find_groups(__u32 id, struct pci_dev *found, int max)
{
	return find(id, found, max, true);
}
