// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live update: UNMAP_DMA with VADDR takes the address of mappings back while
 * their memory stays pinned and reachable; MAP_DMA with VADDR gives a new one,
 * perhaps that of another process, and the locked memory moves with it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define WORLD vaddr
#define WORLD_GROUPS 2
#define WORLD_BEGIN world_enter
#define WORLD_VADDR
#include "world_fixture.h"

static int map_pages(struct world *w, const char *mem, __u64 first,
		     __u64 count, __u32 flags)
{
	return dma_map(w->container, IOVA + first * PAGE, mem, count * PAGE,
		       flags);
}

static int invalidate(struct world *w, __u64 first, __u64 count, __u64 *done)
{
	int ret;

	ret = dma_unmap(w->container, IOVA + first * PAGE, count * PAGE,
			UNMAP_VADDR, done);
	*done /= PAGE;
	return ret;
}

TEST_F(vaddr, invalidating_says_how_much_and_unmaps_nothing)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	EXPECT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(4, done);
	EXPECT_EQ(self->w.locked + 4, locked_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(4 * PAGE, done);
}

TEST_F(vaddr, device_still_reaches_the_memory)
{
	struct edu *edu;
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	mem_fill(self->mem, PAGE, 1);
	ASSERT_EQ(0, edu_copy(edu, IOVA + PAGE, IOVA));
	EXPECT_TRUE(mem_is(self->mem + PAGE, EDU_CHUNK, 1));
}

TEST_F(vaddr, all_invalidates_everything)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 8, 2, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, 0, 0,
			       UNMAP_VADDR | UNMAP_ALL, &done));
	EXPECT_EQ(6 * PAGE, done);
}

TEST_F(vaddr, invalidating_nothing_is_success_of_size_0)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	EXPECT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(0, done);
}

TEST_F(vaddr, invalidating_twice_is_einval)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(-EINVAL, invalidate(&self->w, 0, 4, &done));
}

/* The mappings before the one already invalid must be valid again. */
TEST_F(vaddr, one_already_invalid_rolls_back_the_others)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 2, DMA_RW));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 2, 2, DMA_RW));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 4, 2, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 2, 2, &done));
	EXPECT_EQ(-EINVAL, invalidate(&self->w, 0, 6, &done));
	EXPECT_EQ(-EINVAL, map_pages(&self->w, self->mem, 0, 2, DMA_VADDR));
	EXPECT_EQ(0, map_pages(&self->w, self->mem, 2, 2, DMA_VADDR));
	EXPECT_EQ(-EINVAL, map_pages(&self->w, self->mem, 4, 2, DMA_VADDR));
}

TEST_F(vaddr, range_that_cuts_a_mapping)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	if (self->w.mode->v2) {
		EXPECT_EQ(-EINVAL, invalidate(&self->w, 0, 2, &done));
		EXPECT_EQ(-EINVAL, invalidate(&self->w, 2, 2, &done));
	} else {
		EXPECT_EQ(0, invalidate(&self->w, 2, 2, &done));
		EXPECT_EQ(0, done);
		EXPECT_EQ(0, invalidate(&self->w, 0, 2, &done));
		EXPECT_EQ(4, done);
	}
}

TEST_F(vaddr, new_address_must_be_for_exactly_that_mapping)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(-EINVAL, map_pages(&self->w, self->mem, 0, 3, DMA_VADDR));
	EXPECT_EQ(-EINVAL, map_pages(&self->w, self->mem, 0, 5, DMA_VADDR));
	EXPECT_EQ(-EINVAL, map_pages(&self->w, self->mem, 1, 3, DMA_VADDR));
	EXPECT_EQ(-ENOENT, map_pages(&self->w, self->mem, 8, 4, DMA_VADDR));
	EXPECT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_VADDR));
	EXPECT_EQ(-EINVAL, map_pages(&self->w, self->mem, 0, 4, DMA_VADDR));
}

TEST_F(vaddr, new_address_in_the_same_process_costs_nothing)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(0, map_pages(&self->w, self->mem + 8 * PAGE, 0, 4,
			       DMA_VADDR));
	EXPECT_EQ(self->w.locked + 4, locked_pages());
	EXPECT_EQ(self->w.pinned + 4, pinned_pages());
	EXPECT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(4, done);
}

TEST_F(vaddr, mapping_beside_an_invalid_one_is_allowed)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(0, map_pages(&self->w, self->mem, 8, 4, DMA_RW));
	EXPECT_EQ(-EEXIST, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
}

TEST_F(vaddr, no_group_joins_while_one_is_invalid)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(-EBUSY, world_join(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_VADDR));
	EXPECT_EQ(0, world_join(&self->w, 1));
}

TEST_F(vaddr, unmapping_the_invalid_one_lets_groups_join)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(0, world_join(&self->w, 1));
}

/* Runs @body in a child; its exit status, 99 if it did not exit. */
static int in_child(struct world *w, int (*body)(struct world *))
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(body(w));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 99;
	return WEXITSTATUS(status);
}

/* Steps of the child: 0 if all went well, else the number of the bad one. */
static int take_over(struct world *w)
{
	char *mem = mem_small(4 * PAGE);

	if (!mem || locked_pages())
		return 1;
	if (map_pages(w, mem, 0, 4, DMA_VADDR))
		return 2;
	return locked_pages() == 4 ? 0 : 3;
}

TEST_F(vaddr, locked_memory_moves_to_the_child_that_takes_over)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(0, in_child(&self->w, take_over));
	EXPECT_EQ(self->w.locked, locked_pages());
	/* the child is gone and so is its charge; the pages are still ours */
	EXPECT_EQ(self->w.pinned + 4, pinned_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(self->w.locked, locked_pages());
}

static int take_over_and_unmap(struct world *w)
{
	int ret = take_over(w);

	if (ret)
		return ret;
	if (dma_unmap_all(w->container, NULL))
		return 4;
	return locked_pages() ? 5 : 0;
}

TEST_F(vaddr, child_that_took_over_gets_the_charge_back_on_unmap)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(0, in_child(&self->w, take_over_and_unmap));
	EXPECT_EQ(NULL, world_close(&self->w));
}

static int fail_to_take_over(struct world *w)
{
	char *mem = mem_small(4 * PAGE);

	if (!mem || drop_ipc_lock() || limit_locked_pages(3))
		return 1;
	if (map_pages(w, mem, 0, 4, DMA_VADDR) != -ENOMEM)
		return 2;
	return locked_pages() ? 3 : 0;
}

TEST_F(vaddr, over_the_limit_of_the_child_is_enomem_and_stays_invalid)
{
	__u64 done;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_RW));
	ASSERT_EQ(0, invalidate(&self->w, 0, 4, &done));
	EXPECT_EQ(0, in_child(&self->w, fail_to_take_over));
	EXPECT_EQ(self->w.locked + 4, locked_pages());
	EXPECT_EQ(0, map_pages(&self->w, self->mem, 0, 4, DMA_VADDR));
}

/*
 * exec: the container and a memfd survive, everything else is new. The new
 * image is this program, told by its arguments what to do; without a memfd it
 * takes nothing over.
 */
static int exec_self(struct world *w, int memfd)
{
	char container[16], memory[16];

	snprintf(container, sizeof(container), "%d", w->container);
	snprintf(memory, sizeof(memory), "%d", memfd);
	fcntl(w->container, F_SETFD, 0);
	fcntl(w->slot[0].group, F_SETFD, 0);
	if (memfd >= 0)
		fcntl(memfd, F_SETFD, 0);
	execl("/proc/self/exe", "vaddr", container, memory, NULL);
	return 90;
}

static int after_exec(int container, int memfd)
{
	char *mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 memfd, 0);

	if (mem == MAP_FAILED || locked_pages())
		return 1;
	if (dma_map(container, IOVA, mem, 4 * PAGE, DMA_VADDR))
		return 2;
	if (locked_pages() != 4)
		return 3;
	if (dma_unmap_all(container, NULL))
		return 4;
	return locked_pages() ? 5 : 0;
}

static int map_and_exec(struct world *w)
{
	__u64 done;
	char *mem;
	int memfd;

	mem = mem_memfd(4 * PAGE, &memfd);
	if (!mem || world_set_up(w, 1) || map_pages(w, mem, 0, 4, DMA_RW))
		return 91;
	if (locked_pages() != 4 || invalidate(w, 0, 4, &done) || done != 4)
		return 92;
	return exec_self(w, memfd);
}

TEST_F(vaddr, mapping_survives_exec_and_is_taken_over_by_the_new_image)
{
	EXPECT_EQ(0, in_child(&self->w, map_and_exec));
	EXPECT_EQ(NULL, world_leak(&self->w));
}

/*
 * What it unmaps was charged to the image before it, which is gone: its own
 * account is 0, not below, and counts to the page what it maps itself.
 */
static int unmap_after_exec(int container)
{
	char *mem = mem_small(9 * PAGE);
	__u64 done;

	if (!mem || locked_pages())
		return 1;
	if (dma_unmap_all(container, &done) || done != 4 * PAGE)
		return 2;
	if (locked_pages())
		return 3;
	if (drop_ipc_lock() || limit_locked_pages(8))
		return 4;
	if (dma_map(container, IOVA, mem, 9 * PAGE, DMA_RW) != -ENOMEM)
		return 5;
	if (dma_map(container, IOVA, mem, 8 * PAGE, DMA_RW))
		return 6;
	if (locked_pages() != 8)
		return 7;
	if (dma_unmap_all(container, NULL))
		return 8;
	return locked_pages() ? 9 : 0;
}

static int exec_with_mapping(struct world *w)
{
	char *mem = mem_small(4 * PAGE);

	if (!mem || world_set_up(w, 1) || map_pages(w, mem, 0, 4, DMA_RW))
		return 91;
	return locked_pages() == 4 ? exec_self(w, -1) : 92;
}

TEST_F(vaddr, mapping_survives_exec_and_its_unmap_charges_the_new_image_nothing)
{
	EXPECT_EQ(0, in_child(&self->w, exec_with_mapping));
	EXPECT_EQ(NULL, world_leak(&self->w));
}

static void __attribute__((constructor)) constructor_order(void)
{
	if (!__constructor_order)
		__constructor_order = _CONSTRUCTOR_ORDER_BACKWARD;
}

int main(int argc, char **argv)
{
	if (argc == 3 && atoi(argv[2]) < 0)
		return unmap_after_exec(atoi(argv[1]));
	if (argc == 3)
		return after_exec(atoi(argv[1]), atoi(argv[2]));
	return test_harness_run(argc, argv);
}
