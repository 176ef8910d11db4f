// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's registers, mapped for other devices to reach: not memory, so
 * nothing is pinned. A small BAR is that of an edu device, a large one that of
 * QEMU's pci-testdev, if there is one. Units are pages of 4 KiB.
 */
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define PCI_TESTDEV 0x1b360005
#define IOVA (4 * GIB)

struct bar {
	int group;		/* -1: the device is the world's own */
	int device;
	char *mem;
	size_t size;
};

static void map_bar(struct bar *bar, int region)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = region,
	};

	must(vfio_ioctl(bar->device, VFIO_DEVICE_GET_REGION_INFO, &info), "BAR");
	bar->size = info.size;
	bar->mem = mmap(NULL, bar->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			bar->device, info.offset);
	if (bar->mem == MAP_FAILED)
		fail("the BAR cannot be mapped by the CPU");
	/* Up to 6.9 this enters all of it into the page table. */
	(void)*(volatile char *)bar->mem;
}

static void open_edu_bar(struct world *w, struct bar *bar)
{
	if (!world_edu(w, 0))
		fail("the edu device does not open");
	bar->group = -1;
	bar->device = w->slot[0].device;
	map_bar(bar, VFIO_PCI_BAR0_REGION_INDEX);
}

/* Its group joins the world's container, and leaves it in close_bar(). */
static void open_large_bar(struct world *w, struct bar *bar)
{
	struct pci_dev pci;

	if (pci_find(PCI_TESTDEV, &pci, 1) != 1)
		fail("no pci-testdev");
	bar->group = group_open(pci.group);
	must(bar->group < 0 ? bar->group : 0, "group of the large BAR");
	must(group_join(bar->group, w->container), "group of the large BAR");
	bar->device = group_device(bar->group, pci.addr);
	must(bar->device < 0 ? bar->device : 0, "device with the large BAR");
	map_bar(bar, VFIO_PCI_BAR2_REGION_INDEX);
}

static void close_bar(struct bar *bar)
{
	munmap(bar->mem, bar->size);
	if (bar->group < 0)
		return;
	close(bar->device);
	close(bar->group);
}

static const char *row(const char *what, const struct bar *bar)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s/bar/%lluM", what, bar->size / MIB);
	return name;
}

/* One call that is not the first of its kind in this process, and is undone. */
static void map_again(const struct contender *who, struct world *w, const struct bar *bar,
		      size_t size, const char *name)
{
	int ret;

	meter_start(who->name, name);
	ret = dma_map(w->container, IOVA, bar->mem, size, DMA_RW);
	meter_stop(1);
	must(ret, "a BAR is mapped again");
	must(dma_unmap(w->container, IOVA, size, 0, NULL), "a BAR is unmapped again");
}

static void life(const struct contender *who,
		 void (*open_bar)(struct world *w, struct bar *bar))
{
	struct world w;
	struct bar bar;
	int ret;

	open_world(&w, who, 1);
	open_bar(&w, &bar);
	meter_start(who->name, row("map", &bar));
	ret = dma_map(w.container, IOVA, bar.mem, bar.size, DMA_RW);
	meter_stop(bar.size / PAGE);
	must(ret, "a BAR is mapped");
	meter_start(who->name, row("unmap", &bar));
	ret = dma_unmap(w.container, IOVA, bar.size, 0, NULL);
	meter_stop(bar.size / PAGE);
	must(ret, "a BAR is unmapped");
	if (bar.size == MIB) {
		map_again(who, &w, &bar, PAGE, "bar/map-again/4K");
		map_again(who, &w, &bar, MIB, "bar/map-again/1M");
	}
	must(dma_map(w.container, IOVA, bar.mem, bar.size, DMA_RW), "second map");
	close_bar(&bar);
	close_measured(&w, who, row("close", &bar), bar.size / PAGE);
}

void rows_bar(const char *only)
{
	int i;

	for (i = 0; i < CONTENDERS; i++)
		life(&contenders[i], open_edu_bar);
	for (i = 0; i < CONTENDERS && !only; i++)
		life(&contenders[i], open_large_bar);
}
