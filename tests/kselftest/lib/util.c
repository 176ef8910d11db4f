// SPDX-License-Identifier: GPL-2.0-only
/* See util.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

unsigned int kernel_running(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return KERNEL(major, minor);
}

unsigned int env_number(const char *name, unsigned int otherwise)
{
	const char *given = getenv(name);

	return given ? strtoul(given, NULL, 0) : otherwise;
}

unsigned int test_seed(void)
{
	return env_number("VIB_SEED", time(NULL));
}

int neg_errno(int ret)
{
	return ret < 0 ? -errno : ret;
}

int file_read(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (used < size - 1) {
		got = read(fd, buf + used, size - 1 - used);
		if (got <= 0)
			break;
		used += got;
	}
	close(fd);
	buf[used] = '\0';
	return used;
}

long file_read_long(const char *path)
{
	char text[64];
	int len;

	len = file_read(path, text, sizeof(text));
	if (len < 0)
		return len;
	return strtol(text, NULL, 0);
}

int file_write(const char *path, const char *text)
{
	ssize_t done;
	int fd, ret;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	done = write(fd, text, strlen(text));
	ret = done < 0 ? -errno : 0;
	close(fd);
	return ret;
}

long file_keyed_long(const char *path, const char *key)
{
	size_t len = strlen(key);
	long value = -ENOENT;
	char line[256];
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len))
			continue;
		value = strtol(line + len, NULL, 10);
		break;
	}
	fclose(file);
	return value;
}

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
