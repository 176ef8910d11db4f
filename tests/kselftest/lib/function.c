// SPDX-License-Identifier: GPL-2.0-only
/* See function.h. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "container.h"
#include "function.h"
#include "pci.h"
#include "util.h"

static int region(const struct function *f, __u32 index, struct vfio_region_info *info)
{
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	return vfio_ioctl(f->device, VFIO_DEVICE_GET_REGION_INFO, info);
}

static int config_read(const struct function *f, unsigned int at, void *to, size_t size)
{
	struct vfio_region_info info;
	int ret = region(f, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (ret)
		return ret;
	return pread(f->device, to, size, info.offset + at) == (ssize_t)size ? 0 : -EIO;
}

static int config_write(const struct function *f, unsigned int at, __u16 value)
{
	struct vfio_region_info info;
	int ret = region(f, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (ret)
		return ret;
	return pwrite(f->device, &value, sizeof(value), info.offset + at) ==
	       sizeof(value) ? 0 : -EIO;
}

/* Where the register of power management is; 0 if there is none. */
static unsigned int find_power(const struct function *f)
{
	__u8 at = 0, id = 0;
	int steps = 48;

	if (config_read(f, PCI_CAPABILITY_LIST, &at, 1))
		return 0;
	while (at && steps--) {
		if (config_read(f, at, &id, 1))
			return 0;
		if (id == PCI_CAP_ID_PM)
			return at + PCI_PM_CTRL;
		if (config_read(f, at + PCI_CAP_LIST_NEXT, &at, 1))
			return 0;
	}
	return 0;
}

int function_open(struct function *f, __u32 id, int container)
{
	struct pci_dev pci;
	int ret;

	f->group = -1;
	f->device = -1;
	if (pci_find_groups(id, &pci, 1) != 1)
		return -ENODEV;
	f->group = group_open(pci.group);
	ret = f->group < 0 ? f->group : group_join(f->group, container);
	if (!ret) {
		f->device = group_device(f->group, pci.addr);
		ret = f->device < 0 ? f->device : function_command(f, PCI_COMMAND_MEMORY);
	}
	if (ret)
		function_close(f);
	else
		f->power = find_power(f);
	return ret;
}

void function_close(struct function *f)
{
	if (f->device >= 0)
		close(f->device);
	if (f->group >= 0)
		close(f->group);
}

char *function_bar(struct function *f, __u32 index, char *at, size_t size)
{
	struct vfio_region_info info;
	char *bar;

	if (region(f, index, &info) || info.size != size)
		return NULL;
	bar = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
		   f->device, info.offset);
	return bar == MAP_FAILED ? NULL : bar;
}

int function_command(struct function *f, __u16 command)
{
	return config_write(f, PCI_COMMAND, command);
}

int function_reset(struct function *f)
{
	return vfio_ioctl(f->device, VFIO_DEVICE_RESET, NULL);
}

int function_sleep(struct function *f, bool sleep)
{
	__u16 control;
	int ret;

	if (!f->power)
		return -EOPNOTSUPP;
	ret = config_read(f, f->power, &control, sizeof(control));
	if (ret)
		return ret;
	control &= ~PCI_PM_CTRL_STATE_MASK;
	return config_write(f, f->power, control | (sleep ? 3 : 0));
}
