// SPDX-License-Identifier: GPL-2.0-only
/* See backend.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend.h"
#include "util.h"

static const struct {
	const char *name;	/* in VIB_EXPECT */
	const char *module;
} backends[BACKENDS] = {
	[BACKEND_TYPE1] = { "type1", "vfio_iommu_type1" },
	[BACKEND_BATCH] = { "batch", "vfio_iommu_batch" },
};

/*
 * The ids are spelled out although <linux/vfio.h> and our own header name
 * them: they are ABI, and a header that changed one must not change the test.
 */
static const struct mode modes[MODES] = {
	[MODE_TYPE1] = { "type1", BACKEND_TYPE1, 1, false, false },
	[MODE_TYPE1V2] = { "type1v2", BACKEND_TYPE1, 3, false, true },
	[MODE_BATCH] = { "batch", BACKEND_BATCH, 0x5642, false, true },
	[MODE_BATCH_CLAIMED_V1] = {
		"batch_claimed_v1", BACKEND_BATCH, 1, true, false
	},
	[MODE_BATCH_CLAIMED_V2] = {
		"batch_claimed_v2", BACKEND_BATCH, 3, true, true
	},
};

const struct mode *mode_get(enum mode_id id)
{
	return &modes[id];
}

const char *backend_name(enum backend backend)
{
	return backends[backend].module;
}

bool backend_loaded(enum backend backend)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", backend_name(backend));
	return !access(path, F_OK);
}

bool promised(const char *what)
{
	const char *list = getenv("VIB_EXPECT");
	size_t len = strlen(what);

	while (list && *list) {
		if (!strncmp(list, what, len) &&
		    (list[len] == ',' || !list[len]))
			return true;
		list = strchr(list, ',');
		list += !!list;
	}
	return false;
}

bool backend_expected(enum backend backend)
{
	return promised(backends[backend].name);
}

long backend_count(enum backend backend)
{
	char path[128];
	long count;

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt",
		 backend_name(backend));
	count = file_read_long(path);
	return count < 0 ? 0 : count;
}

void backend_use_read(struct backend_use *use)
{
	unsigned int i;

	for (i = 0; i < BACKENDS; i++)
		use->count[i] = backend_count(i);
}

static void param_path(char *path, size_t size, enum backend backend,
		       const char *param)
{
	snprintf(path, size, "/sys/module/%s/parameters/%s",
		 backend_name(backend), param);
}

long backend_param(enum backend backend, const char *param)
{
	char path[128], text[32];
	int len;

	param_path(path, sizeof(path), backend, param);
	len = file_read(path, text, sizeof(text));
	if (len < 0)
		return len;
	if (text[0] == 'Y' || text[0] == 'N')
		return text[0] == 'Y';
	return strtol(text, NULL, 10);
}

int backend_param_set(enum backend backend, const char *param, long value)
{
	char path[128], text[32];

	param_path(path, sizeof(path), backend, param);
	snprintf(text, sizeof(text), "%ld", value);
	return file_write(path, text);
}

int backend_remove(enum backend backend)
{
	return neg_errno(syscall(SYS_delete_module, backend_name(backend),
				 O_NONBLOCK));
}

int mode_claim(const struct mode *mode)
{
	if (!backend_loaded(BACKEND_BATCH))
		return 0;
	return backend_param_set(BACKEND_BATCH, "claim_type1", mode->claim);
}

int containers_read(char *text, size_t size)
{
	int ret = file_read(CONTAINERS, text, size);

	if (ret == -ENOENT &&
	    !mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL))
		ret = file_read(CONTAINERS, text, size);
	return ret;
}

const char *containers_text(void)
{
	static char text[65536];

	return containers_read(text, sizeof(text)) < 0 ? "" : text;
}

int containers_count(const char *key)
{
	static char text[65536];
	int ret = containers_read(text, sizeof(text)), count = 0;
	char *line, *rest = text;

	if (ret < 0)
		return ret;
	while ((line = strsep(&rest, "\n")))
		count += !strncmp(line, key, strlen(key));
	return count;
}

long containers_value(const char *key)
{
	static char text[65536];
	int ret = containers_read(text, sizeof(text));
	char *line, *rest = text;

	if (ret < 0)
		return ret;
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, key, strlen(key)))
			return strtol(line + strlen(key), NULL, 0);
	return -ENOENT;
}

long containers_sum(const char *key)
{
	static char text[65536];
	int ret = containers_read(text, sizeof(text));
	char *line, *rest = text;
	long sum = 0;

	if (ret < 0)
		return ret;
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, key, strlen(key)))
			sum += strtol(line + strlen(key), NULL, 0);
	return sum;
}

/*
 * The type id of the container this process owns, 0 if it owns none. The file
 * has a block for each container, opened by a line "container: <n>".
 */
static unsigned long listed_type(const char *text)
{
	unsigned long type = 0;
	bool mine = false;
	const char *line;
	int pid;

	for (line = text; line && *line; line = strchr(line, '\n')) {
		line += strspn(line, "\n \t");
		if (!strncmp(line, "container:", 10))
			mine = false;
		else if (sscanf(line, "owner: %d ", &pid) == 1)
			mine = pid == getpid();
		else if (mine && !strncmp(line, "type:", 5))
			type = strtoul(line + 5, NULL, 0);
	}
	return type;
}

static const char *check_list(const struct mode *mode)
{
	unsigned long type;
	static char text[65536];

	if (!backend_loaded(BACKEND_BATCH))
		return NULL;
	if (containers_read(text, sizeof(text)) < 0)
		return CONTAINERS " cannot be read";
	type = listed_type(text);
	if (mode->backend != BACKEND_BATCH)
		return type ? "batch lists a container of this process" : NULL;
	if (!type)
		return "batch lists no container of this process";
	return type == mode->type_id ? NULL : "batch lists another type id";
}

const char *mode_proof(const struct mode *mode,
		       const struct backend_use *before)
{
	struct backend_use now;
	unsigned int i;
	long served;

	backend_use_read(&now);
	for (i = 0; i < BACKENDS; i++) {
		served = mode->backend == i;
		if (now.count[i] == before->count[i] + served)
			continue;
		return served ?
		       "the use count of the backend asked for did not rise" :
		       "the use count of the other backend changed";
	}
	return check_list(mode);
}
