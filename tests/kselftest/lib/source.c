// SPDX-License-Identifier: GPL-2.0-only
/* See source.h. */
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <linux/if_packet.h>
#include <linux/udmabuf.h>
#include <net/ethernet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source.h"
#include "util.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static char *map_fd(int fd, size_t size, int flags, off_t at)
{
	char *mem;

	if (fd < 0)
		return NULL;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, at);
	close(fd);
	return mem == MAP_FAILED ? NULL : mem;
}

/* Closes @fd if it cannot be made so large. */
static int sized(int fd, size_t size)
{
	if (fd < 0 || !ftruncate(fd, size))
		return fd;
	close(fd);
	return -1;
}

char *source_private_memfd(size_t size, unsigned int flags)
{
	return map_fd(sized(memfd_create("private", MFD_CLOEXEC | flags), size), size,
		      MAP_PRIVATE, 0);
}

char *source_packet_ring(size_t size)
{
	struct tpacket_req ring = {
		.tp_block_size = PAGE,
		.tp_block_nr = size / PAGE,
		.tp_frame_size = PAGE,
		.tp_frame_nr = size / PAGE,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return NULL;
	if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring))) {
		close(fd);
		return NULL;
	}
	return map_fd(fd, size, MAP_SHARED, 0);
}

/* A file on @device, on which ext4 is made and mounted at @place. */
static char *map_ext4(const char *device, const char *place, const char *options,
		      size_t size)
{
	char text[128];

	if (access(device, F_OK))
		return NULL;
	/* What ext4 wants of older kernels, newer ones have it built in. */
	(void)!system("modprobe -q crc32c_generic 2>/dev/null");
	snprintf(text, sizeof(text), "mke2fs -b 4096 %s >/dev/null 2>&1", device);
	mkdir(place, 0755);
	if (system(text) || mount(device, place, "ext4", 0, options))
		return NULL;
	snprintf(text, sizeof(text), "%s/file", place);
	return map_fd(sized(open(text, O_RDWR | O_CREAT | O_CLOEXEC, 0600), size), size,
		      MAP_SHARED, 0);
}

char *source_ext4(size_t size)
{
	return map_ext4("/dev/ram1", "/tmp/ext4", NULL, size);
}

void source_ext4_end(void)
{
	umount("/tmp/ext4");
}

char *source_ext4_from_disk(size_t size)
{
	if (mount("/dev/ram1", "/tmp/ext4", "ext4", 0, NULL))
		return NULL;
	return map_fd(open("/tmp/ext4/file", O_RDWR | O_CLOEXEC), size, MAP_SHARED, 0);
}

int source_ext4_read_disk(void *to, size_t size, off_t at)
{
	int fd = open("/tmp/ext4/file", O_RDONLY | O_DIRECT | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, to, size, at);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)size ? 0 : -1;
}

char *source_dax(size_t size)
{
	return map_ext4("/dev/pmem0", "/tmp/dax", "dax", size);
}

void source_dax_end(void)
{
	umount("/tmp/dax");
}

char *source_secret(size_t size)
{
	return map_fd(sized(syscall(SYS_memfd_secret, O_CLOEXEC), size), size, MAP_SHARED, 0);
}

char *source_udmabuf(size_t size)
{
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), memory, fd;
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };

	if (device < 0)
		return NULL;
	memory = sized(memfd_create("udmabuf", MFD_CLOEXEC | MFD_ALLOW_SEALING), size);
	fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK);
	create.memfd = memory;
	fd = ioctl(device, UDMABUF_CREATE, &create);
	close(memory);
	close(device);
	return map_fd(fd, size, MAP_SHARED, 0);
}

char *source_dma_heap(size_t size)
{
	struct dma_heap_allocation_data data = { .len = size, .fd_flags = O_RDWR | O_CLOEXEC };
	int heap = open("/dev/dma_heap/system", O_RDWR | O_CLOEXEC), ret;

	if (heap < 0)
		return NULL;
	ret = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
	close(heap);
	return ret ? NULL : map_fd(data.fd, size, MAP_SHARED, 0);
}

/* As in <drm/drm_mode.h>, which not every host has. */
struct create_dumb {
	__u32 height, width, bpp, flags, handle, pitch;
	__u64 size;
};

struct map_dumb {
	__u32 handle, pad;
	__u64 offset;
};

char *source_dumb_buffer(size_t size)
{
	int card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	struct create_dumb create = {
		.width = PAGE / 4, .height = size / PAGE, .bpp = 32,
	};
	struct map_dumb map = { 0 };

	if (card < 0)
		return NULL;
	if (!ioctl(card, _IOWR('d', 0xb2, struct create_dumb), &create)) {
		map.handle = create.handle;
		if (!ioctl(card, _IOWR('d', 0xb3, struct map_dumb), &map))
			return map_fd(card, size, MAP_SHARED, map.offset);
	}
	close(card);
	return NULL;
}

char *source_beyond(size_t size)
{
	const char *at = getenv("VIB_BEYOND");

	return at ? map_fd(open("/dev/mem", O_RDWR | O_CLOEXEC), size, MAP_SHARED,
			   strtoul(at, NULL, 0)) : NULL;
}

static void on_bus_error(int signal)
{
	(void)signal;
}

/* Who has the page mapped is told by a signal that cannot be ignored. */
int source_poison(char *page)
{
	struct sigaction act = { .sa_handler = on_bus_error }, old;
	int ret;

	sigaction(SIGBUS, &act, &old);
	ret = neg_errno(madvise(page, PAGE, MADV_HWPOISON));
	sigaction(SIGBUS, &old, NULL);
	return ret;
}

bool source_vmemmap_is_freed(void)
{
	char text[4096];

	return file_read("/proc/cmdline", text, sizeof(text)) > 0 &&
	       strstr(text, "hugetlb_free_vmemmap=on");
}

bool source_expected(const char *what)
{
	bool buffers = !strcmp(what, "udmabuf") || !strcmp(what, "dma_heap");

	if (!strcmp(what, "memfd_secret"))
		return kernel_running() >= KERNEL(5, 14);
	return !buffers || kernel_running() >= KERNEL(6, 12);
}
