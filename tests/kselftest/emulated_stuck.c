// SPDX-License-Identifier: GPL-2.0-only
/*
 * An emulated device that keeps pages of a range that is unmapped, which a driver
 * must not. type1 stops the machine for it; we warn, once, let the unmap succeed
 * and keep those pages until the device lets go. Whoever starts this must expect
 * the warning. And one that keeps its registration, for which type1 warns.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "emulated_fixture.h"

#define EMULATED stuck
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

/* Pages that VFIO pins in one call. */
enum { PIN_MAX = 512 };

/* MEM_SIZE at IOVA, three pages of it pinned by a device that will keep them. */
static int begin_stuck(struct world *w, struct emulated *e, char *mem)
{
	__u64 unmapped;
	int ret;

	ret = dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW);
	if (!ret)
		ret = emulated_pin(e, IOVA + PAGE, 3, MOCK_WRITE);
	if (!ret)
		ret = emulated_react(e, MOCK_KEEP, 0);
	if (!ret)
		ret = dma_unmap(w->container, IOVA, MEM_SIZE, 0, &unmapped);
	return ret ? ret : unmapped == MEM_SIZE ? 0 : -EPROTO;
}

TEST_F(stuck, pages_stay_until_they_are_unpinned)
{
	ASSERT_EQ(0, begin_stuck(&self->w, self->e, self->mem));
	EXPECT_TRUE(holds(self->e, IOVA + 3 * PAGE, 3));
	EXPECT_EQ(3, charged(&self->w));
	EXPECT_EQ(3, pinned_pages() - self->w.pinned);
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + PAGE, 3));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

TEST_F(stuck, pages_stay_until_the_device_is_closed)
{
	ASSERT_EQ(0, begin_stuck(&self->w, self->e, self->mem));
	emulated_close_device(self->e);
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

TEST_F(stuck, range_is_not_mapped_any_more)
{
	__u64 word;

	ASSERT_EQ(0, begin_stuck(&self->w, self->e, self->mem));
	EXPECT_EQ(-EINVAL, emulated_pin(self->e, IOVA + PAGE, 1, MOCK_READ));
	EXPECT_EQ(-EINVAL, emulated_read(self->e, IOVA, &word, sizeof(word)));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, &word));
	EXPECT_EQ(0, word);
}

/* Nothing of the old mapping is in the way of a new one. */
TEST_F(stuck, range_can_be_mapped_anew)
{
	ASSERT_EQ(0, begin_stuck(&self->w, self->e, self->mem));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem + 32 * PAGE,
			     8 * PAGE, DMA_RW));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + PAGE, 3));
	EXPECT_EQ(0, charged(&self->w));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 1, MOCK_READ));
	EXPECT_TRUE(holds(self->e, IOVA + PAGE, 33));
}

/* Maps @n pages one by one; the device pins all of them and will keep them. */
static int keep_each(struct world *w, struct emulated *e, char *mem, unsigned int n)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++)
		ret = dma_map(w->container, IOVA + i * PAGE,
			      mem + i % MEM_PAGES * PAGE, PAGE, DMA_RW);
	for (i = 0; !ret && i < n; i += PIN_MAX)
		ret = emulated_pin(e, IOVA + i * PAGE, PIN_MAX, MOCK_WRITE);
	return ret ? ret : emulated_react(e, MOCK_KEEP, 0);
}

static int unpin_each(struct emulated *e, unsigned int n)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < n; i += PIN_MAX)
		ret = emulated_unpin(e, IOVA + i * PAGE, PIN_MAX);
	return ret;
}

static long mappings(void)
{
	return file_keyed_long("/proc/slabinfo", "vib_mapping ");
}

/* What the device keeps are pages: the mappings go. The slab has some at hand. */
TEST_F(stuck, pages_stay_without_their_mappings)
{
	enum { MAPPINGS = 4096 };
	long before;

	ASSERT_EQ(0, keep_each(&self->w, self->e, self->mem, MAPPINGS));
	before = mappings();
	ASSERT_LE(MAPPINGS, before);
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_GT(before - MAPPINGS / 2, mappings());
	EXPECT_EQ(MAPPINGS, charged(&self->w));
	ASSERT_EQ(0, unpin_each(self->e, MAPPINGS));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

/* A child that takes all it gets of the CPU that this process runs on from now on. */
static pid_t begin_rival(void)
{
	cpu_set_t cpu;
	pid_t pid;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		return -errno;
	pid = fork();
	while (!pid)
		;
	return pid;
}

static long switches(void)
{
	return file_keyed_long("/proc/self/status", "nonvoluntary_ctxt_switches:");
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * A device forgets what it has pinned: it is dropped with the container, however much
 * it is, and others have the CPU meanwhile: every 50 ms at least, where a kernel that
 * does not preempt itself would give it away after more than that. Nothing may be
 * written, because a page that has to be made dirty lets others run.
 */
TEST_F(stuck, others_run_while_what_was_forgotten_is_dropped)
{
	enum { PAGES = 128 * 1024 };
	char *mem = mem_untouched(PAGES * PAGE);
	long begin, before;
	unsigned int i;
	pid_t rival;

	ASSERT_NE(NULL, mem);
	/* each page of them is pinned for itself, too, and they come faster */
	madvise(mem, PAGES * PAGE, MADV_HUGEPAGE);
	memset(mem, 1, PAGES * PAGE);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, PAGES * PAGE, DMA_READ));
	for (i = 0; i < PAGES; i += PIN_MAX)
		ASSERT_EQ(0, emulated_pin(self->e, IOVA + i * PAGE, PIN_MAX, MOCK_READ));
	ASSERT_EQ(0, emulated_react(self->e, MOCK_FORGET, 0));
	emulated_close_device(self->e);
	rival = begin_rival();
	ASSERT_LT(0, rival);
	before = switches();
	begin = now_ms();
	emulated_close(self->e);
	world_close_container(&self->w);
	EXPECT_LE((now_ms() - begin) / 50, switches() - before);
	kill(rival, SIGKILL);
	waitpid(rival, NULL, 0);
	ksft_print_msg("%ld ms\n", now_ms() - begin);
	EXPECT_EQ(self->w.pinned, pinned_pages());
	EXPECT_EQ(0, charged(&self->w));
}

TEST_F(stuck, with_a_real_group)
{
	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, begin_stuck(&self->w, self->e, self->mem));
	EXPECT_TRUE(holds(self->e, IOVA + 3 * PAGE, 3));
	world_close_group(&self->w, 0);
	EXPECT_TRUE(holds(self->e, IOVA + 3 * PAGE, 3));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + PAGE, 3));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

/* Where a listener is allocated on the kernels that have them. */
static long objects(void)
{
	return file_keyed_long("/proc/slabinfo", "kmalloc-64 ");
}

/* The container goes with its device still registered, and comes anew. */
static int begin_again(struct world *w, struct emulated *e)
{
	int ret;

	ret = emulated_react(e, MOCK_STAY, 0);
	emulated_close(e);
	world_close_container(w);
	if (!ret)
		ret = world_open_container(w);
	if (!ret)
		ret = emulated_join(e, 0, w->container);
	if (!ret)
		ret = world_set_iommu(w);
	return ret ? ret : emulated_open(e, 0);
}

TEST_F(stuck, device_that_stays_registered_is_forgotten_with_its_container)
{
	enum { ROUNDS = 2000 };
	long before;
	int i;

	if (kernel_running() >= KERNEL(5, 16))
		SKIP_TEST("the VFIO core of this kernel does it for the device");
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, begin_again(&self->w, self->e));
	before = objects();
	ASSERT_LT(0, before);
	for (i = 0; i < ROUNDS; i++)
		ASSERT_EQ(0, begin_again(&self->w, self->e));
	ksft_print_msg("%ld objects more after %d rounds\n",
		       objects() - before, ROUNDS);
	EXPECT_GT(ROUNDS / 4, objects() - before);
}

TEST_HARNESS_MAIN
