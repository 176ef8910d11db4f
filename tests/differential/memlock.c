// SPDX-License-Identifier: GPL-2.0-only
/* See memlock.h. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../kselftest/lib/util.h"
#include "memlock.h"

long memlock_used(void)
{
	static int fd = -1;
	char text[2048], *line;
	ssize_t len;

	if (fd < 0)
		fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	len = pread(fd, text, sizeof(text) - 1, 0);
	text[len < 0 ? 0 : len] = '\0';
	line = strstr(text, "VmLck:");
	return line ? strtol(line + 6, NULL, 10) : -1;
}

void memlock_allow(long headroom)
{
	struct rlimit limit = {
		.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY,
	};

	if (headroom >= 0)
		limit.rlim_cur = memlock_used() * KIB + headroom;
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

int memlock_privilege(bool on)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int ret;

	ret = neg_errno(syscall(SYS_capget, &head, data));
	if (ret)
		return ret;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	if (on)
		data[0].effective |= 1u << CAP_IPC_LOCK;
	return neg_errno(syscall(SYS_capset, &head, data));
}
