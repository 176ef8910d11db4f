// SPDX-License-Identifier: GPL-2.0-only
/* See ledger.h. */
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ledger.h"
#include "util.h"

long locked_pages_of(pid_t pid)
{
	char path[64];
	long kib;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	kib = file_keyed_long(path, "VmLck:");
	return kib < 0 ? kib : kib / PAGE_KIB;
}

long locked_pages(void)
{
	return locked_pages_of(getpid());
}

/*
 * The counters are kept per CPU and folded once a second; reading stat_refresh
 * folds them now.
 */
long pinned_pages(void)
{
	file_read_long("/proc/sys/vm/stat_refresh");
	return file_keyed_long("/proc/vmstat", "nr_foll_pin_acquired ") -
	       file_keyed_long("/proc/vmstat", "nr_foll_pin_released ");
}

int limit_locked_pages(long pages)
{
	rlim_t bytes = (locked_pages() + pages) * PAGE;
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	return neg_errno(setrlimit(RLIMIT_MEMLOCK, &limit));
}

int drop_ipc_lock(void)
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
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	return neg_errno(syscall(SYS_capset, &head, data));
}
