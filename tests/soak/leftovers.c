// SPDX-License-Identifier: GPL-2.0-only
/* See leftovers.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../kselftest/lib/backend.h"
#include "../kselftest/lib/ledger.h"
#include "../kselftest/lib/util.h"
#include "leftovers.h"

#define MODULE_FILE "/vib/vfio_iommu_batch.ko"

static long pinned;

void leftovers_begin(void)
{
	pinned = pinned_pages();
}

const char *leftovers(void)
{
	long now = pinned_pages(), uses = backend_count(BACKEND_BATCH);
	int listed = containers_count("container: ");
	static char why[128];

	if (now == pinned && !listed && !uses)
		return NULL;
	snprintf(why, sizeof(why),
		 "%ld pages pinned, %d containers in debugfs, %ld uses of the module",
		 now - pinned, listed, uses);
	return why;
}

int module_insert(void)
{
	int fd, ret;

	fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = neg_errno(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	return ret;
}
