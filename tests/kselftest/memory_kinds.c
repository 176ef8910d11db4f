// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory can be mapped and reached by a device, and what cannot: then the
 * errno is EFAULT and nothing is left behind. What it costs is accounting.c.
 * Pinning knows nothing of v1 and v2, which saves transfers here.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

#define FAR (IOVA + GIB)

#define WORLD memory_kinds
#define WORLD_GROUPS 2
#define WORLD_V2_ONLY
#include "world_fixture.h"

static int map(struct world *w, const void *mem, __u64 size, __u32 flags)
{
	return dma_map(w->container, FAR, mem, size, flags);
}

/*
 * One device carries a chunk out of @mem at @at, the other one into it, at the
 * same time: page 0 of @buffer into @mem, and the chunk behind into page 1.
 */
static void reached(struct __test_metadata *_metadata, struct world *w,
		    char *buffer, char *mem, __u64 size, __u64 at)
{
	struct edu *in = world_edu(w, 0), *out = world_edu(w, 1);

	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, in);
	ASSERT_NE(NULL, out);
	ASSERT_EQ(0, dma_map(w->container, IOVA, buffer, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, map(w, mem, size, DMA_RW));
	mem_fill(buffer, EDU_CHUNK, 1);
	mem_fill(mem + at + EDU_CHUNK, EDU_CHUNK, 2);

	edu_start_fetch(in, IOVA);
	edu_start_fetch(out, FAR + at + EDU_CHUNK);
	ASSERT_EQ(0, edu_wait(in));
	ASSERT_EQ(0, edu_wait(out));
	edu_start_store(in, FAR + at);
	edu_start_store(out, IOVA + PAGE);
	ASSERT_EQ(0, edu_wait(in));
	ASSERT_EQ(0, edu_wait(out));
	EXPECT_TRUE(mem_is(mem + at, EDU_CHUNK, 1));
	EXPECT_TRUE(mem_is(buffer + PAGE, EDU_CHUNK, 2));
}

TEST_F(memory_kinds, transparent_huge_pages_are_reached)
{
	NEED_THP();
	reached(_metadata, &self->w, self->mem, mem_thp(2 * HUGE_2M),
		2 * HUGE_2M, HUGE_2M - EDU_CHUNK / 2);
}

TEST_F(memory_kinds, hugetlb_pages_are_reached)
{
	reached(_metadata, &self->w, self->mem, mem_hugetlb(2 * HUGE_2M),
		2 * HUGE_2M, HUGE_2M - EDU_CHUNK / 2);
}

TEST_F(memory_kinds, memfd_is_reached)
{
	reached(_metadata, &self->w, self->mem, mem_memfd(MEM_SIZE, NULL),
		MEM_SIZE, 7 * PAGE);
}

TEST_F(memory_kinds, memory_never_touched_is_reached)
{
	reached(_metadata, &self->w, self->mem, mem_untouched(MEM_SIZE),
		MEM_SIZE, 7 * PAGE);
}

TEST_F(memory_kinds, shared_anonymous_memory_is_reached)
{
	char *mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, mem);
	reached(_metadata, &self->w, self->mem, mem, MEM_SIZE, 7 * PAGE);
}

TEST_F(memory_kinds, huge_page_at_an_odd_iova_is_reached)
{
	char *mem = mem_thp(2 * HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	/* FAR is aligned to 2 MiB, this memory then is not */
	reached(_metadata, &self->w, self->mem, mem + 5 * PAGE,
		HUGE_2M + 3 * PAGE, HUGE_2M - EDU_CHUNK);
}

TEST_F(memory_kinds, small_and_huge_pages_in_one_mapping_are_reached)
{
	char *mem = mem_thp(3 * HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, madvise(mem + HUGE_2M, PAGE, MADV_DONTNEED));
	reached(_metadata, &self->w, self->mem, mem, 3 * HUGE_2M,
		HUGE_2M + PAGE - EDU_CHUNK / 2);
}

/* Has two pages of @mem change places; a huge page stays one, and is mapped page by page. */
static int exchange_pages(char *mem, unsigned int a, unsigned int b)
{
	const int how = MREMAP_MAYMOVE | MREMAP_FIXED;
	char *spare = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (spare == MAP_FAILED ||
	    mremap(mem + a * PAGE, PAGE, PAGE, how, spare) == MAP_FAILED ||
	    mremap(mem + b * PAGE, PAGE, PAGE, how, mem + a * PAGE) == MAP_FAILED ||
	    mremap(spare, PAGE, PAGE, how, mem + b * PAGE) == MAP_FAILED)
		return -1;
	return 0;
}

TEST_F(memory_kinds, huge_page_whose_pages_lie_in_another_order_is_reached)
{
	char *mem = mem_thp(HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, exchange_pages(mem, 99, 101));
	EXPECT_EQ(mem_frame(mem + 98 * PAGE) + 3, mem_frame(mem + 99 * PAGE));
	reached(_metadata, &self->w, self->mem, mem, HUGE_2M, 99 * PAGE);
}

/* Refused with EFAULT, and neither a page nor an IOVA is taken. */
static void refused(struct __test_metadata *_metadata, struct world *w,
		    const void *mem, __u64 size, __u32 flags)
{
	__u64 left;

	EXPECT_EQ(-EFAULT, map(w, mem, size, flags));
	EXPECT_EQ(w->pinned, pinned_pages());
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(0, dma_unmap_all(w->container, &left));
	EXPECT_EQ(0, left);
}

TEST_F(memory_kinds, hole_at_either_end_or_in_the_middle_is_efault)
{
	char *mem = self->mem;

	ASSERT_EQ(0, munmap(mem + 20 * PAGE, PAGE));
	refused(_metadata, &self->w, mem + 20 * PAGE, 8 * PAGE, DMA_RW);
	refused(_metadata, &self->w, mem + 10 * PAGE, 11 * PAGE, DMA_RW);
	refused(_metadata, &self->w, mem, MEM_SIZE, DMA_RW);
	refused(_metadata, &self->w, mem + 20 * PAGE, PAGE, DMA_READ);
}

TEST_F(memory_kinds, hole_behind_a_huge_page_is_efault)
{
	char *mem = mem_thp(2 * HUGE_2M);

	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, munmap(mem + HUGE_2M, HUGE_2M));
	refused(_metadata, &self->w, mem, HUGE_2M + PAGE, DMA_RW);
}

TEST_F(memory_kinds, prot_none_is_efault)
{
	ASSERT_EQ(0, mprotect(self->mem + 4 * PAGE, PAGE, PROT_NONE));
	refused(_metadata, &self->w, self->mem + 4 * PAGE, PAGE, DMA_RW);
	refused(_metadata, &self->w, self->mem, 8 * PAGE, DMA_READ);
}

TEST_F(memory_kinds, read_only_memory_cannot_be_written_by_a_device)
{
	ASSERT_EQ(0, mprotect(self->mem, MEM_SIZE, PROT_READ));
	refused(_metadata, &self->w, self->mem, MEM_SIZE, DMA_RW);
	refused(_metadata, &self->w, self->mem, MEM_SIZE, DMA_WRITE);
	EXPECT_EQ(0, map(&self->w, self->mem, MEM_SIZE, DMA_READ));
}

/*
 * The protection key of a page is a matter of the thread that looks at it, not of
 * the memory, which is mapped for a device.
 */
TEST_F(memory_kinds, memory_whose_key_is_closed_is_reached)
{
	int key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
	char *mem = mem_small(MEM_SIZE), *huge = mem_thp(2 * HUGE_2M);
	__u64 done;

	if (key < 0)
		SKIP_TEST("this CPU or kernel has no protection keys");
	NEED_THP();
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, huge);
	ASSERT_EQ(0, pkey_mprotect(mem + PAGE, MEM_SIZE - 2 * PAGE,
				   PROT_READ | PROT_WRITE, key));
	ASSERT_EQ(0, pkey_mprotect(huge, 2 * HUGE_2M, PROT_READ | PROT_WRITE, key));
	EXPECT_EQ(0, map(&self->w, mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(MEM_SIZE, done);
	EXPECT_EQ(0, map(&self->w, huge, 2 * HUGE_2M, DMA_RW));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(0, pkey_set(key, 0));
	reached(_metadata, &self->w, self->mem, huge, 2 * HUGE_2M, HUGE_2M);
	pkey_free(key);
}

/* Never touched, so that the kernel's first look finds no page and no key. */
TEST_F(memory_kinds, untouched_memory_whose_key_is_closed_is_mapped)
{
	int key = pkey_alloc(0, PKEY_DISABLE_WRITE);
	char *mem = mem_untouched(MEM_SIZE);

	if (key < 0)
		SKIP_TEST("this CPU or kernel has no protection keys");
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, pkey_mprotect(mem, MEM_SIZE, PROT_READ | PROT_WRITE, key));
	EXPECT_EQ(0, map(&self->w, mem, MEM_SIZE, DMA_RW));
	pkey_free(key);
}

TEST_F(memory_kinds, end_of_a_file_is_efault)
{
	char *mem;
	int fd;

	mem = mem_memfd(MEM_SIZE, &fd);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, ftruncate(fd, MEM_SIZE / 2));
	refused(_metadata, &self->w, mem, MEM_SIZE, DMA_RW);
	EXPECT_EQ(0, map(&self->w, mem, MEM_SIZE / 2, DMA_RW));
}

TEST_F(memory_kinds, hole_filled_later_can_be_mapped)
{
	char *hole = self->mem + 20 * PAGE;

	ASSERT_EQ(0, munmap(hole, PAGE));
	refused(_metadata, &self->w, self->mem, MEM_SIZE, DMA_RW);
	ASSERT_EQ(hole, mmap(hole, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			     MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, map(&self->w, self->mem, MEM_SIZE, DMA_RW));
}

TEST_F(memory_kinds, bar_can_be_mapped_whole_and_in_part)
{
	struct edu *edu = world_edu(&self->w, 0);
	__u64 done;

	ASSERT_NE(NULL, edu);
	EXPECT_EQ(0, map(&self->w, edu->bar, edu->bar_size, DMA_RW));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(edu->bar_size, done);
	EXPECT_EQ(0, map(&self->w, edu->bar + 3 * PAGE, 5 * PAGE, DMA_RW));
	EXPECT_EQ(0, dma_map(self->w.container, FAR + MIB + PAGE,
			     edu->bar + 3 * PAGE, 9 * PAGE, DMA_READ));
}

TEST_F(memory_kinds, memory_and_bar_in_one_mapping)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *bar;
	__u64 done;

	ASSERT_NE(NULL, edu);
	bar = mmap(self->mem + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, edu->device, 0);
	ASSERT_EQ(self->mem + 8 * PAGE, bar);
	EXPECT_EQ(0, map(&self->w, self->mem, 32 * PAGE, DMA_RW));
	EXPECT_EQ(self->w.locked + 24, locked_pages());
	EXPECT_EQ(self->w.pinned + 24, pinned_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(32 * PAGE, done);
	/* it would keep the device open */
	ASSERT_EQ(0, munmap(bar, 8 * PAGE));
}

/* Peer to peer: one device writes the other's register that inverts. */
TEST_F(memory_kinds, one_device_reaches_the_bar_of_another)
{
	struct edu *edu = world_edu(&self->w, 0);
	struct edu *peer = world_edu(&self->w, 1);
	const unsigned int liveness = 4;
	__u32 word = 0x12345678;

	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, peer);
	ASSERT_EQ(0, map(&self->w, peer->bar, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, PAGE,
			     DMA_RW));
	memcpy(self->mem, &word, sizeof(word));
	ASSERT_EQ(0, edu_fetch(edu, IOVA));
	ASSERT_EQ(0, edu_store_bytes(edu, FAR + liveness, sizeof(word)));
	EXPECT_EQ(~word, mmio_read32(peer->bar + liveness));
}

/* With memory decoding off there is nothing behind the BAR. */
TEST_F(memory_kinds, bar_that_is_switched_off_is_efault)
{
	struct edu *edu = world_edu(&self->w, 0);

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, edu_command(edu, 0));
	refused(_metadata, &self->w, edu->bar, edu->bar_size, DMA_RW);
	ASSERT_EQ(0, edu_command(edu, PCI_COMMAND_MEMORY));
	EXPECT_EQ(0, map(&self->w, edu->bar, edu->bar_size, DMA_RW));
}

/* Also with the page tables filled before: what they allow counts, not what they hold. */
TEST_F(memory_kinds, bar_that_is_read_only_cannot_be_written_by_a_device)
{
	struct edu *edu = world_edu(&self->w, 0);

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, mprotect(edu->bar, PAGE, PROT_READ));
	mmio_read32(edu->bar);
	refused(_metadata, &self->w, edu->bar, PAGE, DMA_RW);
	refused(_metadata, &self->w, edu->bar, PAGE, DMA_WRITE);
	EXPECT_EQ(0, map(&self->w, edu->bar, PAGE, DMA_READ));
}

TEST_HARNESS_MAIN
