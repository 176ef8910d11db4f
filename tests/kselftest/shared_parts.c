// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that several mappings of one process have (shared.c), where they agree in part only, end
 * in any order, have huge pages or device memory, or move to another process.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "shared_fixture.h"

enum { HUGE_POOL = 8 };

#include "shared_worlds.h"

/* [0, 6 MiB) and [2 MiB, 8 MiB). */
TEST_F(shared, ranges_that_agree_in_part)
{
	const long three = 3 * PART_PAGES;
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 4));
	ASSERT_EQ(0, map_rw(0, mem, 3 * PART));
	ASSERT_EQ(0, map_rw(1, mem + PART, 3 * PART));
	EXPECT_CHARGED(PAGES, 2 * three);
	/* from two of them, and all that there is */
	ASSERT_EQ(0, map_rw(2, mem, SOME));
	EXPECT_CHARGED(PAGES, 2 * three + PAGES);
	ASSERT_EQ(0, unmap(0, 3 * PART));
	EXPECT_CHARGED(PAGES, three + PAGES);
	ASSERT_EQ(0, unmap(2, SOME));
	EXPECT_CHARGED(three, three);
	EXPECT_TRUE(device_sees(&self->w, 1, 0, mem + PART));
	EXPECT_TRUE(device_sees(&self->w, 1, 2 * PART, mem + PART));
	ASSERT_EQ(0, map_rw(3, mem, 2 * PART));
	EXPECT_CHARGED(three + PART_PAGES, three + 2 * PART_PAGES);
	ASSERT_EQ(0, unmap(1, 3 * PART));
	EXPECT_CHARGED(2 * PART_PAGES, 2 * PART_PAGES);
	ASSERT_EQ(0, unmap(3, 2 * PART));
	EXPECT_CHARGED(0, 0);
}

/* A part of it goes on when the whole is unmapped; nothing stays that nobody maps. */
TEST_F(shared, small_part_of_a_large_one)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 3));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	ASSERT_EQ(0, map_rw(1, mem + 33 * PAGE, PART));
	ASSERT_EQ(0, map_rw(2, mem + 33 * PAGE + PART / 2, PART + PAGE));
	EXPECT_CHARGED(PAGES, PAGES + 2 * PART_PAGES + 1);
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_CHARGED(PART_PAGES + PART_PAGES / 2 + 1, 2 * PART_PAGES + 1);
	ASSERT_EQ(0, unmap(1, PART));
	EXPECT_CHARGED(PART_PAGES + 1, PART_PAGES + 1);
	EXPECT_TRUE(device_sees(&self->w, 2, 0, mem + 33 * PAGE + PART / 2));
	ASSERT_EQ(0, unmap(2, PART + PAGE));
	EXPECT_CHARGED(0, 0);
}

/* A failed map gives back what it had borrowed, and leaves the others alone. */
TEST_F(shared, failed_map_changes_nothing)
{
	char *mem = mem_small(SOME);

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, 3 * PART));
	ASSERT_EQ(0, munmap(mem + SOME - PAGE, PAGE));
	EXPECT_EQ(-EFAULT, map_rw(1, mem, SOME));
	EXPECT_CHARGED(3 * PART_PAGES, 3 * PART_PAGES);
	EXPECT_TRUE(device_sees(&self->w, 0, 0, mem));
	ASSERT_EQ(0, unmap(0, 3 * PART));
	EXPECT_CHARGED(0, 0);
}

/* Device memory behind borrowed memory makes us begin anew. */
TEST_F(shared, bar_behind_it)
{
	char *mem = mem_small(SOME);
	struct edu *edu;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, map_rw(0, mem, 3 * PART));
	ASSERT_EQ(mem + 3 * PART, mmap(mem + 3 * PART, edu->bar_size, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_FIXED, edu->device, 0));
	ASSERT_EQ(0, map_rw(1, mem, 3 * PART + edu->bar_size));
	EXPECT_CHARGED(3 * PART_PAGES, 6 * PART_PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, PART, mem));
	ASSERT_EQ(0, unmap(0, 3 * PART));
	EXPECT_CHARGED(3 * PART_PAGES, 3 * PART_PAGES);
	EXPECT_TRUE(device_sees(&self->w, 1, PART, mem));
	ASSERT_EQ(0, unmap(1, 3 * PART + edu->bar_size));
	EXPECT_CHARGED(0, 0);
	ASSERT_EQ(0, munmap(mem + 3 * PART, edu->bar_size));
}

static char *pages_2m(size_t size)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/* Huge pages are held by one pin each: nothing is shared that ends inside one. */
TEST_F(shared_only, huge_pages)
{
	char *mem;

	ASSERT_EQ(0, hugepages_set(HUGE_POOL));
	mem = pages_2m(4 * HUGE_2M);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, 4));
	ASSERT_EQ(0, map_rw(0, mem, 4 * HUGE_2M));
	ASSERT_EQ(0, map_rw(1, mem, 4 * HUGE_2M));
	EXPECT_EQ(self->w.locked + 4 * PART_PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + 4, pinned_pages());
	/* half a page, a page, half a page */
	ASSERT_EQ(0, map_rw(2, mem + PART / 2, 2 * HUGE_2M));
	EXPECT_EQ(self->w.locked + 5 * PART_PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + 6, pinned_pages());
	ASSERT_EQ(0, unmap(0, 4 * HUGE_2M));
	ASSERT_EQ(0, unmap(1, 4 * HUGE_2M));
	EXPECT_EQ(self->w.locked + 2 * PART_PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + 3, pinned_pages());
	EXPECT_TRUE(device_sees(&self->w, 2, PART, mem + PART / 2));
	ASSERT_EQ(0, unmap(2, 2 * HUGE_2M));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(self->w.pinned, pinned_pages());
	ASSERT_EQ(0, munmap(mem, 4 * HUGE_2M));
	ASSERT_EQ(0, hugepages_set(0));
}

/* Puts huge pages where a mapping has @pins pins, and maps and unmaps them beside that. */
static void replace_by_huge(struct __test_metadata *_metadata, struct world *w, char *mem,
			    long pins)
{
	const __u64 size = 3 * HUGE_2M;

	ASSERT_EQ(0, map_rw(0, mem, size));
	ASSERT_EQ(mem, mmap(mem, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			    MAP_HUGETLB | MAP_POPULATE | MAP_FIXED, -1, 0));
	ASSERT_EQ(0, map_rw(1, mem, size));
	EXPECT_EQ(w->locked + 6 * PART_PAGES, locked_pages());
	EXPECT_TRUE(device_sees(w, 1, HUGE_2M + PAGE, mem));
	ASSERT_EQ(0, unmap(1, size));
	EXPECT_EQ(w->locked + 3 * PART_PAGES, locked_pages());
	EXPECT_EQ(w->pinned + pins, pinned_pages());
	ASSERT_EQ(0, unmap(0, size));
	EXPECT_EQ(w->pinned, pinned_pages());
	ASSERT_EQ(0, munmap(mem, size));
}

TEST_F(shared_only, other_huge_pages_at_the_address)
{
	char *mem;

	ASSERT_EQ(0, hugepages_set(HUGE_POOL));
	mem = pages_2m(3 * HUGE_2M);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(&self->w, 2));
	replace_by_huge(_metadata, &self->w, mem, 3);
	ASSERT_EQ(0, hugepages_set(0));
}

/*
 * The small ones are looked for in steps that grow, so the huge pages are pinned in parts; each pin
 * must be given back.
 */
TEST_F(shared_only, huge_pages_where_small_ones_were)
{
	char *mem;

	ASSERT_EQ(0, hugepages_set(HUGE_POOL));
	mem = mem_aligned(3 * HUGE_2M);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, madvise(mem, 3 * HUGE_2M, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, open_containers(&self->w, 2));
	replace_by_huge(_metadata, &self->w, mem, 3 * PART_PAGES);
	ASSERT_EQ(0, hugepages_set(0));
}

/* One account a process. */
TEST_F(shared, processes_are_charged_each)
{
	char *mem = mem_memfd(SOME, NULL);
	int status;
	pid_t pid;

	ASSERT_EQ(0, open_containers(&self->w, 2));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	pid = fork();
	if (!pid) {
		if (map_rw(1, mem, SOME))
			_exit(1);
		_exit(locked_pages() == PAGES ? 0 : 2);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(self->w.locked + PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + 2 * PAGES, pinned_pages());
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_EQ(self->w.pinned + PAGES, pinned_pages());
	EXPECT_TRUE(device_sees(&self->w, 1, 0, mem));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_CHARGED(0, 0);
}

/* Two containers map the memory, and its addresses are taken back. */
static void take_addresses(struct __test_metadata *_metadata, struct world *w, const char *mem)
{
	__u64 done;
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, open_containers(w, 2));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, map_rw(i, mem, SOME));
		ASSERT_EQ(0, dma_unmap(containers[i], FAR, SOME, UNMAP_VADDR, &done));
	}
}

/* Two containers with the same memory get a new address one after the other. */
TEST_F(shared_only, live_update_moves_the_charge_once)
{
	char *mem = mem_memfd(SOME, NULL);
	int i, status;
	pid_t pid;

	take_addresses(_metadata, &self->w, mem);
	pid = fork();
	if (!pid) {
		for (i = 0; i < 2; i++) {
			if (dma_map(containers[i], FAR, mem, SOME, DMA_VADDR))
				_exit(1);
			if (locked_pages() != PAGES)
				_exit(2);
			if (locked_pages_of(getppid()) != (i ? 0 : PAGES))
				_exit(3);
		}
		if (unmap(0, SOME) || locked_pages() != PAGES)
			_exit(4);
		if (unmap(1, SOME) || locked_pages())
			_exit(5);
		_exit(0);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_CHARGED(0, 0);
}

/* A limit that is too small for one leaves the account where it is. */
TEST_F(shared_only, live_update_beyond_the_limit_changes_nothing)
{
	char *mem = mem_memfd(SOME, NULL);
	int status;
	pid_t pid;

	take_addresses(_metadata, &self->w, mem);
	pid = fork();
	if (!pid) {
		if (drop_ipc_lock() || limit_locked_pages(PAGES - 1))
			_exit(1);
		if (dma_map(containers[0], FAR, mem, SOME, DMA_VADDR) != -ENOMEM)
			_exit(2);
		if (locked_pages() || limit_locked_pages(PAGES))
			_exit(3);
		if (dma_map(containers[0], FAR, mem, SOME, DMA_VADDR) ||
		    dma_map(containers[1], FAR, mem, SOME, DMA_VADDR))
			_exit(4);
		_exit(locked_pages() == PAGES ? 0 : 5);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	ASSERT_EQ(0, unmap(0, SOME));
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_CHARGED(0, 0);
}

#define EXPECT_SEEN(accounted, shared) do { \
	EXPECT_EQ(accounted, containers_sum("accounted_pages: ")); \
	EXPECT_EQ(locked_pages() - self->w.locked, containers_sum("accounted_pages: ")); \
	EXPECT_EQ(shared, containers_sum("shared_pages: ")); \
} while (0)

/* The containers' figures add up to the process' locked memory. */
TEST_F(shared_only, is_seen)
{
	char *mem = mem_small(SOME);
	long metadata;

	ASSERT_EQ(0, open_containers(&self->w, 3));
	ASSERT_EQ(0, map_rw(0, mem, SOME));
	EXPECT_SEEN(PAGES, 0);
	metadata = containers_sum("metadata_bytes: ");
	ASSERT_EQ(0, map_rw(1, mem, SOME));
	EXPECT_SEEN(PAGES, 2 * PAGES);
	/* the extents are there once */
	EXPECT_GE(metadata + 256, containers_sum("metadata_bytes: "));
	ASSERT_EQ(0, map_rw(2, mem + PART, PART));
	EXPECT_SEEN(PAGES, 2 * PAGES + PART_PAGES);
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_SEEN(PAGES, 2 * PART_PAGES);
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_SEEN(PART_PAGES, 0);
	ASSERT_EQ(0, unmap(2, PART));
	EXPECT_SEEN(0, 0);
}

TEST_HARNESS_MAIN
