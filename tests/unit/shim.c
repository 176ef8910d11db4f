// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stand-ins for the kernel's allocator and WARN, and the random numbers of the tests. Knows nothing
 * of what is tested.
 *
 * Fresh memory is filled with junk, as kmalloc's may be. What the kernel would complain about fails
 * the test here: memory that is not charged to the caller's memory cgroup, kfree() of memory that
 * kvmalloc gave, a request of more than INT_MAX bytes, or of more than 4 MiB without kvmalloc.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim.h"

/*
 * Memory that is out, found by its address. The address given out is not moved by a header of ours,
 * so that AddressSanitizer sees every byte on either side.
 */
struct chunk {
	struct chunk *next;
	void *mem;
	size_t bytes;
	bool vmalloc;
	bool alias;
};

enum {
	KMALLOC_MAX = 4 << 20,
	FLAT_MAX = 8192,		/* as pure.h has them */
	CHUNK_BYTES = 16384,
};

u32 shim_flat_max, shim_chunk_bytes;

static struct chunk *chunks;
static unsigned long nr_chunks;
static unsigned long fail_countdown;
static bool has_failed;
static size_t last_request;
static size_t bytes, peak, alias;
static int alias_fd = -1;
static unsigned int warned;
static unsigned int warnings_expected;

u64 rnd_seed;
static u64 rnd_state;

void shim_setup(void)
{
	fail_countdown = 0;
	has_failed = false;
	last_request = 0;
	warned = 0;
	warnings_expected = 0;
	peak = bytes;
	shim_sizes(FLAT_MAX, CHUNK_BYTES);
	shim_alias(0);
	rnd_restart();
}

void shim_teardown(void)
{
	must_msg(warned == warnings_expected, "%u WARNs fired, %u expected", warned,
		 warnings_expected);
	must_msg(!nr_chunks, "%lu allocations were not freed", nr_chunks);
}

struct TCase *shim_tcase(struct Suite *suite, const char *name)
{
	struct TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, shim_setup, shim_teardown);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}

void shim_expect_warnings(unsigned int nr)
{
	warnings_expected = nr;
}

bool shim_warn(const char *file, int line, const char *what)
{
	if (++warned > warnings_expected)
		fprintf(stderr, "%s:%d: WARN: %s\n", file, line, what);
	return true;
}

void shim_fail_nth(unsigned long nth)
{
	fail_countdown = nth;
	has_failed = false;
}

bool shim_has_failed(void)
{
	return has_failed;
}

unsigned long shim_live(void)
{
	return nr_chunks;
}

size_t shim_last_request(void)
{
	return last_request;
}

size_t shim_bytes(void)
{
	return bytes;
}

size_t shim_peak(void)
{
	size_t was = peak;

	peak = bytes;
	return was;
}

void shim_sizes(u32 flat_max, u32 chunk_bytes)
{
	shim_flat_max = flat_max;
	shim_chunk_bytes = chunk_bytes;
}

void shim_alias(size_t size)
{
	alias = size;
	if (alias_fd >= 0)
		close(alias_fd);
	alias_fd = -1;
	if (!size)
		return;
	alias_fd = memfd_create("alias", 0);
	must(alias_fd >= 0);
	must(!ftruncate(alias_fd, size));
}

/* Memory of its own, but for what is behind its first page. */
static void *map_alias(size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *rest;

	must(mem != MAP_FAILED);
	rest = mmap(mem + PAGE_SIZE, size - PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, alias_fd, 0);
	must(rest != MAP_FAILED);
	return mem;
}

static void *allocate(size_t n, size_t size, gfp_t flags, bool vmalloc)
{
	struct chunk *chunk;

	must_msg(flags == GFP_KERNEL_ACCOUNT, "memory not charged to the caller");
	last_request = n;
	if (fail_countdown && !--fail_countdown) {
		has_failed = true;
		return NULL;
	}
	if (n > (vmalloc ? INT_MAX : KMALLOC_MAX) / size) {
		shim_warn(__FILE__, __LINE__, "request too large");
		return NULL;
	}
	chunk = malloc(sizeof(*chunk));
	must(chunk);
	chunk->bytes = n * size;
	chunk->alias = alias && chunk->bytes == alias;
	chunk->mem = chunk->alias ? map_alias(alias) : malloc(chunk->bytes);
	must(chunk->mem);
	if (!chunk->alias)
		memset(chunk->mem, 0xa5, chunk->bytes);
	chunk->vmalloc = vmalloc;
	bytes += chunk->bytes;
	peak = max(peak, bytes);
	chunk->next = chunks;
	chunks = chunk;
	nr_chunks++;
	return chunk->mem;
}

void *kmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return allocate(n, size, flags, false);
}

void *kvmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return allocate(n, size, flags, true);
}

static void release(const void *ptr, bool vfree)
{
	struct chunk **link = &chunks;
	struct chunk *chunk;

	if (!ptr)
		return;
	while (*link && (*link)->mem != ptr)
		link = &(*link)->next;
	chunk = *link;
	must_msg(chunk, "free of what was not allocated, or twice");
	must_msg(vfree || !chunk->vmalloc, "kfree() of memory from kvmalloc");
	*link = chunk->next;
	bytes -= chunk->bytes;
	if (chunk->alias)
		munmap(chunk->mem, chunk->bytes);
	else
		free(chunk->mem);
	free(chunk);
	nr_chunks--;
}

void kfree(const void *ptr)
{
	release(ptr, false);
}

void kvfree(const void *ptr)
{
	release(ptr, true);
}

void rnd_restart(void)
{
	rnd_state = rnd_seed;
}

/* splitmix64: every seed is as good as another. */
u64 rnd(void)
{
	u64 z = rnd_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u64 rnd_below(u64 n)
{
	return rnd() % n;
}

bool rnd_one_in(u64 n)
{
	return !rnd_below(n);
}
