// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first real group is brought by another process than the one whose memory is mapped: it is the
 * latter's that is pinned and charged, though the former has memory of its own at the address.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulated_fixture.h"

/* type1 pins what the caller has at the address. */
#define EMULATED owner
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

#define STRANGE 0x0101010101010101ULL

enum { SIZE = HUGE_2M, PAGES = SIZE / PAGE };

struct gates {
	int ready[2];
	int go[2];
};

/* In the child, which has copies of its parent's memory, or new memory at that address. */
static void map_and_wait(struct world *w, char *mem, struct gates *gates)
{
	char c = 0;

	if (madvise(mem, SIZE, MADV_DONTNEED))
		_exit(1);
	stamp_pages(mem, PAGES);
	if (dma_map(w->container, IOVA, mem, SIZE, DMA_RW) || write(gates->ready[1], &c, 1) != 1 ||
	    read(gates->go[0], &c, 1) != 1)
		_exit(2);
	if (*(__u64 *)mem != STAMP + 7)
		_exit(3);
	_exit(locked_pages() == PAGES ? 0 : 4);
}

static void group_pins_memory_of_the_owner(struct __test_metadata *_metadata, struct world *w,
					   char *mem, bool huge)
{
	struct gates gates;
	int status;
	pid_t pid;
	char c = 0;

	ASSERT_EQ(0, pipe(gates.ready));
	ASSERT_EQ(0, pipe(gates.go));
	pid = fork();
	if (!pid)
		map_and_wait(w, mem, &gates);
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(gates.ready[0], &c, 1));
	ASSERT_EQ(0, madvise(mem, SIZE, MADV_DONTNEED));
	memset(mem, 1, SIZE);
	ASSERT_EQ(huge ? (long)(SIZE / KIB) : 0, mem_thp_kib(mem));
	EXPECT_EQ(0, world_join(w, 0));
	EXPECT_EQ(PAGES, pinned_pages() - w->pinned);
	EXPECT_EQ(0, charged(w));
	EXPECT_EQ(0, edu_copy(world_edu(w, 0), IOVA, IOVA + 7 * PAGE));
	ASSERT_EQ(1, write(gates.go[1], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(STRANGE, *(__u64 *)mem);
}

TEST_F(owner, small_pages)
{
	char *mem = mem_aligned(SIZE);

	ASSERT_NE(NULL, mem);
	group_pins_memory_of_the_owner(_metadata, &self->w, mem, false);
}

TEST_F(owner, transparent_huge_pages)
{
	char *mem = mem_thp(SIZE);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	group_pins_memory_of_the_owner(_metadata, &self->w, mem, true);
}

TEST_HARNESS_MAIN
