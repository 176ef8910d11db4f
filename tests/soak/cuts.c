// SPDX-License-Identifier: GPL-2.0-only
/* See cuts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest/lib/util.h"
#include "cuts.h"

#define TRACING "/sys/kernel/tracing/"
#define EVENT TRACING "events/vfio_iommu_batch/vib_sync/enable"

enum { PARTS_MAX = 64 };

static struct {
	__u64 iova, last;
} part[PARTS_MAX];

static unsigned int parts;

int cuts_watch(void)
{
	int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return file_write(EVENT, "1");
}

void cuts_read(void)
{
	FILE *file = fopen(TRACING "trace", "re");
	const char *at;
	char line[512];

	file_write(EVENT, "0");
	parts = 0;
	while (file && parts < PARTS_MAX && fgets(line, sizeof(line), file)) {
		at = strstr(line, "vib_sync: ");
		at = at ? strstr(at, " iova=") : NULL;
		if (at && sscanf(at, " iova=%llx last=%llx", &part[parts].iova,
				 &part[parts].last) == 2)
			parts++;
	}
	if (file)
		fclose(file);
}

bool cuts_between(__u64 before, __u64 behind)
{
	bool ended = false, begun = false;
	unsigned int i;

	for (i = 0; i < parts; i++) {
		ended |= part[i].last == before + (PAGE - 1);
		begun |= part[i].iova == behind;
	}
	return ended && begun;
}
