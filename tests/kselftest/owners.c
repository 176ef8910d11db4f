// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of several processes in one container that end with one call: each process
 * gets back what was its own, and nothing keeps one that has ended.
 */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

enum { CHILDREN = 600, SLACK = 200 };

#define WORLD owners
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

static int map_page(struct world *w, unsigned int nr, const char *mem)
{
	return dma_map(w->container, IOVA + nr * PAGE, mem, PAGE, DMA_RW);
}

/* Maps page 1 of the range, and says in the end whether that is given back. */
static void hold_page(struct world *w, int ready, int go)
{
	char *mem = mem_small(PAGE), c = 0;

	if (!mem || map_page(w, 1, mem) || locked_pages() != 1)
		_exit(1);
	if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(2);
	_exit(locked_pages() ? 3 : 0);
}

TEST_F(owners, each_gets_back_what_was_its_own)
{
	int ready[2], go[2], status;
	char c = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, map_page(&self->w, 0, self->mem));
	pid = fork();
	if (!pid)
		hold_page(&self->w, ready[1], go[0]);
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, map_page(&self->w, 2, self->mem));
	EXPECT_EQ(self->w.locked + 2, locked_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(self->w.locked, locked_pages());
	ASSERT_EQ(1, write(go[1], &c, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* Active objects of mm_struct in the whole system. */
static long address_spaces(void)
{
	return file_keyed_long("/proc/slabinfo", "mm_struct ");
}

/* The slab has some at hand for each CPU, so a few do not count. */
TEST_F(owners, hundreds_that_have_ended_are_forgotten)
{
	unsigned int i;
	int status;
	long before = 0;
	pid_t pid;

	for (i = 0; i < SLACK + CHILDREN; i++) {
		if (i == SLACK)
			before = address_spaces();
		pid = fork();
		if (!pid)
			_exit(map_page(&self->w, i, mem_small(PAGE)) ? 1 : 0);
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
		if (i + 1 == SLACK)
			ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	}
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_LT(0, before);
	EXPECT_GT(SLACK, address_spaces() - before);
}

TEST_HARNESS_MAIN
