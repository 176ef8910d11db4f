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

/* More descriptors than there are. */
enum { FDS = 256 };

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

/* How long this process has run, by its own clock, when another one came to run on its CPU. */
struct stretches {
	volatile bool begun;
	volatile long last;
	volatile long longest;
};

static long clock_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void note_stretch(struct stretches *stretches, long now)
{
	if (now - stretches->last > stretches->longest)
		stretches->longest = now - stretches->last;
	stretches->last = now;
}

/* In the child, which keeps nothing open: what is closed is to end here. */
static void be_rival(struct stretches *stretches, clockid_t clock)
{
	int fd;

	for (fd = 3; fd < FDS; fd++)
		close(fd);
	stretches->last = clock_ns(clock);
	stretches->begun = true;
	for (;;)
		note_stretch(stretches, clock_ns(clock));
}

/* A child that takes all it gets of the CPU that this process runs on from now on. */
static pid_t begin_rival(struct stretches *stretches)
{
	clockid_t clock;
	cpu_set_t cpu;
	pid_t pid;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		return -errno;
	if (clock_getcpuclockid(getpid(), &clock))
		return -ENOENT;
	pid = fork();
	if (!pid)
		be_rival(stretches, clock);
	while (pid > 0 && !stretches->begun)
		sched_yield();
	return pid;
}

/* Much that a device has pinned and forgets. Only read: to make a page dirty lets others run. */
static int begin_forgotten(struct world *w, struct emulated *e, __u64 pages)
{
	char *mem = mem_untouched(pages * PAGE);
	__u64 i;
	int ret;

	if (!mem)
		return -ENOMEM;
	/* each page of them is pinned for itself, too, and they come faster */
	madvise(mem, pages * PAGE, MADV_HUGEPAGE);
	memset(mem, 1, pages * PAGE);
	/* fork() would copy what is pinned */
	madvise(mem, pages * PAGE, MADV_DONTFORK);
	ret = dma_map(w->container, IOVA, mem, pages * PAGE, DMA_READ);
	for (i = 0; !ret && i < pages; i += PIN_MAX)
		ret = emulated_pin(e, IOVA + i * PAGE, PIN_MAX, MOCK_READ);
	return ret ? ret : emulated_react(e, MOCK_FORGET, 0);
}

/* It is dropped with the container, however much it is, and others have the CPU meanwhile. */
TEST_F(stuck, others_run_while_what_was_forgotten_is_dropped)
{
	struct stretches *stretches = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long took;
	pid_t rival;

	ASSERT_NE(MAP_FAILED, stretches);
	ASSERT_EQ(0, begin_forgotten(&self->w, self->e, 128 * 1024));
	emulated_close_device(self->e);
	rival = begin_rival(stretches);
	ASSERT_LT(0, rival);
	took = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	emulated_close(self->e);
	world_close_container(&self->w);
	note_stretch(stretches, clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	took = stretches->last - took;
	kill(rival, SIGKILL);
	waitpid(rival, NULL, 0);
	EXPECT_GE(took / 2, stretches->longest)
		TH_LOG("%ld of %ld us at a stretch", stretches->longest / 1000, took / 1000);
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
