// SPDX-License-Identifier: GPL-2.0-only
/* See refill.h. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "refill.h"

enum { PATTERN = 0xa6, CHUNK_PAGES = REFILL_CHUNK / 4096 };

#define PFN_MASK 0x007fffffffffffffULL
#define PRESENT 0x8000000000000000ULL

static bool read_pagemap(const void *at, __u64 *entry, unsigned int n)
{
	off_t where = (uintptr_t)at / PAGE * sizeof(*entry);
	size_t size = n * sizeof(*entry);
	ssize_t got;
	int fd;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = pread(fd, entry, size, where);
	close(fd);
	return got == (ssize_t)size;
}

__u64 pfn_of(const void *at)
{
	__u64 entry;

	if (!read_pagemap(at, &entry, 1) || !(entry & PRESENT))
		return 0;
	return entry & PFN_MASK;
}

void refill_fill(char *mem, size_t size)
{
	memset(mem, PATTERN, size);
}

unsigned int refill_damaged_in(const char *mem, size_t size)
{
	static char good[PAGE];
	unsigned int damaged = 0;
	size_t at;

	memset(good, PATTERN, sizeof(good));
	for (at = 0; at < size; at += PAGE)
		damaged += memcmp(mem + at, good, PAGE) != 0;
	return damaged;
}

/* How many of the wanted pages are in this chunk. */
static unsigned int holds(const char *chunk, const __u64 *pfn, unsigned int n)
{
	static __u64 entry[CHUNK_PAGES];
	unsigned int i, j, found = 0;

	if (!read_pagemap(chunk, entry, CHUNK_PAGES))
		return 0;
	for (i = 0; i < n; i++) {
		for (j = 0; j < CHUNK_PAGES; j++) {
			if (pfn[i] && (entry[j] & PFN_MASK) == pfn[i])
				break;
		}
		found += j < CHUNK_PAGES;
	}
	return found;
}

unsigned int refill_take(struct refill *refill, const __u64 *pfn,
			 unsigned int n, unsigned int max)
{
	unsigned int found = 0;
	char *mem;

	refill->nr = 0;
	while (refill->nr < max && (!refill->nr || found < n)) {
		mem = mem_untouched(REFILL_CHUNK);
		if (!mem)
			break;
		refill_fill(mem, REFILL_CHUNK);
		found += holds(mem, pfn, n);
		refill->chunk[refill->nr++] = mem;
	}
	return found;
}

unsigned int refill_damaged(const struct refill *refill)
{
	unsigned int i, damaged = 0;

	for (i = 0; i < refill->nr; i++)
		damaged += refill_damaged_in(refill->chunk[i], REFILL_CHUNK);
	return damaged;
}

void refill_drop(struct refill *refill)
{
	unsigned int i;

	for (i = 0; i < refill->nr; i++)
		mem_free(refill->chunk[i], REFILL_CHUNK);
	refill->nr = 0;
}
