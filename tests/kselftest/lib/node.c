// SPDX-License-Identifier: GPL-2.0-only
/* See node.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node.h"
#include "util.h"

enum { ASKED = 512 };	/* pages that the kernel is asked about at a time */

static void node_path(char *path, size_t size, int node, const char *file)
{
	snprintf(path, size, "/sys/devices/system/node/node%d%s", node, file);
}

bool node_exists(int node)
{
	char path[64];

	node_path(path, sizeof(path), node, "");
	return !access(path, F_OK);
}

/* A list like 0-1,4. */
int node_cpus(int node, cpu_set_t *cpus)
{
	char path[64], text[256], *at = text;
	long first, last;
	int ret;

	node_path(path, sizeof(path), node, "/cpulist");
	ret = file_read(path, text, sizeof(text));
	if (ret < 0)
		return ret;
	CPU_ZERO(cpus);
	while (*at >= '0' && *at <= '9') {
		first = strtol(at, &at, 10);
		last = *at == '-' ? strtol(at + 1, &at, 10) : first;
		for (; first <= last; first++)
			CPU_SET(first, cpus);
		at += *at == ',';
	}
	return 0;
}

long node_pages(const char *mem, size_t size, int node)
{
	long at, nr = 0, pages = size / PAGE, asked;
	const void *page[ASKED];
	int status[ASKED], i;

	for (at = 0; at < pages; at += asked) {
		asked = pages - at < ASKED ? pages - at : ASKED;
		for (i = 0; i < asked; i++)
			page[i] = mem + (at + i) * PAGE;
		if (syscall(SYS_move_pages, 0, asked, page, NULL, status, 0))
			return -errno;
		for (i = 0; i < asked; i++)
			nr += status[i] == node;
	}
	return nr;
}
