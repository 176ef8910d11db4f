// SPDX-License-Identifier: GPL-2.0-only
/* See plug.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "plug.h"
#include "util.h"

#define MONITOR "/dev/ttyS3"

enum { STEP_US = 50000, STEPS = 600, MAX_FOUND = 32 };

bool plug_by_machine(void)
{
	return getenv("VIB_PLUG");
}

/* Not to echo what the monitor says: it would take that for orders. */
static int set_raw(int fd)
{
	struct termios termios;

	if (tcgetattr(fd, &termios))
		return -errno;
	cfmakeraw(&termios);
	return neg_errno(tcsetattr(fd, TCSANOW, &termios));
}

/*
 * Types a line into QEMU's monitor, behind an end to whatever an echo has typed
 * before. What it answers is not read.
 */
static int monitor(const char *order)
{
	int ret, fd = open(MONITOR, O_RDWR | O_NOCTTY);

	if (fd < 0)
		return -errno;
	ret = set_raw(fd);
	if (!ret && dprintf(fd, "\r%s\r", order) < 0)
		ret = -errno;
	if (!ret)
		ret = neg_errno(tcdrain(fd));
	close(fd);
	return ret;
}

static bool is_there(const struct pci_dev *pci)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", pci->addr);
	return !access(path, F_OK);
}

static int unplug_by_machine(const struct pci_dev *pci)
{
	int ret = monitor("device_del goes");
	int i;

	for (i = 0; !ret && is_there(pci) && i < STEPS; i++)
		usleep(STEP_US);
	if (!ret && is_there(pci))
		ret = -ETIMEDOUT;
	return ret;
}

int unplug_by_sysfs(const struct pci_dev *pci)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", pci->addr);
	return file_write(path, "1");
}

int unplug(const struct pci_dev *pci)
{
	return plug_by_machine() ? unplug_by_machine(pci) : unplug_by_sysfs(pci);
}

/* The device as it is now, if vfio-pci has it. */
static int look_up(struct pci_dev *pci)
{
	struct pci_dev found[MAX_FOUND];
	int n = pci_find(PCI_EDU, found, MAX_FOUND);
	int i;

	for (i = 0; i < n; i++) {
		if (!strcmp(found[i].addr, pci->addr)) {
			*pci = found[i];
			return 0;
		}
	}
	return -ENODEV;
}

/*
 * A device shows its driver before that is done with it, when its group has no
 * file yet. Binding it once more is refused, but not before.
 */
static void wait_for_driver(const struct pci_dev *pci)
{
	file_write("/sys/bus/pci/drivers/vfio-pci/bind", pci->addr);
}

/*
 * The machine refuses until it has let go of the old one: asked again and again.
 */
static int plug_in_machine(struct pci_dev *pci)
{
	char order[128];
	int i, ret = -ENODEV;

	snprintf(order, sizeof(order), "device_add %s,id=goes", getenv("VIB_PLUG"));
	for (i = 0; ret && i < STEPS; i++) {
		if (!is_there(pci) && i % 10 == 0)
			monitor(order);
		usleep(STEP_US);
		ret = look_up(pci);
	}
	if (!ret)
		wait_for_driver(pci);
	return ret;
}

int plug_by_sysfs(struct pci_dev *pci)
{
	int ret = file_write("/sys/bus/pci/rescan", "1");

	return ret ? ret : look_up(pci);
}

int plug(struct pci_dev *pci)
{
	return plug_by_machine() ? plug_in_machine(pci) : plug_by_sysfs(pci);
}
