// SPDX-License-Identifier: GPL-2.0-only
/* See trace.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

#define TRACING "/sys/kernel/tracing/"
#define EVENTS TRACING "events/vfio_iommu_batch/enable"

static char text[1 << 18];
static char also[128];		/* switches another event on */

int trace_start(void)
{
	int fd;

	if (access(EVENTS, F_OK))
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	fd = open(TRACING "trace", O_WRONLY | O_TRUNC);
	if (fd < 0)
		return -errno;
	close(fd);
	return file_write(EVENTS, "1");
}

int trace_also(const char *event)
{
	snprintf(also, sizeof(also), TRACING "events/%s/enable", event);
	return file_write(also, "1");
}

int trace_stop(void)
{
	int ret = also[0] ? file_write(also, "0") : 0;

	also[0] = '\0';
	return file_write(EVENTS, "0") ?: ret;
}

int trace_count(const char *event, const char *words)
{
	char *line, *next;
	int ret, count = 0;

	ret = file_read(TRACING "trace", text, sizeof(text));
	for (line = text; ret >= 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		count += strstr(line, event) && strstr(line, words);
	}
	return ret < 0 ? ret : count;
}
