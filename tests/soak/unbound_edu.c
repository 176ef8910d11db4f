// SPDX-License-Identifier: GPL-2.0-only
/* See unbound_edu.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/util.h"
#include "unbound_edu.h"

static int open_file(const char *addr, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", addr, name);
	return neg_errno(open(path, O_RDWR | O_CLOEXEC | O_SYNC));
}

static int command(const char *addr, __u16 value)
{
	int fd = open_file(addr, "config"), ret = 0;

	if (fd < 0)
		return fd;
	if (pwrite(fd, &value, sizeof(value), PCI_COMMAND) != sizeof(value))
		ret = -EIO;
	close(fd);
	return ret;
}

int unbound_edu_open(struct edu *edu, const char *addr)
{
	void *map;
	int fd, ret;

	memset(edu, 0, sizeof(*edu));
	edu->device = -1;
	fd = open_file(addr, "resource0");
	if (fd < 0)
		return fd;
	edu->bar_size = MIB;
	map = mmap(NULL, edu->bar_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	ret = map == MAP_FAILED ? -errno : 0;
	close(fd);
	if (ret)
		return ret;
	edu->bar = map;
	return command(addr, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void unbound_edu_close(struct edu *edu, const char *addr)
{
	if (!edu->bar)
		return;
	edu_close(edu);
	command(addr, PCI_COMMAND_MEMORY);
}
