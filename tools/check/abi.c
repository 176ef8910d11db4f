// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases of the ABI that need no device that does DMA: what a call answers, and what is
 * locked meanwhile. A case prints what it saw and judges nothing: both backends have
 * to print the same. Each has a container of its own, so none depends on another.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/* A result may have several numbers: each is added to the line. */
static void print_number(long number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{ EINVAL, "EINVAL" }, { ENOMEM, "ENOMEM" }, { EFAULT, "EFAULT" },
		{ EEXIST, "EEXIST" }, { ENOENT, "ENOENT" }, { EBUSY, "EBUSY" },
		{ ENOSPC, "ENOSPC" }, { EOVERFLOW, "EOVERFLOW" }, { ENOTTY, "ENOTTY" },
		{ EPERM, "EPERM" }, { EACCES, "EACCES" }, { ENODEV, "ENODEV" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (number == -names[i].number) {
			printf(" %s", names[i].name);
			return;
		}
	}
	printf(" %ld", number);
}

static int map_at(const struct check *c, __u64 offset, __u64 size)
{
	return check_map(c, CHECK_IOVA + offset, c->mem, size, RW);
}

static void extensions(struct check *c)
{
	static const unsigned long ids[] = { VFIO_DMA_CC_IOMMU, VFIO_UNMAP_ALL, 0x4242 };
	unsigned int i;

	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		print_number(check_ioctl(c, VFIO_CHECK_EXTENSION, (void *)ids[i]));
	print_number(check_ioctl(c, VFIO_GET_API_VERSION, NULL));
}

static void update_vaddr(struct check *c)
{
	print_number(check_ioctl(c, VFIO_CHECK_EXTENSION, (void *)VFIO_UPDATE_VADDR));
}

static void unknown_ioctl(struct check *c)
{
	print_number(check_ioctl(c, _IO(VFIO_TYPE, VFIO_BASE + 99), c->mem));
}

/* Sees the capability @id of GET_INFO, or NULL; the answer is in @buf. */
static void *capability(struct check *c, char *buf, size_t size, int id)
{
	struct vfio_iommu_type1_info *info = (void *)buf;
	struct vfio_info_cap_header *cap;

	memset(buf, 0, size);
	info->argsz = size;
	if (check_ioctl(c, VFIO_IOMMU_GET_INFO, info) || !(info->flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	for (cap = (void *)(buf + info->cap_offset); ; cap = (void *)(buf + cap->next)) {
		if (cap->id == id)
			return cap;
		if (!cap->next)
			return NULL;
	}
}

static void page_sizes(struct check *c)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	print_number(check_ioctl(c, VFIO_IOMMU_GET_INFO, &info));
	printf(" 0x%llx", (unsigned long long)info.iova_pgsizes);
	info.argsz = 8;
	print_number(check_ioctl(c, VFIO_IOMMU_GET_INFO, &info));
}

static void iova_ranges(struct check *c)
{
	char buf[4096];
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		capability(c, buf, sizeof(buf), VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	unsigned int i;

	for (i = 0; cap && i < cap->nr_iovas; i++)
		printf(" 0x%llx-0x%llx", (unsigned long long)cap->iova_ranges[i].start,
		       (unsigned long long)cap->iova_ranges[i].end);
}

static void migration(struct check *c)
{
	char buf[4096];
	struct vfio_iommu_type1_info_cap_migration *cap =
		capability(c, buf, sizeof(buf), VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);

	if (cap)
		printf(" 0x%llx %llu", (unsigned long long)cap->pgsize_bitmap,
		       (unsigned long long)cap->max_dirty_bitmap_size);
}

static void map_refused(struct check *c)
{
	struct vfio_iommu_type1_dma_map shorter = { .argsz = 8, .flags = RW };

	print_number(map_at(c, 1, c->page));
	print_number(map_at(c, 0, 1));
	print_number(map_at(c, 0, 0));
	print_number(check_map(c, CHECK_IOVA, c->mem + 1, c->page, RW));
	print_number(check_map(c, CHECK_IOVA, c->mem, c->page, 0));
	print_number(check_map(c, CHECK_IOVA, c->mem, c->page, 1 << 30));
	print_number(check_map(c, CHECK_IOVA, NULL, c->page, RW));
	print_number(check_ioctl(c, VFIO_IOMMU_MAP_DMA, &shorter));
	print_number(check_locked(c));
}

static void map_wraps(struct check *c)
{
	print_number(check_map(c, -(__u64)c->page, c->mem, 2 * c->page, RW));
}

/* What every device keeps for its interrupts, on a PC. */
static void map_reserved(struct check *c)
{
	print_number(check_map(c, 0xfee00000, c->mem, c->page, RW));
	print_number(check_map(c, 0xffffffffff000ULL, c->mem, c->page, RW));
	print_number(check_locked(c));
}

static void map_overlaps(struct check *c)
{
	print_number(map_at(c, 0, 4 * c->page));
	print_number(map_at(c, 0, 4 * c->page));
	print_number(map_at(c, 3 * c->page, 2 * c->page));
	print_number(map_at(c, 4 * c->page, c->page));
	print_number(check_locked(c));
}

static void map_read_only_memory(struct check *c)
{
	char *mem = mmap(NULL, c->page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	print_number(check_map(c, CHECK_IOVA, mem, c->page, RW));
	print_number(check_map(c, CHECK_IOVA, mem, c->page, VFIO_DMA_MAP_FLAG_READ));
	munmap(mem, c->page);
}

static void map_shared_memory(struct check *c)
{
	char *mem = mmap(NULL, CHECK_MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);

	print_number(check_map(c, CHECK_IOVA, mem, CHECK_MIB, RW));
	print_number(check_locked(c));
	munmap(mem, CHECK_MIB);
	print_number(check_unmap(c, CHECK_IOVA, CHECK_MIB, 0, NULL));
	print_number(check_locked(c));
}

static void unmap_whole(struct check *c)
{
	__u64 done = 0;

	print_number(check_unmap(c, CHECK_IOVA, CHECK_MIB, 0, &done));
	print_number(done);
	print_number(map_at(c, 0, CHECK_MIB));
	print_number(check_locked(c));
	print_number(check_unmap(c, CHECK_IOVA, CHECK_MIB, 0, &done));
	print_number(done);
	print_number(check_locked(c));
}

/* The type ids differ in that: 1 may cut a mapping where the IOMMU can, 3 never. */
static void unmap_refused(struct check *c)
{
	print_number(map_at(c, 0, 4 * c->page));
	print_number(check_unmap(c, CHECK_IOVA + 1, c->page, 0, NULL));
	print_number(check_unmap(c, CHECK_IOVA, 0, 0, NULL));
	print_number(check_unmap(c, CHECK_IOVA, c->page, VFIO_DMA_UNMAP_FLAG_ALL, NULL));
	print_number(check_unmap(c, CHECK_IOVA, 4 * c->page, 1 << 30, NULL));
	print_number(check_locked(c));
}

static void unmap_cuts(struct check *c)
{
	print_number(map_at(c, 0, 4 * c->page));
	print_number(check_unmap(c, CHECK_IOVA + c->page, c->page, 0, NULL));
	print_number(check_unmap(c, CHECK_IOVA + 3 * c->page, 4 * c->page, 0, NULL));
}

static void unmap_several(struct check *c)
{
	__u64 done = 0;
	int i;

	for (i = 0; i < 8; i++)
		print_number(map_at(c, 2 * i * c->page, c->page));
	print_number(check_unmap(c, CHECK_IOVA + 4 * c->page, 4 * c->page, 0, &done));
	print_number(done);
	print_number(check_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &done));
	print_number(done);
	print_number(check_locked(c));
}

static void many_mappings(struct check *c)
{
	__u64 done = 0;
	int i, ret = 0;

	for (i = 0; i < 4096 && !ret; i++)
		ret = map_at(c, (__u64)2 * i * c->page, c->page);
	print_number(ret);
	print_number(check_locked(c));
	print_number(check_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &done));
	print_number(done);
	print_number(check_locked(c));
}

static int dirty(struct check *c, __u32 flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = { .argsz = sizeof(arg), .flags = flags };

	return check_ioctl(c, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static int dirty_get(struct check *c, __u64 pages, __u64 *bits)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {
		.head.argsz = sizeof(arg),
		.head.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get.iova = CHECK_IOVA,
		.get.size = pages * c->page,
		.get.bitmap.pgsize = c->page,
		.get.bitmap.size = 8,
		.get.bitmap.data = bits,
	};

	return check_ioctl(c, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static void dirty_pages(struct check *c)
{
	__u64 bits = 0;

	print_number(dirty_get(c, 16, &bits));
	print_number(map_at(c, 0, 16 * c->page));
	print_number(dirty(c, VFIO_IOMMU_DIRTY_PAGES_FLAG_START));
	print_number(dirty_get(c, 16, &bits));
	printf(" 0x%llx", (unsigned long long)bits);
	print_number(dirty_get(c, 8, &bits));
	print_number(dirty(c, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP));
	print_number(dirty_get(c, 16, &bits));
	print_number(dirty(c, 0));
}

/* The container goes with all of it mapped. */
static void close_with_mappings(struct check *c)
{
	print_number(map_at(c, 0, CHECK_MIB));
	print_number(check_locked(c));
	check_close(c);
	print_number(check_locked(c));
}

static const struct {
	const char *name;
	void (*run)(struct check *c);
} cases[] = {
	{ "extensions", extensions },
	{ "update_vaddr", update_vaddr },
	{ "unknown_ioctl", unknown_ioctl },
	{ "page_sizes", page_sizes },
	{ "iova_ranges", iova_ranges },
	{ "migration", migration },
	{ "map_refused", map_refused },
	{ "map_wraps", map_wraps },
	{ "map_reserved", map_reserved },
	{ "map_overlaps", map_overlaps },
	{ "map_read_only_memory", map_read_only_memory },
	{ "map_shared_memory", map_shared_memory },
	{ "unmap_whole", unmap_whole },
	{ "unmap_refused", unmap_refused },
	{ "unmap_cuts", unmap_cuts },
	{ "unmap_several", unmap_several },
	{ "many_mappings", many_mappings },
	{ "dirty_pages", dirty_pages },
	{ "close_with_mappings", close_with_mappings },
};

int check_abi(const char *mode, int group, unsigned long type)
{
	struct check check = { .mode = mode };
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ret = check_open(&check, group, type);
		if (ret) {
			printf("%s abi %s no container: %s\n", mode, cases[i].name, strerror(-ret));
			return ret;
		}
		printf("%s abi %s", mode, cases[i].name);
		cases[i].run(&check);
		putchar('\n');
		check_close(&check);
	}
	return 0;
}
