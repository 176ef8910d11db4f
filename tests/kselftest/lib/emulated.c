// SPDX-License-Identifier: GPL-2.0-only
/* See emulated.h. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"
#include "emulated.h"

#define GROUPS "/sys/kernel/iommu_groups"

static void device_name(char *name, size_t size, unsigned int number)
{
	snprintf(name, size, MOCK_NAME ".%u", number);
}

/* The number of its group, or -ENODEV. */
static int group_number(unsigned int number)
{
	char name[32], pattern[80];
	int group = -ENODEV;
	glob_t found;

	device_name(name, sizeof(name), number);
	snprintf(pattern, sizeof(pattern), GROUPS "/*/devices/%s", name);
	if (!glob(pattern, 0, NULL, &found))
		group = atoi(found.gl_pathv[0] + strlen(GROUPS "/"));
	globfree(&found);
	return group;
}

bool emulated_present(void)
{
	return group_number(0) >= 0;
}

int emulated_join(struct emulated *e, unsigned int number, int container)
{
	int group = group_number(number);

	e->device = -1;
	e->group = group < 0 ? group : group_open(group);
	if (e->group < 0)
		return e->group;
	return group_join(e->group, container);
}

int emulated_open(struct emulated *e, unsigned int number)
{
	char name[32];

	device_name(name, sizeof(name), number);
	e->device = group_device(e->group, name);
	return e->device < 0 ? e->device : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void emulated_close_device(struct emulated *e)
{
	close_fd(&e->device);
}

void emulated_close(struct emulated *e)
{
	emulated_close_device(e);
	close_fd(&e->group);
}

int emulated_pin(const struct emulated *e, __u64 iova, unsigned int npages,
		 int prot)
{
	struct mock_range range = {
		.iova = iova, .npages = npages, .prot = prot,
	};

	return vfio_ioctl(e->device, MOCK_PIN, &range);
}

int emulated_unpin(const struct emulated *e, __u64 iova, unsigned int npages)
{
	struct mock_range range = { .iova = iova, .npages = npages };

	return vfio_ioctl(e->device, MOCK_UNPIN, &range);
}

static int rw(const struct emulated *e, __u64 iova, const void *data,
	      size_t size, bool write)
{
	struct mock_rw arg = {
		.iova = iova,
		.data = (unsigned long)data,
		.size = size,
		.write = write,
	};

	return vfio_ioctl(e->device, MOCK_RW, &arg);
}

int emulated_read(const struct emulated *e, __u64 iova, void *data,
		  size_t size)
{
	return rw(e, iova, data, size, false);
}

int emulated_write(const struct emulated *e, __u64 iova, const void *data,
		   size_t size)
{
	return rw(e, iova, data, size, true);
}

int emulated_get_word(const struct emulated *e, __u64 iova, __u64 *value)
{
	struct mock_word word = { .iova = iova };
	int ret;

	ret = vfio_ioctl(e->device, MOCK_WORD, &word);
	*value = word.value;
	return ret;
}

int emulated_put_word(const struct emulated *e, __u64 iova, __u64 value)
{
	struct mock_word word = { .iova = iova, .value = value, .write = 1 };

	return vfio_ioctl(e->device, MOCK_WORD, &word);
}

int emulated_react(const struct emulated *e, __u32 flags, __u64 iova)
{
	struct mock_reaction reaction = { .flags = flags, .iova = iova };

	return vfio_ioctl(e->device, MOCK_REACT, &reaction);
}

int emulated_told(const struct emulated *e, struct mock_told *told)
{
	return vfio_ioctl(e->device, MOCK_TOLD, told);
}

int emulated_lock_mm(const struct emulated *e)
{
	return vfio_ioctl(e->device, MOCK_LOCK_MM, NULL);
}

int emulated_unlock_mm(const struct emulated *e)
{
	return vfio_ioctl(e->device, MOCK_UNLOCK_MM, NULL);
}
