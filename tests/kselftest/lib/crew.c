// SPDX-License-Identifier: GPL-2.0-only
/* See crew.h. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "crew.h"
#include "util.h"

int crew_threads(long nr)
{
	return backend_param_set(BACKEND_BATCH, "map_threads", nr);
}

static bool kernel_has(const char *symbol)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char line[600];
	bool found = false;

	while (symbols && !found && fgets(line, sizeof(line), symbols))
		found = strstr(line, symbol);
	if (symbols)
		fclose(symbols);
	return found;
}

bool crew_is_of_threads(void)
{
	static int known = -1;

	if (known < 0)
		known = kernel_has(" vhost_task_create\n");
	return known;
}

/* "vib-helpers" is a worker's. */
static bool is_helper(const char *name)
{
	return !strncmp(name, "vib-map", 7) || !strncmp(name, "vib-unmap", 9);
}

/* Threads of @process, or of the kernel, that are helpers. */
static int count_of(const char *process)
{
	char path[600], name[64];
	struct dirent *entry;
	DIR *tasks;
	int nr = 0;

	snprintf(path, sizeof(path), "/proc/%s/task", process);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/%s/task/%s/comm", process, entry->d_name);
		nr += file_read(path, name, sizeof(name)) > 0 && is_helper(name);
	}
	if (tasks)
		closedir(tasks);
	return nr;
}

/* Helpers of all processes that are there. */
static int count_helpers(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int nr = 0;

	while (proc && (entry = readdir(proc)))
		nr += count_of(entry->d_name);
	if (proc)
		closedir(proc);
	return proc ? nr : -1;
}

/* The call has waited until they were out of our code; the kernel's own end takes a moment. */
bool crew_is_gone(void)
{
	int i;

	for (i = 0; i < 100 && count_helpers(); i++)
		usleep(10000);
	return i < 100;
}
