// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows onto BARs: no device reaches a BAR through a mapping whose user address has ended or
 * whose device is switched off, and a window comes back by itself when the BAR does. What is
 * revoked by debugfs is asked of our backend only.
 */
#include "bar_fixture.h"

#define WORLD bar_revoke
#define WORLD_GROUPS 2
#define WORLD_V2_ONLY
#include "world_fixture.h"

static struct edu *peer_of(struct __test_metadata *_metadata, struct world *w)
{
	return peer_in(_metadata, w, 1);
}

TEST_F(bar_revoke, munmap_ends_the_window)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	__u64 size = peer->bar_size, done;

	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, size, DMA_RW));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	edu_close(peer);
	EXPECT_EQ(stays(&self->w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	/* The mapping is there all the same. */
	EXPECT_EQ(-EEXIST, dma_map(self->w.container, FAR, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, FAR, size, 0, &done));
	EXPECT_EQ(size, done);
	EXPECT_EQ(0, dma_map(self->w.container, FAR, self->mem, PAGE, DMA_RW));
}

TEST_F(bar_revoke, munmap_of_a_part_leaves_the_rest)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	__u64 size = peer->bar_size;
	long gone = stays(&self->w) ? 0 : 3;

	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, size, DMA_RW));
	ASSERT_EQ(0, munmap(peer->bar + 8 * PAGE, 3 * PAGE));
	usleep(COME_BACK_MS * 1000);
	EXPECT_EQ(gone, revoked(&self->w));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
}

/* Another vma at the address is somebody else's, even if it is a BAR of the same device. */
TEST_F(bar_revoke, what_comes_to_the_address_later_does_not_get_in)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	char *bar = peer->bar;

	ASSERT_EQ(0, dma_map(self->w.container, FAR, bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(bar, mmap(bar, peer->bar_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    peer->device, 0));
	mmio_read32(bar + LIVENESS);
	usleep(COME_BACK_MS * 1000);
	EXPECT_EQ(stays(&self->w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	/* A mapping made of it now is as good as any. */
	ASSERT_EQ(0, dma_map(self->w.container, FAR + GIB, bar, PAGE, DMA_RW));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + GIB + LIVENESS, peer));
}

TEST_F(bar_revoke, mremap_ends_the_window)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	__u64 size = peer->bar_size;
	char *to = mem_untouched(size);

	if (kernel_running() < KERNEL(6, 12))
		SKIP_TEST("this kernel warns when a BAR is moved");
	ASSERT_NE(NULL, to);
	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, size, DMA_RW));
	ASSERT_EQ(to, mremap(peer->bar, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	peer->bar = to;
	usleep(COME_BACK_MS * 1000);
	EXPECT_EQ(stays(&self->w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
}

#ifdef __aarch64__
/* The CPU ignores the top byte of an address, and the kernel tells of it without. */
TEST_F(bar_revoke, munmap_ends_the_window_of_an_address_with_a_tag)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	char *tagged = (char *)((unsigned long)peer->bar | 5UL << 56);

	ASSERT_EQ(0, dma_map(self->w.container, FAR, tagged, PAGE, DMA_RW));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	edu_close(peer);
	EXPECT_EQ(stays(&self->w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
}
#endif

TEST_F(bar_revoke, death_of_the_process_ends_its_window)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	pid_t pid = view_of_a_child(_metadata, &self->w, peer, PAGE);
	__u64 done;

	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(stays(&self->w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	EXPECT_EQ(0, dma_unmap(self->w.container, FAR, PAGE, 0, &done));
}

TEST_F(bar_revoke, switched_off_and_on)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	long pages = peer->bar_size / PAGE;
	int round;

	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, peer->bar_size, DMA_RW));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, edu_command(peer, 0));
		EXPECT_EQ(stays(&self->w) ? 0 : pages, revoked(&self->w));
		usleep(round * 60 * 1000);
		ASSERT_EQ(0, edu_command(peer, DECODES));
		EXPECT_GE(COME_BACK_MS, comes_back(&self->w));
		EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	}
	/* Its end while it is off. */
	ASSERT_EQ(0, edu_command(peer, 0));
	EXPECT_EQ(0, dma_unmap(self->w.container, FAR, peer->bar_size, 0, NULL));
	ASSERT_EQ(0, edu_command(peer, DECODES));
}

TEST_F(bar_revoke, memory_in_the_same_mapping_is_untouched)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	char *mem = mem_small(MEM_SIZE);
	__u64 done;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(mem + 8 * PAGE, mmap(mem + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_FIXED, peer->device, 0));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, mem, 32 * PAGE, DMA_RW));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + 8 * PAGE + LIVENESS, peer));
	ASSERT_EQ(0, munmap(mem + 8 * PAGE, 8 * PAGE));
	EXPECT_EQ(stays(&self->w),
		  arrives(_metadata, edu, self->mem, FAR + 8 * PAGE + LIVENESS, peer));
	EXPECT_EQ(self->w.pinned + 24 + 1, pinned_pages());
	mem_fill(self->mem, EDU_CHUNK, 7);
	ASSERT_EQ(0, edu_copy(edu, FAR + 20 * PAGE, IOVA));
	EXPECT_EQ(0, memcmp(self->mem, mem + 20 * PAGE, EDU_CHUNK));
	EXPECT_EQ(0, dma_unmap(self->w.container, FAR, 32 * PAGE, 0, &done));
	EXPECT_EQ(32 * PAGE, done);
	EXPECT_EQ(self->w.pinned + 1, pinned_pages());
}

/* The window gets an address again, is there, and goes with it. */
static void follows_new_address(struct __test_metadata *_metadata, struct world *w, char *mem,
				struct edu *edu, struct edu *peer)
{
	char *bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, peer->device, 0);

	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, dma_map(w->container, FAR, bar, PAGE, DMA_VADDR));
	EXPECT_TRUE(arrives(_metadata, edu, mem, FAR + LIVENESS, peer));
	ASSERT_EQ(0, munmap(bar, PAGE));
	EXPECT_EQ(stays(w), arrives(_metadata, edu, mem, FAR + LIVENESS, peer));
}

/* Live update: while the address is taken back, it may end; then its new one counts. */
TEST_F(bar_revoke, window_follows_its_new_address)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);

	NEED_VADDR(self->w.mode);
	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, PAGE, UNMAP_VADDR, NULL));
	edu_close(peer);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	follows_new_address(_metadata, &self->w, self->mem, edu, peer);
}

/* A process that maps its view, takes its address back, and becomes another program. */
static pid_t view_left_behind(struct __test_metadata *_metadata, struct world *w, struct edu *peer)
{
	int container = w->container;
	pid_t pid = fork();

	if (!pid) {
		char *bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, peer->device, 0);

		if (bar == MAP_FAILED || dma_map(container, FAR, bar, PAGE, DMA_RW) ||
		    dma_unmap(container, FAR, PAGE, UNMAP_VADDR, NULL))
			_exit(1);
		execl("/bin/sleep", "sleep", "1", NULL);
		_exit(1);
	}
	ASSERT_LT(0, pid);
	return pid;
}

TEST_F(bar_revoke, window_survives_exec_and_the_end_of_its_process)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	pid_t pid;
	int status;

	NEED_VADDR(self->w.mode);
	pid = view_left_behind(_metadata, &self->w, peer);
	usleep(500 * 1000);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	follows_new_address(_metadata, &self->w, self->mem, edu, peer);
}

/* Whatever becomes of an address that was taken back, the window is not concerned. */
TEST_F(bar_revoke, address_taken_back_may_become_something_else)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);
	char *bar = peer->bar;

	NEED_VADDR(self->w.mode);
	ASSERT_EQ(0, dma_map(self->w.container, FAR, bar, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, PAGE, UNMAP_VADDR, NULL));
	/* All of its vma: vfio-pci takes the entries of a vma that is cut, as for a reset. */
	ASSERT_EQ(bar, mmap(bar, peer->bar_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	*bar = 1;
	ASSERT_EQ(0, madvise(bar, PAGE, MADV_DONTNEED));
	EXPECT_EQ(0, revoked(&self->w));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
}

/* The new address may be of something else: then what was there is gone. */
TEST_F(bar_revoke, new_address_of_another_device)
{
	struct edu *edu = writer(_metadata, &self->w, self->mem);
	struct edu *peer = peer_of(_metadata, &self->w);

	NEED_VADDR(self->w.mode);
	ASSERT_EQ(0, dma_map(self->w.container, FAR, peer->bar, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, PAGE, UNMAP_VADDR, NULL));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, edu->bar, PAGE, DMA_VADDR));
	EXPECT_GE(COME_BACK_MS, comes_back(&self->w));
	EXPECT_EQ(stays(&self->w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
}

TEST_HARNESS_MAIN
