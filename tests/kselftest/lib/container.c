// SPDX-License-Identifier: GPL-2.0-only
/* See container.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "container.h"
#include "util.h"

int vfio_ioctl(int fd, unsigned long request, const void *arg)
{
	return neg_errno(ioctl(fd, request, arg));
}

int container_open(void)
{
	return neg_errno(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
}

int container_extension(int container, unsigned long id)
{
	return vfio_ioctl(container, VFIO_CHECK_EXTENSION, (void *)id);
}

int container_set_iommu(int container, unsigned long id)
{
	return vfio_ioctl(container, VFIO_SET_IOMMU, (void *)id);
}

int group_open(int number)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	return neg_errno(open(path, O_RDWR | O_CLOEXEC));
}

int group_join(int group, int container)
{
	return vfio_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

int group_leave(int group)
{
	return vfio_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, NULL);
}

int group_device(int group, const char *addr)
{
	return vfio_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, addr);
}
