// SPDX-License-Identifier: GPL-2.0-only
/* See klog.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest/lib/util.h"
#include "klog.h"

/* DEFAULT_RATELIMIT_BURST lines, and one that says how many were not said. */
enum { BURST = 10 + 1, INTERVAL = 5 };

static int log_fd = -1;

int klog_begin(void)
{
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0)
		return -errno;
	return lseek(log_fd, 0, SEEK_END) < 0 ? -errno : 0;
}

static bool ours(const char *line)
{
	return strstr(line, "vfio_iommu_batch") ||
		strstr(line, "callbacks suppressed");
}

long klog_lines(void)
{
	char line[8 * KIB];
	long lines = 0;
	ssize_t got;

	for (;;) {
		got = read(log_fd, line, sizeof(line) - 1);
		if (got < 0)
			return errno == EAGAIN ? lines : -errno;
		line[got] = '\0';
		lines += ours(line);
	}
}

long klog_bound(long seconds, unsigned int sites)
{
	return sites * BURST * (seconds / INTERVAL + 2);
}
