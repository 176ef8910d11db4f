// SPDX-License-Identifier: GPL-2.0-only
/* See fault.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "util.h"

#define DEBUGFS "/sys/kernel/debug/"
#define FAIL_NTH "/proc/thread-self/fail-nth"

bool fault_present(void)
{
	return !access(FAIL_NTH, W_OK) && !access(DEBUGFS "failslab", F_OK) &&
	       !access(DEBUGFS "fail_page_alloc", F_OK);
}

/* Where the code of a function of the kernel is; -ENOENT. */
static int find_code(const char *name, unsigned long *start, unsigned long *end)
{
	char line[256], symbol[128];
	unsigned long address;
	int ret = -ENOENT;
	FILE *file;

	file = fopen("/proc/kallsyms", "re");
	if (!file)
		return -errno;
	while (ret && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx %*c %127s", &address, symbol) != 2)
			continue;
		*end = address;
		if (*start)
			ret = 0;
		else if (!strcmp(symbol, name))
			*start = address;
	}
	fclose(file);
	return ret;
}

static int set(const char *kind, const char *key, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", kind, key);
	return file_write(path, value);
}

/* Not those that kmemleak makes on the way: it has a reserve. */
static int spare_kmemleak(const char *kind)
{
	unsigned long start = 0, end = 0;
	char text[32];
	int ret;

	ret = find_code("__create_object", &start, &end);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	snprintf(text, sizeof(text), "%lu", start);
	ret = set(kind, "reject-start", text);
	snprintf(text, sizeof(text), "%lu", end);
	if (!ret)
		ret = set(kind, "reject-end", text);
	return ret ? ret : set(kind, "stacktrace-depth", "32");
}

static int set_up_allocations(const char *kind)
{
	int ret = set(kind, "verbose", "0");

	if (!ret)
		ret = set(kind, "ignore-gfp-wait", "N");
	return ret ? ret : spare_kmemleak(kind);
}

/* With a depth of 0, no stack is in any range: a range switches a kind off. */
static int turn(const char *kind, bool on)
{
	int ret = on ? 0 : set(kind, "stacktrace-depth", "0");

	return ret ? ret : set(kind, "require-start", on ? "0" : "1");
}

int fault_set_up(bool copies, bool pages)
{
	int ret = set_up_allocations("failslab");

	if (!ret)
		ret = set_up_allocations("fail_page_alloc");
	if (!ret)
		ret = set("fail_page_alloc", "ignore-gfp-highmem", "N");
	if (!ret)
		ret = set("fail_page_alloc", "min-order", "0");
	if (!ret)
		ret = turn("fail_page_alloc", pages);
	if (!ret)
		ret = set("fail_usercopy", "verbose", "0");
	return ret ? ret : turn("fail_usercopy", copies);
}

/* One descriptor for each thread and its life: opening takes allocations, too. */
static int fail_nth(void)
{
	static __thread pid_t owner;
	static __thread int fd = -1;

	if (owner != gettid()) {
		fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
		owner = gettid();
	}
	return fd;
}

int fault_arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fail_nth(), text, len, 0) == len ? 0 : -errno;
}

bool fault_fired(void)
{
	int error = errno;
	char text[16];
	ssize_t len;

	/* A read that fails is what was hit, after all that was to be. */
	len = pread(fail_nth(), text, sizeof(text) - 1, 0);
	fault_arm(0);
	errno = error;
	if (len <= 0)
		return false;
	text[len] = '\0';
	return !atoi(text);
}
