// SPDX-License-Identifier: GPL-2.0-only
/* See buffer.h. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/util.h"
#include "buffer.h"

/* As far as a bitmap that the kernel takes may reach: nothing is there. */
#define NOTHING (256 * MIB)

/* Two views of a memfd: all of it, and its first page for reading. */
static int put_views(struct buffer *buffer, char *area, int fd)
{
	void *map;

	if (ftruncate(fd, BUFFER_BYTES))
		return -errno;
	map = mmap(area, BUFFER_BYTES, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	buffer->mem = map;
	map = mmap(area + BUFFER_BYTES + NOTHING,
		   BUFFER_READONLY_BYTES,
		   PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	buffer->readonly = map;
	return 0;
}

static size_t area_size(void)
{
	return BUFFER_BYTES + NOTHING + BUFFER_READONLY_BYTES + NOTHING;
}

int buffer_open(struct buffer *buffer)
{
	char *area;
	int fd, ret;

	area = mmap(NULL, area_size(), PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	fd = memfd_create("vib-buffer", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = put_views(buffer, area, fd);
	close(fd);
	return ret;
}

void buffer_close(struct buffer *buffer)
{
	if (buffer->mem)
		munmap(buffer->mem, area_size());
	buffer->mem = NULL;
}
