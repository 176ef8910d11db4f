// SPDX-License-Identifier: GPL-2.0-only
/* See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "util.h"

#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/client"
#define OTHER ROOT "/other"

enum { FROZEN_TRIES = 1000, FROZEN_PAUSE_US = 10000 };
enum { PIPE_SIZE = 65536, FILL_PIPES = 400 };

int cgroup_make(void)
{
	int ret;

	if (access(ROOT "/cgroup.procs", F_OK) &&
	    mount("cgroup", ROOT, "cgroup2", 0, NULL))
		return -errno;
	ret = file_write(ROOT "/cgroup.subtree_control", "+memory +cpu");
	if (ret)
		return ret;
	return neg_errno(mkdir(GROUP, 0755));
}

void cgroup_remove(void)
{
	rmdir(GROUP);
}

int cgroup_try_other(void)
{
	int ret = neg_errno(mkdir(OTHER, 0755));

	return ret ? ret : neg_errno(rmdir(OTHER));
}

int cgroup_enter(void)
{
	return file_write(GROUP "/cgroup.procs", "0");
}

int cgroup_limit(long bytes)
{
	char text[32] = "max";

	if (bytes)
		snprintf(text, sizeof(text), "%ld", bytes);
	return file_write(GROUP "/memory.max", text);
}

int cgroup_throttle(long us)
{
	char text[64];

	snprintf(text, sizeof(text), "%ld 1000000", us);
	return file_write(GROUP "/cpu.max", text);
}

long cgroup_current(void)
{
	return file_read_long(GROUP "/memory.current");
}

long cgroup_peak(void)
{
	return file_read_long(GROUP "/memory.peak");
}

long cgroup_kills(void)
{
	return file_keyed_long(GROUP "/memory.events", "oom_kill ");
}

long cgroup_ooms(void)
{
	return file_keyed_long(GROUP "/memory.events", "oom ");
}

long cgroup_highs(void)
{
	return file_keyed_long(GROUP "/memory.events", "high ");
}

int cgroup_exceed_high(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", cgroup_current() / 2);
	return file_write(GROUP "/memory.high", text);
}

void cgroup_quiet(bool quiet)
{
	file_write("/sys/module/printk/parameters/ignore_loglevel", quiet ? "N" : "Y");
	file_write("/proc/sys/kernel/printk", quiet ? "1" : "7");
}

int cgroup_spare(void)
{
	return file_write("/proc/self/oom_score_adj", "-1000");
}

/* Writes so much to a pipe that nobody reads. 0 or -errno. */
static int fill_pipe(void)
{
	static char bytes[PIPE_SIZE];
	int ends[2];

	/* ENFILE is what it says, too, if it gets no memory. */
	if (pipe2(ends, O_NONBLOCK))
		return errno == ENFILE ? -ENOMEM : -errno;
	return write(ends[1], bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : -ENOMEM;
}

/* What CPUs have put aside for a cgroup counts as charged, too. */
int cgroup_fill(void)
{
	int i, ret = cgroup_limit(cgroup_current());

	for (i = 0; !ret && i < FILL_PIPES; i++)
		ret = fill_pipe();
	return ret == -ENOMEM ? 0 : ret ? ret : -ENOSPC;
}

int cgroup_freeze(bool freeze)
{
	return file_write(GROUP "/cgroup.freeze", freeze ? "1" : "0");
}

bool cgroup_is_frozen(void)
{
	int i;

	for (i = 0; i < FROZEN_TRIES; i++) {
		if (file_keyed_long(GROUP "/cgroup.events", "frozen ") == 1)
			return true;
		usleep(FROZEN_PAUSE_US);
	}
	return false;
}

long cgroup_cpu_time(void)
{
	return file_keyed_long(GROUP "/cpu.stat", "usage_usec ");
}

long cgroup_page_tables(void)
{
	return file_keyed_long(GROUP "/memory.stat", "pagetables ");
}
