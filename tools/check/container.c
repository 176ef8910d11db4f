// SPDX-License-Identifier: GPL-2.0-only
/*
 * The container of check-vfio, and the calls on it, which say -errno; see check.h. Owns
 * the two descriptors. Does not know what is tried.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int check_ioctl(const struct check *check, unsigned long request, const void *arg)
{
	int ret = ioctl(check->fd, request, arg);

	return ret < 0 ? -errno : ret;
}

int check_map(const struct check *check, __u64 iova, const void *mem, __u64 size, __u32 flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (unsigned long)mem,
		.iova = iova,
		.size = size,
	};

	return check_ioctl(check, VFIO_IOMMU_MAP_DMA, &map);
}

int check_unmap(const struct check *check, __u64 iova, __u64 size, __u32 flags, __u64 *done)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int ret = check_ioctl(check, VFIO_IOMMU_UNMAP_DMA, &unmap);

	if (done)
		*done = unmap.size;
	return ret;
}

long check_locked(const struct check *check)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmLck: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024 / (long)check->page;
}

static int open_group(int container, int number)
{
	char path[32];
	int group, ret;

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (group < 0)
		return -errno;
	ret = ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
	if (ret)
		close(group);
	return ret ? ret : group;
}

/* The group stays open as long as the container. */
static int group_fd = -1;

int check_open(struct check *check, int group, unsigned long type)
{
	int ret;

	check->page = sysconf(_SC_PAGESIZE);
	check->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (check->fd < 0)
		return -errno;
	group_fd = open_group(check->fd, group);
	ret = group_fd < 0 ? group_fd : check_ioctl(check, VFIO_SET_IOMMU, (void *)type);
	if (!ret && !check->mem) {
		check->mem = mmap(NULL, CHECK_MIB, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (check->mem == MAP_FAILED)
			ret = -ENOMEM;
		else
			memset(check->mem, 1, CHECK_MIB);
	}
	if (ret)
		check_close(check);
	return ret;
}

void check_close(struct check *check)
{
	if (group_fd >= 0)
		close(group_fd);
	if (check->fd >= 0)
		close(check->fd);
	group_fd = check->fd = -1;
}
