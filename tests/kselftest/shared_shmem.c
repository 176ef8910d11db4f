// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages of shmem, mapped shared or private, which one container or two have for reading or
 * for writing: devices reach what the process has there, and what is private stays private.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

#define PLACE "/tmp/huge"
#define SCRATCH (FAR - MIB)

enum { USERS = 2 };

#define WORLD shared_shmem
#define WORLD_GROUPS USERS
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* A file whose pages are huge, and hold their numbers. */
struct huge_file {
	int fd;
	char *mem;		/* mapped shared */
	char *scratch;		/* what devices copy to */
	long locked;		/* with the scratch pages */
	long pinned;
};

static char *map_file(int fd, int prot, int flags)
{
	char *mem = mem_aligned(SOME);

	if (mem)
		mem = mmap(mem, SOME, prot, flags | MAP_FIXED, fd, 0);
	return mem == MAP_FAILED ? NULL : mem;
}

static int make_file(void)
{
	int fd;

	mkdir(PLACE, 0700);
	if (mount("huge", PLACE, "tmpfs", 0, "huge=always"))
		return -errno;
	fd = open(PLACE "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* it stays for those who have it open */
	umount2(PLACE, MNT_DETACH);
	return fd < 0 || ftruncate(fd, SOME) ? -errno : fd;
}

static __u64 number_of(long page)
{
	return 0x5afe000000000000 + page;
}

static void begin_file(struct __test_metadata *_metadata, struct world *w, struct huge_file *file)
{
	long i;

	file->fd = make_file();
	ASSERT_LE(0, file->fd);
	file->mem = map_file(file->fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_NE(NULL, file->mem);
	for (i = 0; i < PAGES; i++)
		*(__u64 *)(file->mem + i * PAGE) = number_of(i);
	ASSERT_EQ((long)(SOME / KIB), mem_shmem_thp_kib(file->mem));
	file->scratch = mem_small(PAGE);
	ASSERT_NE(NULL, file->scratch);
	ASSERT_EQ(0, open_containers(w, USERS));
	for (i = 0; i < USERS; i++)
		ASSERT_EQ(0, dma_map(containers[i], SCRATCH, file->scratch, PAGE, DMA_RW));
	file->locked = locked_pages();
	file->pinned = pinned_pages();
}

/* The same, and maps the file private as well. Return: where. */
static char *begin_private(struct __test_metadata *_metadata, struct world *w,
			   struct huge_file *file)
{
	char *mem;

	begin_file(_metadata, w, file);
	mem = map_file(file->fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(number_of(7), *(volatile __u64 *)(mem + 7 * PAGE));
	return mem;
}

/* Does the device of container @nr read what the process has in @page of @mem? */
static bool device_reads(struct world *w, const struct huge_file *file, int nr, const char *mem,
			 long page)
{
	volatile __u64 *word = (volatile __u64 *)file->scratch;

	*word = ~0ULL;
	return !edu_copy(world_edu(w, nr), SCRATCH, FAR + page * PAGE) &&
	       *word == *(volatile __u64 *)(mem + page * PAGE);
}

#define EXPECT_HELD(pages, each) do { \
	long _pages = charges_again(&self->w) ? (each) : (pages); \
\
	EXPECT_EQ(file.locked + _pages, locked_pages()); \
	EXPECT_EQ(file.pinned + _pages, pinned_pages()); \
} while (0)

TEST_F(shared_shmem, shared_for_writing)
{
	struct huge_file file;

	NEED_THP();
	begin_file(_metadata, &self->w, &file);
	ASSERT_EQ(0, map_rw(0, file.mem, SOME));
	EXPECT_HELD(PAGES, PAGES);
	ASSERT_EQ(0, map_rw(1, file.mem, SOME));
	EXPECT_HELD(PAGES, 2 * PAGES);
	EXPECT_TRUE(device_sees(&self->w, 0, PART + 77 * PAGE, file.mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_HELD(PAGES, PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, 2 * PART - PAGE, file.mem));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_HELD(0, 0);
}

/* Two mappings only read, so what the file has there is pinned for each of them. */
TEST_F(shared_shmem, shared_for_reading)
{
	struct huge_file file;
	char *mem;
	int i;

	NEED_THP();
	begin_file(_metadata, &self->w, &file);
	mem = map_file(file.fd, PROT_READ, MAP_SHARED);
	ASSERT_NE(NULL, mem);
	EXPECT_EQ(-EFAULT, map_rw(0, mem, SOME));
	EXPECT_HELD(0, 0);
	for (i = 0; i < USERS; i++) {
		ASSERT_EQ(0, map(i, i ? file.mem : mem, SOME, DMA_READ));
		EXPECT_TRUE(device_reads(&self->w, &file, i, mem, 0));
		EXPECT_TRUE(device_reads(&self->w, &file, i, mem, PAGES - 3));
	}
	EXPECT_HELD(2 * PAGES, 2 * PAGES);
	*(__u64 *)(file.mem + 5 * PAGE) = 77;
	for (i = 0; i < USERS; i++) {
		EXPECT_TRUE(device_reads(&self->w, &file, i, mem, 5));
		ASSERT_EQ(0, unmap(i, SOME));
	}
	EXPECT_HELD(0, 0);
}

/* At one address, where the entry would allow writing. */
TEST_F(shared_shmem, shared_for_reading_twice)
{
	struct huge_file file;
	int i;

	NEED_THP();
	begin_file(_metadata, &self->w, &file);
	for (i = 0; i < USERS; i++) {
		ASSERT_EQ(0, map(i, file.mem, SOME, DMA_READ));
		EXPECT_TRUE(device_reads(&self->w, &file, i, file.mem, PART_PAGES + 7));
		EXPECT_HELD((i + 1) * PAGES, (i + 1) * PAGES);
	}
	for (i = 0; i < USERS; i++)
		ASSERT_EQ(0, unmap(i, SOME));
	EXPECT_HELD(0, 0);
}

/*
 * Since 6.2 GUP makes a copy before it pins such memory for reading: it takes the entry of the huge
 * page away, the fault puts it back, and so on until a signal ends the call, whoever calls (seen on
 * 7.2).
 */
TEST_F(shared_shmem, private_for_reading)
{
	struct huge_file file;
	char *mem;
	int i;

	NEED_THP();
	if (kernel_running() >= KERNEL(6, 2))
		SKIP_TEST("GUP of this kernel does not end here, type1's neither");
	mem = begin_private(_metadata, &self->w, &file);
	for (i = 0; i < USERS; i++) {
		ASSERT_EQ(0, map(i, mem, SOME, DMA_READ));
		EXPECT_TRUE(device_reads(&self->w, &file, i, mem, 0));
		EXPECT_TRUE(device_reads(&self->w, &file, i, mem, PAGES - 3));
	}
	EXPECT_HELD(2 * PAGES, 2 * PAGES);
	for (i = 0; i < USERS; i++)
		ASSERT_EQ(0, unmap(i, SOME));
	EXPECT_HELD(0, 0);
}

TEST_F(shared_shmem, private_for_writing)
{
	struct huge_file file;
	char *mem;
	int i;

	NEED_THP();
	mem = begin_private(_metadata, &self->w, &file);
	for (i = 0; i < USERS; i++) {
		ASSERT_EQ(0, map_rw(i, mem, SOME));
		EXPECT_TRUE(device_reads(&self->w, &file, i, mem, PAGES - 3));
		EXPECT_TRUE(device_sees(&self->w, i, PART + 77 * PAGE, mem));
	}
	EXPECT_HELD(PAGES, 2 * PAGES);
	EXPECT_EQ(number_of(PART_PAGES + 77), *(__u64 *)(file.mem + PART + 77 * PAGE));
	for (i = 0; i < USERS; i++)
		ASSERT_EQ(0, unmap(i, SOME));
	EXPECT_HELD(0, 0);
}

TEST_HARNESS_MAIN
