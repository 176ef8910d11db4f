// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client for vfio-batch to see: client TYPE STEP... opens a container with the edu
 * device's group, selects TYPE, takes the steps, says "ready" and stays. Steps:
 * map:N, as many pages behind what is mapped; unmap, the latest of these; fail:IOVA,
 * a page there, which has to be refused; limit, twice as many pages as may be locked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/container.h"
#include "lib/dma.h"
#include "lib/ledger.h"
#include "lib/mem.h"
#include "lib/pci.h"
#include "lib/util.h"

enum { MAX_PAGES = 256, LIMIT_PAGES = 32 };

static struct {
	int container;
	char *mem;
	__u64 next, latest;
} me = { .next = 256 * MIB };

static int map_pages(unsigned long pages)
{
	me.latest = me.next;
	me.next += pages * PAGE;
	return dma_map(me.container, me.latest, me.mem, pages * PAGE, DMA_RW);
}

/* Of what fails it is an error to succeed. */
static int refused(int ret)
{
	return ret < 0 ? 0 : -EPROTO;
}

static int exceed_limit(void)
{
	struct rlimit limit = { LIMIT_PAGES * PAGE, LIMIT_PAGES * PAGE };

	if (drop_ipc_lock() || setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	return refused(map_pages(2 * LIMIT_PAGES));
}

static int take_step(const char *step)
{
	if (!strncmp(step, "map:", 4))
		return map_pages(strtoul(step + 4, NULL, 0));
	if (!strncmp(step, "fail:", 5))
		return refused(dma_map(me.container, strtoull(step + 5, NULL, 0), me.mem,
				       PAGE, DMA_RW));
	if (!strcmp(step, "unmap"))
		return dma_unmap(me.container, me.latest, me.next - me.latest, 0, NULL);
	if (!strcmp(step, "limit"))
		return exceed_limit();
	return -EINVAL;
}

static int set_up(unsigned long type)
{
	struct pci_dev edu;
	int group, ret;

	if (pci_find(PCI_EDU, &edu, 1) < 1)
		return -ENODEV;
	me.mem = mem_small(MAX_PAGES * PAGE);
	me.container = container_open();
	group = group_open(edu.group);
	if (!me.mem || me.container < 0 || group < 0)
		return -ENODEV;
	ret = group_join(group, me.container);
	return ret ? ret : container_set_iommu(me.container, type);
}

int main(int argc, char **argv)
{
	int i, ret;

	if (argc < 2)
		return 1;
	ret = set_up(strtoul(argv[1], NULL, 0));
	for (i = 2; i < argc && !ret; i++) {
		ret = take_step(argv[i]);
		if (ret)
			printf("%s: %s\n", argv[i], strerror(-ret));
	}
	if (ret) {
		printf("cannot go on: %s\n", strerror(-ret));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
