// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory is taken from runs dry in the middle of a MAP: the pool of huge pages, a tmpfs,
 * a cgroup's share of huge pages. The call fails as a whole, all that it took goes back, and
 * what there is can be mapped.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/agree.h"

#define GROUPS "/sys/fs/cgroup"
#define MINE GROUPS "/exhausted"

enum { POOL = 4 };

#define WORLD exhausted
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

/* @mem is longer than the @enough bytes that there is memory for. */
static void fails_then_fits(struct __test_metadata *_metadata, struct world *w,
			    char *mem, __u64 size, __u64 enough)
{
	struct edu *edu = world_edu(w, 0);
	__u64 done;

	ASSERT_NE(NULL, edu);
	EXPECT_EQ(-EFAULT, dma_map(w->container, IOVA, mem, size, DMA_RW));
	EXPECT_EQ(w->pinned, pinned_pages());
	EXPECT_EQ(w->locked, locked_pages());
	ASSERT_EQ(0, dma_unmap_all(w->container, &done));
	EXPECT_EQ(0, done);

	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, enough, DMA_RW));
	EXPECT_EQ(0, device_agrees(edu, IOVA + enough - PAGE, mem + enough - PAGE));
	EXPECT_EQ(w->locked + (long)(enough / PAGE), locked_pages());
	ASSERT_EQ(0, dma_unmap_all(w->container, &done));
	EXPECT_EQ(enough, done);
	EXPECT_EQ(w->pinned, pinned_pages());
	ASSERT_EQ(0, munmap(mem, size));
}

/* More huge pages than there may be: nothing is reserved for them. */
static char *unreserved(size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

TEST_F(exhausted, pool_of_huge_pages)
{
	long before = hugepages_get();
	char *mem;

	ASSERT_EQ(0, hugepages_set(POOL));
	ASSERT_EQ(POOL, hugepages_get());
	mem = unreserved(2 * POOL * HUGE_2M);
	ASSERT_NE(NULL, mem);
	fails_then_fits(_metadata, &self->w, mem, 2 * POOL * HUGE_2M, POOL * HUGE_2M);
	ASSERT_EQ(0, hugepages_set(0));
	EXPECT_EQ(0, hugepages_get());
	ASSERT_EQ(0, hugepages_set(before));
}

/* A file, mapped shared, on a tmpfs that has room for half of it. */
static char *of_tmpfs(size_t size)
{
	char options[32];
	char *mem;
	int fd;

	snprintf(options, sizeof(options), "size=%zu", size / 2);
	mkdir("/tmp/dry", 0700);
	if (mount("dry", "/tmp/dry", "tmpfs", 0, options))
		return NULL;
	fd = open("/tmp/dry/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size))
		return NULL;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return mem == MAP_FAILED ? NULL : mem;
}

TEST_F(exhausted, tmpfs)
{
	char *mem = of_tmpfs(2 * MEM_SIZE);

	ASSERT_NE(NULL, mem);
	fails_then_fits(_metadata, &self->w, mem, 2 * MEM_SIZE, MEM_SIZE);
	EXPECT_EQ(0, umount("/tmp/dry"));
}

/* Moves this process into a new cgroup that may have @size bytes of huge pages. */
static int enter_group(size_t size)
{
	char text[32];
	int ret;

	if (access(GROUPS "/cgroup.procs", F_OK) &&
	    mount("cgroup2", GROUPS, "cgroup2", 0, NULL))
		return -errno;
	ret = file_write(GROUPS "/cgroup.subtree_control", "+hugetlb");
	if (ret || (mkdir(MINE, 0755) && errno != EEXIST))
		return ret ? ret : -errno;
	snprintf(text, sizeof(text), "%zu", size);
	ret = file_write(MINE "/hugetlb.2MB.max", text);
	return ret ? ret : file_write(MINE "/cgroup.procs", "0");
}

static int leave_group(void)
{
	int ret = file_write(GROUPS "/cgroup.procs", "0");

	return ret ? ret : neg_errno(rmdir(MINE));
}

TEST_F(exhausted, cgroups_share_of_huge_pages)
{
	long before = hugepages_get();
	char *mem;

	ASSERT_EQ(0, hugepages_set(4 * POOL));
	ASSERT_EQ(0, enter_group(POOL * HUGE_2M));
	mem = unreserved(2 * POOL * HUGE_2M);
	ASSERT_NE(NULL, mem);
	fails_then_fits(_metadata, &self->w, mem, 2 * POOL * HUGE_2M, POOL * HUGE_2M);
	EXPECT_EQ(0, file_read_long(MINE "/hugetlb.2MB.current"));
	EXPECT_EQ(0, leave_group());
	ASSERT_EQ(0, hugepages_set(before));
	EXPECT_EQ(before, hugepages_get());
}

TEST_HARNESS_MAIN
