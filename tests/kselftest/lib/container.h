/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VFIO core's objects as thin calls: container, group, device. Every
 * function returns a file descriptor or 0, or -errno. Nothing is remembered.
 */
#ifndef VIB_TEST_CONTAINER_H
#define VIB_TEST_CONTAINER_H

#include <linux/types.h>

int container_open(void);
int container_extension(int container, unsigned long id);
int container_set_iommu(int container, unsigned long id);

int group_open(int number);
int group_join(int group, int container);
int group_leave(int group);

/* Opens the device @addr (0000:00:04.0) of @group. */
int group_device(int group, const char *addr);

/* Any ioctl, with the raw argument, as 0 or more / -errno. */
int vfio_ioctl(int fd, unsigned long request, const void *arg);

#endif
