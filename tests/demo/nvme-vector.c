// SPDX-License-Identifier: GPL-2.0-only
/*
 * Works around a fault of the emulated NVMe drive (QEMU 7.2), so that a client
 * that is all right does not hang: nothing here is about our module.
 *
 * The model counts the users of an interrupt vector, and drops the interrupts of
 * one without any. It counts a completion queue only if MSI-X is on when the
 * queue appears, and takes it off only if MSI-X is on when it goes. QEMU's own
 * user-space driver switches the controller on first and MSI-X later, so its
 * admin queue is never counted, and it hangs at the first command that is not
 * complete the moment it looks (about every second start). Here the controller
 * goes on with MSI-X on and off without, many times: the count is then large
 * enough to outlive the resets of as many clients.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/container.h"
#include "../kselftest/lib/pci.h"
#include "../kselftest/lib/util.h"

enum { ROUNDS = 256, TYPE1V2 = 3 };

/* The controller's registers, from the NVMe specification. */
enum {
	NVME_CC = 0x14,
	NVME_CSTS = 0x1c,
	NVME_AQA = 0x24,
	NVME_ASQ = 0x28,
	NVME_ACQ = 0x30,
};

enum {
	CC_ENABLE = 0x460001,		/* entries of 64 and 16 bytes */
	CSTS_READY = 1,
	AQA_SMALLEST = 0x00010001,
	ANY_ADDRESS = 0x10000,		/* no command is sent: never read */
};

struct msix_set {
	struct vfio_irq_set head;
	__s32 fd;
};

static volatile __u32 *reg(char *bar, unsigned int offset)
{
	return (volatile __u32 *)(bar + offset);
}

static int region(int device, __u32 index, struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return vfio_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info);
}

static char *map_registers(int device)
{
	__u16 command = PCI_COMMAND_MEMORY;
	struct vfio_region_info info;
	void *bar;

	if (region(device, VFIO_PCI_CONFIG_REGION_INDEX, &info) ||
	    pwrite(device, &command, sizeof(command),
		   info.offset + PCI_COMMAND) != sizeof(command) ||
	    region(device, VFIO_PCI_BAR0_REGION_INDEX, &info))
		return NULL;
	bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   info.offset);
	return bar == MAP_FAILED ? NULL : bar;
}

/* One vector, signalled through @eventfd; none if that is negative. */
static int msix(int device, int eventfd)
{
	struct msix_set set = {
		.head = {
			.argsz = sizeof(set),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				 VFIO_IRQ_SET_DATA_EVENTFD,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
		.fd = eventfd,
	};

	if (eventfd < 0) {
		set.head.argsz = sizeof(set.head);
		set.head.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				 VFIO_IRQ_SET_DATA_NONE;
		set.head.count = 0;
	}
	return vfio_ioctl(device, VFIO_DEVICE_SET_IRQS, &set);
}

static int one_round(int device, char *bar, int event)
{
	if (msix(device, event))
		return -EIO;
	*reg(bar, NVME_AQA) = AQA_SMALLEST;
	*reg(bar, NVME_ASQ) = ANY_ADDRESS;
	*reg(bar, NVME_ACQ) = 2 * ANY_ADDRESS;
	*reg(bar, NVME_CC) = CC_ENABLE;
	if (!(*reg(bar, NVME_CSTS) & CSTS_READY))
		return -EIO;
	if (msix(device, -1))
		return -EIO;
	*reg(bar, NVME_CC) = CC_ENABLE - 1;
	return 0;
}

static int open_drive(void)
{
	struct pci_dev drive;
	int container, group;

	if (pci_find(PCI_NVME, &drive, 1) != 1)
		return -ENODEV;
	container = container_open();
	group = group_open(drive.group);
	if (container < 0 || group < 0 || group_join(group, container) ||
	    container_set_iommu(container, TYPE1V2))
		return -EIO;
	return group_device(group, drive.addr);
}

int main(void)
{
	int device, event, i, ret = 0;
	char *bar;

	device = open_drive();
	event = eventfd(0, 0);
	bar = device < 0 ? NULL : map_registers(device);
	if (!bar || event < 0) {
		printf("the NVMe drive does not open\n");
		return 1;
	}
	for (i = 0; i < ROUNDS && !ret; i++)
		ret = one_round(device, bar, event);
	if (ret)
		printf("the NVMe controller does not start\n");
	return !!ret;
}
