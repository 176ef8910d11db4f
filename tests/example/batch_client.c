// SPDX-License-Identifier: GPL-2.0-only
/*
 * batch_client: how a VMM or a user-space driver uses vfio_iommu_batch under
 * its own type id. It needs the installed header <linux/vfio_iommu_batch.h>,
 * which brings <linux/vfio.h>, and vfio_dma.h beside it.
 *
 *	batch_client 0000:00:10.0
 *
 * The device must be bound to vfio-pci. For the DMA round trip it must be
 * QEMU's "edu" device (1234:11e8), which copies between memory and a buffer of
 * its own; with another device everything but the round trip is shown.
 *
 * A client of vfio_iommu_type1 needs one change, the id given to
 * VFIO_SET_IOMMU; or none, if the module is loaded with claim_type1=1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio_iommu_batch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vfio_dma.h"

#define EDU_ID 0x11e81234u	/* as config space has it: device, vendor */
#define BUFFER_SIZE (64 * 1024)
#define CHUNK 2048		/* less than the edu device's buffer of 4 KiB */

/*
 * Where the device will see the buffer. Any place inside the IOVA ranges that
 * GET_INFO lists will do; 0xfee00000 to 0xfeefffff, for one, is no such place
 * on x86.
 */
#define BUFFER_IOVA 0x10000000ull

static void die(const char *what)
{
	fprintf(stderr, "batch_client: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int check(int ret, const char *what)
{
	if (ret < 0)
		die(what);
	return ret;
}

/* For the functions of vfio_dma.h. */
static void check_call(int ret, const char *what)
{
	errno = -ret;
	check(ret, what);
}

/* Step 1: the container, and whether the backend is there at all. */
static int open_container(void)
{
	int container = check(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC),
			      "/dev/vfio/vfio (is the vfio module loaded?)");

	if (ioctl(container, VFIO_GET_API_VERSION) != VFIO_API_VERSION) {
		fprintf(stderr, "batch_client: unknown VFIO API version\n");
		exit(1);
	}
	/* 0 here means: not loaded. A client would fall back to type1 now. */
	if (ioctl(container, VFIO_CHECK_EXTENSION, VFIO_BATCH_IOMMU) <= 0) {
		fprintf(stderr, "batch_client: vfio_iommu_batch is not loaded\n");
		exit(1);
	}
	printf("container open, VFIO_BATCH_IOMMU (%#x) is available\n",
	       VFIO_BATCH_IOMMU);
	return container;
}

/* The number of the device's IOMMU group is the name of its /dev/vfio node. */
static int group_number(const char *address)
{
	char link[128], target[256];
	ssize_t len;

	snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group",
		 address);
	len = readlink(link, target, sizeof(target) - 1);
	check(len, link);
	target[len] = '\0';
	return atoi(strrchr(target, '/') + 1);
}

/* Step 2: the group, which must be viable: all its devices under vfio. */
static int open_group(const char *address)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[32];
	int group;

	snprintf(path, sizeof(path), "/dev/vfio/%d", group_number(address));
	group = check(open(path, O_RDWR | O_CLOEXEC),
		      "the group (is the device bound to vfio-pci?)");
	check(ioctl(group, VFIO_GROUP_GET_STATUS, &status), "group status");
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		fprintf(stderr, "batch_client: a device of group %s is not bound to vfio\n",
			path);
		exit(1);
	}
	printf("group %s is viable\n", path);
	return group;
}

/*
 * Step 3: the group joins the container, then the container gets its backend.
 * More groups may join before or after; mappings reach the devices of all.
 */
static void set_iommu(struct vfio_dma *dma, int container, int group)
{
	check(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container),
	      "VFIO_GROUP_SET_CONTAINER");
	check_call(vfio_dma_select(dma, container), "VFIO_SET_IOMMU");
	printf("container is served by id %#lx, %s\n", dma->type,
	       dma->batches ? "many operations a call" : "one operation a call");
	if (dma->type != VFIO_BATCH_IOMMU || !dma->batches)
		exit(1);
}

static void print_ranges(const void *cap)
{
	const struct vfio_iommu_type1_info_cap_iova_range *ranges = cap;
	uint32_t i;

	for (i = 0; i < ranges->nr_iovas; i++)
		printf("  IOVA range %#llx to %#llx\n",
		       (unsigned long long)ranges->iova_ranges[i].start,
		       (unsigned long long)ranges->iova_ranges[i].end);
}

static void print_cap(const struct vfio_info_cap_header *cap)
{
	const struct vfio_iommu_type1_info_dma_avail *avail;
	const struct vfio_iommu_type1_info_cap_migration *migration;

	switch (cap->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		print_ranges(cap);
		break;
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		/* Only mappings without locked memory (BARs) use these up. */
		avail = (const void *)cap;
		printf("  DMA entries left: %u\n", avail->avail);
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		migration = (const void *)cap;
		printf("  dirty tracking with page sizes %#llx\n",
		       (unsigned long long)migration->pgsize_bitmap);
		break;
	}
}

/*
 * Step 4: what the IOMMU can do. The answer is a fixed head and a chain of
 * capabilities behind it; asking with the head alone says how much room the
 * whole needs.
 */
static void print_info(int container)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) }, *info;
	uint32_t at;

	check(ioctl(container, VFIO_IOMMU_GET_INFO, &head),
	      "VFIO_IOMMU_GET_INFO");
	info = calloc(1, head.argsz);
	if (!info)
		die("memory");
	info->argsz = head.argsz;
	check(ioctl(container, VFIO_IOMMU_GET_INFO, info),
	      "VFIO_IOMMU_GET_INFO");

	printf("GET_INFO:\n  page sizes %#llx\n",
	       (unsigned long long)info->iova_pgsizes);
	at = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;
	while (at) {
		const struct vfio_info_cap_header *cap;

		cap = (const void *)((const char *)info + at);
		print_cap(cap);
		at = cap->next;
	}
	free(info);
}

/*
 * Step 5: memory becomes visible to the device at IOVAs of our choice, here one mapping
 * for each page, of whatever size: an IOMMU may map no less.
 */
static unsigned char *map_buffer(struct vfio_dma *dma)
{
	size_t at, piece = sysconf(_SC_PAGESIZE);
	unsigned char *buffer;

	buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED)
		die("memory");
	/* ENOMEM means RLIMIT_MEMLOCK: pinned memory counts as locked. */
	for (at = 0; at < BUFFER_SIZE; at += piece)
		check_call(vfio_dma_map(dma, BUFFER_IOVA + at, buffer + at, piece),
			   "map");
	check_call(vfio_dma_flush(dma), "map");
	printf("mapped %u bytes at IOVA %#llx\n", BUFFER_SIZE, BUFFER_IOVA);
	return buffer;
}

/* Step 8: and out of its sight: the pieces one by one, in one call. */
static void unmap_buffer(struct vfio_dma *dma)
{
	size_t at, piece = sysconf(_SC_PAGESIZE);

	for (at = 0; at < BUFFER_SIZE; at += piece)
		check_call(vfio_dma_unmap(dma, BUFFER_IOVA + at, piece), "unmap");
	check_call(vfio_dma_flush(dma), "unmap");
	printf("unmapped %u bytes\n", BUFFER_SIZE);
}

static struct vfio_region_info region(int device, uint32_t index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	check(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info),
	      "VFIO_DEVICE_GET_REGION_INFO");
	return info;
}

static void access_config(int device, int write, unsigned int at, void *data,
			  size_t size)
{
	off_t where = region(device, VFIO_PCI_CONFIG_REGION_INDEX).offset + at;
	ssize_t done;

	done = write ? pwrite(device, data, size, where)
		     : pread(device, data, size, where);
	if (done != (ssize_t)size)
		die("config space");
}

/* Step 6: the device. Without the bus master bit it can do no DMA. */
static int open_device(int group, const char *address, uint32_t *id)
{
	int device = check(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address),
			   "VFIO_GROUP_GET_DEVICE_FD");
	uint16_t command;

	access_config(device, 0, 0, id, sizeof(*id));
	access_config(device, 0, 4, &command, sizeof(command));
	command |= 0x2 | 0x4;	/* memory space, bus master */
	access_config(device, 1, 4, &command, sizeof(command));
	return device;
}

/* A register must be read or written when we say, and only then. */
static volatile uint64_t *reg(char *bar, unsigned int at)
{
	return (volatile uint64_t *)(bar + at);
}

/* One transfer of the edu device; @command 1 reads memory, 3 writes it. */
static void edu_transfer(char *bar, uint64_t from, uint64_t to, uint64_t size,
			 uint64_t command)
{
	*reg(bar, 0x80) = from;
	*reg(bar, 0x88) = to;
	*reg(bar, 0x90) = size;
	*reg(bar, 0x98) = command;
	while (*reg(bar, 0x98) & 1)
		usleep(1000);
}

/* Step 7: the device reads the start of the buffer and writes it at its end. */
static void round_trip(int device, unsigned char *buffer)
{
	struct vfio_region_info info = region(device, 0);
	uint64_t last = BUFFER_SIZE - CHUNK;
	char *bar;
	int i;

	bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   info.offset);
	if (bar == MAP_FAILED)
		die("BAR 0");
	for (i = 0; i < CHUNK; i++)
		buffer[i] = i * 7 + 1;

	edu_transfer(bar, BUFFER_IOVA, 0x40000, CHUNK, 1);
	edu_transfer(bar, 0x40000, BUFFER_IOVA + last, CHUNK, 3);

	munmap(bar, info.size);
	if (memcmp(buffer, buffer + last, CHUNK)) {
		fprintf(stderr, "batch_client: the device wrote other bytes\n");
		exit(1);
	}
	printf("DMA round trip of %d bytes: correct\n", CHUNK);
}

int main(int argc, char **argv)
{
	int container, group, device;
	static struct vfio_dma dma;
	unsigned char *buffer;
	uint32_t id;

	if (argc != 2) {
		fprintf(stderr, "usage: batch_client <pci address>\n");
		return 2;
	}
	container = open_container();
	group = open_group(argv[1]);
	set_iommu(&dma, container, group);
	print_info(container);
	buffer = map_buffer(&dma);
	device = open_device(group, argv[1], &id);
	if (id == EDU_ID)
		round_trip(device, buffer);
	else
		printf("no edu device: DMA round trip left out\n");
	unmap_buffer(&dma);

	/* The last descriptor closed ends the container and all it holds. */
	close(device);
	close(group);
	close(container);
	return 0;
}
