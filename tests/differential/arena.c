// SPDX-License-Identifier: GPL-2.0-only
/* See arena.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/util.h"
#include "arena.h"

#define ARENA_SIZE (32 * MIB)
#define STAMP 0x5642000000000000ULL
#define SPONGE_STEP 8

/* Between any two is memory that is not there. */
const struct region arena_regions[REGIONS] = {
	[REGION_SMALL] = { "small", 1 * MIB, 4 * MIB, true },
	[REGION_THP] = { "thp", 6 * MIB, 4 * MIB, true },
	[REGION_MEMFD] = { "memfd", 12 * MIB, 2 * MIB, true },
	[REGION_READONLY] = { "readonly", 15 * MIB, 1 * MIB, false },
	[REGION_SPONGE] = { "sponge", 17 * MIB, 1 * MIB, false },
	[REGION_NONE] = { "none", 19 * MIB, 64 * KIB, false },
	[REGION_ZERO] = { "zero", 20 * MIB, 1 * MIB, false },
	[REGION_BAR] = { "bar", 22 * MIB, 1 * MIB, false },
};

static int put(struct arena *arena, enum region_id id, int prot, int flags,
	       int fd)
{
	const struct region *region = &arena_regions[id];
	void *map;

	map = mmap(arena->base + region->offset, region->size, prot,
		   flags | MAP_FIXED, fd, 0);
	return map == MAP_FAILED ? -errno : 0;
}

static char *at(struct arena *arena, enum region_id id)
{
	return arena->base + arena_regions[id].offset;
}

static int put_anonymous(struct arena *arena, enum region_id id, int advice)
{
	int ret = put(arena, id, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!ret)
		madvise(at(arena, id), arena_regions[id].size, advice);
	return ret;
}

static int put_memfd(struct arena *arena)
{
	int fd = memfd_create("vib-differential", MFD_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = neg_errno(ftruncate(fd, arena_regions[REGION_MEMFD].size));
	if (!ret)
		ret = put(arena, REGION_MEMFD, PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd);
	close(fd);
	return ret;
}

static void touch(struct arena *arena, enum region_id id)
{
	memset(at(arena, id), 0x11, arena_regions[id].size);
}

static void make_sponge(struct arena *arena)
{
	size_t offset;

	for (offset = 0; offset < arena_regions[REGION_SPONGE].size;
	     offset += SPONGE_STEP * PAGE)
		munmap(at(arena, REGION_SPONGE) + offset + 5 * PAGE, PAGE);
}

static int fill(struct arena *arena)
{
	int ret;

	ret = put_anonymous(arena, REGION_SMALL, MADV_NOHUGEPAGE);
	if (!ret)
		ret = put_anonymous(arena, REGION_THP, MADV_HUGEPAGE);
	if (!ret)
		ret = put_memfd(arena);
	if (!ret)
		ret = put_anonymous(arena, REGION_READONLY, MADV_NOHUGEPAGE);
	if (!ret)
		ret = put_anonymous(arena, REGION_SPONGE, MADV_NOHUGEPAGE);
	if (!ret)
		ret = put_anonymous(arena, REGION_ZERO, MADV_NOHUGEPAGE);
	if (ret)
		return ret;
	touch(arena, REGION_SMALL);
	touch(arena, REGION_THP);
	touch(arena, REGION_MEMFD);
	touch(arena, REGION_READONLY);
	touch(arena, REGION_SPONGE);
	mprotect(at(arena, REGION_READONLY),
		 arena_regions[REGION_READONLY].size, PROT_READ);
	make_sponge(arena);
	arena_restamp(arena, NULL, 0);
	return 0;
}

/* Aligned for huge pages, and everything in it is PROT_NONE at first. */
int arena_open(struct arena *arena)
{
	char *area;
	int ret;

	area = mmap(NULL, ARENA_SIZE + 2 * MIB, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	arena->base = (char *)(((unsigned long)area + 2 * MIB - 1) &
			       ~(2 * MIB - 1));
	if (arena->base > area)
		munmap(area, arena->base - area);
	munmap(arena->base + ARENA_SIZE, area + 2 * MIB - arena->base);
	ret = fill(arena);
	if (ret)
		arena_close(arena);
	return ret;
}

void arena_close(struct arena *arena)
{
	if (arena->base)
		munmap(arena->base, ARENA_SIZE);
	arena->base = NULL;
}

int arena_put_bar(struct arena *arena, int device)
{
	return put(arena, REGION_BAR, PROT_READ | PROT_WRITE, MAP_SHARED,
		   device);
}

const struct region *arena_region(__u64 offset, __u64 size)
{
	unsigned int i;

	for (i = 0; i < REGIONS; i++) {
		const struct region *region = &arena_regions[i];

		if (offset >= region->offset && size <= region->size &&
		    offset - region->offset <= region->size - size)
			return region;
	}
	return NULL;
}

void arena_describe(__u64 offset, char *text, size_t size)
{
	const struct region *region = arena_region(offset, 1);

	if (region)
		snprintf(text, size, "%s+%#llx", region->name,
			 offset - region->offset);
	else
		snprintf(text, size, "gap+%#llx", offset);
}

void arena_untouch(struct arena *arena)
{
	madvise(at(arena, REGION_ZERO), arena_regions[REGION_ZERO].size, MADV_DONTNEED);
}

void arena_zap(struct arena *arena, __u64 offset, __u64 size)
{
	const struct region *region = arena_region(offset, size);

	if (region != &arena_regions[REGION_SMALL] &&
	    region != &arena_regions[REGION_THP] &&
	    region != &arena_regions[REGION_ZERO])
		return;
	madvise(arena->base + offset, size, MADV_DONTNEED);
	if (region->stamped)
		arena_restamp(arena, NULL, 0);
}

unsigned int arena_restamp(struct arena *arena, __u64 *found,
			   unsigned int max)
{
	unsigned int i, n = 0;
	__u64 offset, *word;

	for (i = 0; i < REGIONS; i++) {
		const struct region *region = &arena_regions[i];

		if (!region->stamped)
			continue;
		for (offset = region->offset;
		     offset < region->offset + region->size; offset += PAGE) {
			word = (__u64 *)(arena->base + offset);
			if (*word == (STAMP | offset))
				continue;
			*word = STAMP | offset;
			if (n < max)
				found[n] = offset;
			n++;
		}
	}
	return n;
}
