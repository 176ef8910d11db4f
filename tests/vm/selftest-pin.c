// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests/vm/selftest: leaves something behind on purpose. It maps memory for
 * DMA through a VFIO container of type 1 and stays alive in the background with
 * the mapping while its parent reports success. The guest's last checks must then
 * find pages pinned that nobody released.
 *
 * usage: selftest-pin GROUP
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int open_or_exit(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void check(int ret, const char *what)
{
	if (ret < 0) {
		perror(what);
		exit(1);
	}
}

static void map_one_page(int container)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = 0x100000,
		.size = 4096,
	};
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(page == MAP_FAILED ? -1 : 0, "mmap");
	memset(page, 1, 4096);
	map.vaddr = (unsigned long)page;
	check(ioctl(container, VFIO_IOMMU_MAP_DMA, &map), "VFIO_IOMMU_MAP_DMA");
}

int main(int argc, char **argv)
{
	char path[64];
	int container, group;

	snprintf(path, sizeof(path), "/dev/vfio/%s", argc > 1 ? argv[1] : "0");
	container = open_or_exit("/dev/vfio/vfio");
	group = open_or_exit(path);
	check(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container),
	      "VFIO_GROUP_SET_CONTAINER");
	check(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU),
	      "VFIO_SET_IOMMU");
	/* The child maps, because the pages must be those of the one that stays. */
	if (fork()) {
		sleep(1);
		return 0;
	}
	map_one_page(container);
	sleep(1000);
	return 0;
}
