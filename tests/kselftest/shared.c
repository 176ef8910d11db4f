// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same memory in several mappings of one process: pinned once and charged once, as long as it
 * is the same, page for page, and at the same user addresses. type1 charges each mapping.
 */
#include <linux/falloc.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

#define BIG (256 * MIB)

enum { BIG_PAGES = BIG / PAGE };

#include "shared_worlds.h"

TEST_F(shared, four_containers_are_charged_once)
{
	char *mem = mem_small(BIG);
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, 4));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, map_rw(i, mem, BIG));
		EXPECT_CHARGED(BIG_PAGES, (i + 1) * BIG_PAGES);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, device_agrees(world_edu(&self->w, i), FAR + BIG - 2 * PAGE,
					   mem + BIG - 2 * PAGE));
	/* the one that has pinned it does not go last */
	ASSERT_EQ(0, unmap(1, BIG));
	EXPECT_CHARGED(BIG_PAGES, 3 * BIG_PAGES);
	ASSERT_EQ(0, unmap(0, BIG));
	EXPECT_CHARGED(BIG_PAGES, 2 * BIG_PAGES);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 2), FAR, mem));
	ASSERT_EQ(0, unmap(3, BIG));
	ASSERT_EQ(0, unmap(2, BIG));
	EXPECT_CHARGED(0, 0);
}

/* What users want it for: a limit that is worth the memory. */
TEST_F(shared_only, limit_of_the_memory_is_enough)
{
	char *mem = mem_small(BIG), *more = mem_small(17 * PAGE);
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, 4));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(BIG_PAGES + 16));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, map_rw(i, mem, BIG));
	EXPECT_CHARGED(BIG_PAGES, 0);
	EXPECT_EQ(-ENOMEM, dma_map(containers[1], IOVA, more, 17 * PAGE, DMA_RW));
	EXPECT_EQ(0, dma_map(containers[1], IOVA, more, 16 * PAGE, DMA_RW));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, unmap(i, BIG));
	/* at the limit, and with another one that holds it */
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, map_rw(i, mem, BIG));
	EXPECT_CHARGED(BIG_PAGES + 16, 0);
}

TEST_F(shared, containers_that_close_without_unmap)
{
	char *mem = mem_small(SOME);
	int i;

	ASSERT_EQ(0, open_containers(&self->w, 4));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, map_rw(i, mem, SOME));
	for (i = 0; i < 4; i++) {
		EXPECT_CHARGED(PAGES, (4 - i) * PAGES);
		close_container(&self->w, i);
	}
	EXPECT_CHARGED(0, 0);
}

TEST_F(shared, two_mappings_of_one_container)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 1));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(0, dma_map(containers[0], FAR + GIB, mem, SOME, DMA_READ));
	EXPECT_CHARGED(PAGES, 2 * PAGES);
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_CHARGED(PAGES, PAGES);
	EXPECT_EQ(0, edu_fetch(world_edu(&self->w, 0), FAR + GIB));
	ASSERT_EQ(0, dma_unmap_all(containers[0], NULL));
	EXPECT_CHARGED(0, 0);
}

/* Memory that nobody has touched before is pinned and charged as ever. */
TEST_F(shared, untouched_memory)
{
	char *mem = mem_untouched(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_CHARGED(PAGES, 2 * PAGES);
	EXPECT_EQ(0, device_agrees(world_edu(&self->w, 1), FAR + SOME / 2, mem + SOME / 2));
}

/* Below 2 MiB nothing is shared. */
TEST_F(shared, small_mappings_are_charged_each)
{
	char *mem = mem_small(PART);

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, PART));
	ASSERT_EQ(0, map_rw(1, mem, PART - PAGE));
	EXPECT_CHARGED(2 * PART_PAGES - 1, 2 * PART_PAGES - 1);
	ASSERT_EQ(0, unmap(1, PART - PAGE));
	ASSERT_EQ(0, map_rw(1, mem, PART));
	EXPECT_CHARGED(PART_PAGES, 2 * PART_PAGES);
}

static void each_is_new(struct __test_metadata *_metadata, struct world *w, char *mem, long fresh)
{
	long pages = PAGES + fresh;

	ASSERT_EQ(0, map_rw(1, mem, SOME));
	if (charges_again(w))
		pages = 2 * PAGES;
	EXPECT_EQ(w->locked + pages, locked_pages());
	EXPECT_EQ(w->pinned + pages, pinned_pages());
	EXPECT_TRUE(device_sees(w, 1, SOME / 2, mem));
	EXPECT_TRUE(device_sees(w, 1, 0, mem));
	EXPECT_TRUE(device_sees(w, 1, SOME - PAGE, mem));
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_EQ(w->locked + PAGES, locked_pages());
	EXPECT_TRUE(device_sees(w, 1, SOME / 2, mem));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
}

TEST_F(shared, page_thrown_away_between_is_a_new_one)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(0, madvise(mem + SOME / 2, PAGE, MADV_DONTNEED));
	mem[SOME / 2] = 1;
	each_is_new(_metadata, &self->w, mem, 1);
}

/* The same, and nobody has touched it since: GUP has to fault it in. */
TEST_F(shared, page_thrown_away_and_not_touched)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(0, madvise(mem + SOME / 2, PAGE, MADV_DONTNEED));
	each_is_new(_metadata, &self->w, mem, 1);
}

TEST_F(shared, other_memory_at_the_same_address)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(mem, mmap(mem, SOME, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0));
	each_is_new(_metadata, &self->w, mem, PAGES);
}

/* Of two that were pinned at the address, the earlier one is there again. */
TEST_F(shared, memory_that_came_back)
{
	char *mem, *other;
	int fd, unused;

	mem = mem_memfd(SOME, &fd);
	other = mem_memfd(SOME, &unused);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, open_containers(&self->w, 3));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(mem, mmap(mem, SOME, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, unused, 0));
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_CHARGED(2 * PAGES, 2 * PAGES);
	ASSERT_EQ(mem, mmap(mem, SOME, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0));
	ASSERT_EQ(0, map_rw(2, mem, SOME));
	EXPECT_CHARGED(2 * PAGES, 3 * PAGES);
	EXPECT_TRUE(device_sees(&self->w, 2, SOME / 2, mem));
	close(fd);
	close(unused);
}

TEST_F(shared, memory_that_was_moved_to_another_address)
{
	char *mem = mem_small(SOME), *place = mem_aligned(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(place, mremap(mem, SOME, SOME, MREMAP_MAYMOVE | MREMAP_FIXED, place));
	/* the same pages, but looked for by address */
	each_is_new(_metadata, &self->w, place, PAGES);
}

TEST_F(shared, hole_punched_into_a_memfd)
{
	char *mem;
	int fd;

	mem = mem_memfd(SOME, &fd);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, SOME / 2, PAGE));
	each_is_new(_metadata, &self->w, mem, 1);
	close(fd);
}

/* The first two pages of each 2 MiB are new ones: no more than those are charged again. */
TEST_F(shared, many_pages_changed)
{
	char *mem = mem_small(SOME);
	__u64 at;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	for (at = 0; at < SOME; at += PART)
		ASSERT_EQ(0, madvise(mem + at, 2 * PAGE, MADV_DONTNEED));
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_TRUE(device_sees(&self->w, 1, 0, mem));
	EXPECT_TRUE(device_sees(&self->w, 1, PART + PAGE, mem));
	EXPECT_GE(charges_again(&self->w) ? self->w.locked + 2 * PAGES :
		  self->w.locked + PAGES + PAGES / 2, locked_pages());
	EXPECT_LE(self->w.locked + PAGES + 2 * (long)(SOME / PART), locked_pages());
	EXPECT_EQ(self->w.pinned + locked_pages() - self->w.locked, pinned_pages());
	ASSERT_EQ(0, unmap(0, SOME));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_CHARGED(0, 0);
}

TEST_F(shared, page_written_after_fork)
{
	char *mem = mem_small(SOME);
	int status;
	pid_t pid;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	pid = fork();
	if (!pid) {
		memset(mem, 7, SOME);
		_exit(0);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	memset(mem, 9, SOME);
	/* pinned memory is not shared with a child */
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_CHARGED(PAGES, 2 * PAGES);
	EXPECT_TRUE(device_sees(&self->w, 0, SOME / 2, mem));
	EXPECT_TRUE(device_sees(&self->w, 1, SOME / 2, mem));
}

/* No more access than was pinned for. */
TEST_F(shared, pinned_for_reading_is_not_shared_for_writing)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 4));
	ASSERT_EQ(0, map(0, mem, SOME, DMA_READ));
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_CHARGED(2 * PAGES, 2 * PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, 0, mem));
	ASSERT_EQ(0, map(2, mem, SOME, DMA_READ));
	ASSERT_EQ(0, map_rw(3, mem, SOME));
	EXPECT_CHARGED(2 * PAGES, 4 * PAGES);
}

/*
 * GUP may give who only reads a copy of such a page (since 6.2), so what is there says nothing: it
 * is pinned.
 */
TEST_F(shared, private_mapping_of_the_same_file)
{
	char *mem, sum = 0;
	__u64 at;
	int fd;

	mem = mem_memfd(SOME, &fd);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(mem, mmap(mem, SOME, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0));
	for (at = 0; at < SOME; at += PAGE)
		sum += mem[at];
	ASSERT_EQ(0, map(1, mem, SOME, DMA_READ));
	EXPECT_CHARGED(2 * PAGES, 2 * PAGES);
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_CHARGED(PAGES, PAGES);
	close(fd);
	mem[0] = sum;
}

TEST_F(shared, memory_that_became_read_only)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 3));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(0, mprotect(mem, SOME, PROT_READ));
	EXPECT_EQ(-EFAULT, map_rw(1, mem, SOME));
	EXPECT_CHARGED(PAGES, PAGES);
	ASSERT_EQ(0, map(2, mem, SOME, DMA_READ));
	EXPECT_CHARGED(PAGES, 2 * PAGES);
	ASSERT_EQ(0, munmap(mem + SOME / 2, PAGE));
	EXPECT_EQ(-EFAULT, map(1, mem, SOME, DMA_READ));
	EXPECT_CHARGED(PAGES, 2 * PAGES);
}

TEST_HARNESS_MAIN
