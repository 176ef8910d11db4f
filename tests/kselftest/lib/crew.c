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

/* Kernel threads of ours that are there. */
static int count_helpers(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], name[64];
	int nr = 0;

	while (proc && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		nr += file_read(path, name, sizeof(name)) > 0 && !strncmp(name, "vib-map/", 8);
	}
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
