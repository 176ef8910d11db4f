// SPDX-License-Identifier: GPL-2.0-only
/* See edu.h. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "container.h"
#include "edu.h"
#include "util.h"

enum {
	EDU_ID = 0x00,
	EDU_IRQ_RAISE = 0x60,
	EDU_IRQ_ACK = 0x64,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_TARGET = 0x88,
	EDU_DMA_SIZE = 0x90,
	EDU_DMA_COMMAND = 0x98,
};

enum {
	EDU_ID_VALUE = 0x010000ed,
	EDU_BUFFER = 0x40000,		/* in the device's own address space */
	EDU_RUN = 1,
	EDU_TO_MEMORY = 2,
};

/* Far beyond the 100 ms, also where the clock runs three times too fast. */
enum { WAIT_STEP_US = 2000, WAIT_STEPS = 5000 };

__u64 mmio_read64(const char *at)
{
	return *(const volatile __u64 *)at;
}

__u32 mmio_read32(const char *at)
{
	return *(const volatile __u32 *)at;
}

void mmio_write64(char *at, __u64 value)
{
	*(volatile __u64 *)at = value;
}

static void mmio_write32(char *at, __u32 value)
{
	*(volatile __u32 *)at = value;
}

static int region(int device, __u32 index, struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return vfio_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info);
}

int edu_command(struct edu *edu, __u16 command)
{
	struct vfio_region_info config;
	off_t at;
	int ret;

	ret = region(edu->device, VFIO_PCI_CONFIG_REGION_INDEX, &config);
	if (ret)
		return ret;
	at = config.offset + PCI_COMMAND;
	if (pwrite(edu->device, &command, sizeof(command), at) !=
	    sizeof(command))
		return -EIO;
	return 0;
}

int edu_open(struct edu *edu, int device)
{
	struct vfio_region_info bar;
	void *map;
	int ret;

	edu->device = device;
	ret = edu_command(edu, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	if (ret)
		return ret;
	ret = region(device, VFIO_PCI_BAR0_REGION_INDEX, &bar);
	if (ret)
		return ret;
	map = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   bar.offset);
	if (map == MAP_FAILED)
		return -errno;
	edu->bar = map;
	edu->bar_size = bar.size;
	if (mmio_read32(edu->bar + EDU_ID) != EDU_ID_VALUE) {
		edu_close(edu);
		return -ENODEV;
	}
	return 0;
}

/* Tells vfio-pci to signal @eventfd, or with -1 to switch MSI off. */
static int set_msi(struct edu *edu, int eventfd)
{
	struct {
		struct vfio_irq_set set;
		__s32 eventfd;
	} arg = {
		.set.argsz = sizeof(arg.set),
		.set.flags = VFIO_IRQ_SET_DATA_NONE |
			     VFIO_IRQ_SET_ACTION_TRIGGER,
		.set.index = VFIO_PCI_MSI_IRQ_INDEX,
		.eventfd = eventfd,
	};

	if (eventfd >= 0) {
		arg.set.argsz = sizeof(arg);
		arg.set.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				VFIO_IRQ_SET_ACTION_TRIGGER;
		arg.set.count = 1;
	}
	return vfio_ioctl(edu->device, VFIO_DEVICE_SET_IRQS, &arg);
}

int edu_irq_on(struct edu *edu)
{
	int fd, ret;

	fd = eventfd(0, EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = set_msi(edu, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	edu->irq = fd;
	return 0;
}

int edu_irq_roundtrip(struct edu *edu)
{
	struct pollfd poller = { .fd = edu->irq, .events = POLLIN };
	__u64 count;

	mmio_write32(edu->bar + EDU_IRQ_RAISE, 1);
	if (poll(&poller, 1, WAIT_STEPS * WAIT_STEP_US / 1000) != 1)
		return -ETIMEDOUT;
	if (read(edu->irq, &count, sizeof(count)) != sizeof(count))
		return -EIO;
	mmio_write32(edu->bar + EDU_IRQ_ACK, 1);
	return count == 1 ? 0 : -EPROTO;
}

void edu_close(struct edu *edu)
{
	if (edu->irq) {
		set_msi(edu, -1);
		close(edu->irq);
		edu->irq = 0;
	}
	if (edu->bar)
		munmap(edu->bar, edu->bar_size);
	edu->bar = NULL;
}

static void start(struct edu *edu, __u64 from, __u64 to, size_t size,
		  __u64 command)
{
	mmio_write64(edu->bar + EDU_DMA_SOURCE, from);
	mmio_write64(edu->bar + EDU_DMA_TARGET, to);
	mmio_write64(edu->bar + EDU_DMA_SIZE, size);
	mmio_write64(edu->bar + EDU_DMA_COMMAND, command);
}

void edu_start_fetch(struct edu *edu, __u64 iova)
{
	start(edu, iova, EDU_BUFFER, EDU_CHUNK, EDU_RUN);
}

void edu_start_store(struct edu *edu, __u64 iova)
{
	start(edu, EDU_BUFFER, iova, EDU_CHUNK, EDU_RUN | EDU_TO_MEMORY);
}

bool edu_idle(struct edu *edu)
{
	return !(mmio_read64(edu->bar + EDU_DMA_COMMAND) & EDU_RUN);
}

int edu_wait(struct edu *edu)
{
	int i;

	for (i = 0; i < WAIT_STEPS; i++) {
		if (edu_idle(edu))
			return 0;
		usleep(WAIT_STEP_US);
	}
	return -ETIMEDOUT;
}

int edu_fetch(struct edu *edu, __u64 iova)
{
	edu_start_fetch(edu, iova);
	return edu_wait(edu);
}

int edu_store(struct edu *edu, __u64 iova)
{
	edu_start_store(edu, iova);
	return edu_wait(edu);
}

void edu_start_store_bytes(struct edu *edu, __u64 iova, size_t size)
{
	start(edu, EDU_BUFFER, iova, size, EDU_RUN | EDU_TO_MEMORY);
}

int edu_store_bytes(struct edu *edu, __u64 iova, size_t size)
{
	edu_start_store_bytes(edu, iova, size);
	return edu_wait(edu);
}

int edu_copy(struct edu *edu, __u64 to, __u64 from)
{
	int ret;

	ret = edu_fetch(edu, from);
	return ret ? ret : edu_store(edu, to);
}
