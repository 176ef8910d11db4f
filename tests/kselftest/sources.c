// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory from where clients and their libraries have it: files of every kind, descriptors of
 * other drivers, memory that the kernel hides, or has found to be broken. memory_kinds.c has
 * what is ordinary.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/agree.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"
#include "lib/source.h"

#define FAR (IOVA + GIB)

#define WORLD sources
#define WORLD_GROUPS 1
#define WORLD_ONE_ID
#include "world_fixture.h"

/* For a source that the machine may not have; a machine made for this has it. */
#define NEED(mem, why) do { \
	const char *_why = why; \
\
	if (!(mem)) { \
		ASSERT_FALSE(promised("sequences") && source_expected(_why)) \
			TH_LOG("missing: %s", _why); \
		SKIP_TEST("this kernel has no %s", _why); \
	} \
} while (0)

/* It can be mapped, and its first and last page are reached; @locked of its pages count. */
static void reached(struct __test_metadata *_metadata, struct world *w,
		    char *mem, __u64 size, long locked)
{
	struct edu *edu = world_edu(w, 0);
	__u64 done;

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, dma_map(w->container, FAR, mem, size, DMA_RW));
	EXPECT_EQ(w->locked + locked, locked_pages());
	EXPECT_EQ(0, device_agrees(edu, FAR, mem));
	EXPECT_EQ(0, device_agrees(edu, FAR + size - PAGE, mem + size - PAGE));
	ASSERT_EQ(0, dma_unmap_all(w->container, &done));
	EXPECT_EQ(size, done);
	EXPECT_EQ(w->pinned, pinned_pages());
	ASSERT_EQ(0, munmap(mem, size));
}

/* It cannot be mapped, nor can what has it in its middle, and nothing is left. */
static void refused(struct __test_metadata *_metadata, struct world *w,
		    char *mem, __u64 size, int error)
{
	long pinned = pinned_pages();	/* a driver may have some */
	__u64 done;

	EXPECT_EQ(error, dma_map(w->container, FAR, mem, size, DMA_RW));
	EXPECT_EQ(pinned, pinned_pages());
	EXPECT_EQ(w->locked, locked_pages());
	ASSERT_EQ(0, dma_unmap_all(w->container, &done));
	EXPECT_EQ(0, done);
	ASSERT_EQ(0, munmap(mem, size));
}

TEST_F(sources, private_memfd)
{
	char *mem = source_private_memfd(MEM_SIZE, 0);

	ASSERT_NE(NULL, mem);
	reached(_metadata, &self->w, mem, MEM_SIZE, MEM_PAGES);
}

TEST_F(sources, private_hugetlbfs)
{
	long before = hugepages_get();
	char *mem;

	ASSERT_EQ(0, hugepages_set(before + 2));
	mem = source_private_memfd(2 * HUGE_2M, MFD_HUGETLB);
	ASSERT_NE(NULL, mem);
	reached(_metadata, &self->w, mem, 2 * HUGE_2M, 2 * HUGE_2M / PAGE);
	ASSERT_EQ(0, hugepages_set(before));
	EXPECT_EQ(before, hugepages_get());
}

/* Their pages have fewer struct pages than before; they go back to the system whole. */
TEST_F(sources, hugetlb_without_struct_pages)
{
	long before = hugepages_get();
	char *mem;

	if (kernel_running() < KERNEL(5, 14))
		SKIP_TEST("hugetlb_free_vmemmap came with 5.14");
	if (!source_vmemmap_is_freed())
		SKIP_TEST("booted without hugetlb_free_vmemmap=on");
	mem = mem_hugetlb(4 * HUGE_2M);
	ASSERT_NE(NULL, mem);
	reached(_metadata, &self->w, mem, 4 * HUGE_2M, 4 * HUGE_2M / PAGE);
	EXPECT_EQ(before, hugepages_get());
}

TEST_F(sources, ring_of_a_packet_socket)
{
	char *mem = source_packet_ring(MEM_SIZE);

	ASSERT_NE(NULL, mem);
	reached(_metadata, &self->w, mem, MEM_SIZE, MEM_PAGES);
}

/* From 6.5 on the kernel refuses: it could not tell the file system what a device writes. */
TEST_F(sources, shared_mapping_of_ext4)
{
	char *mem = source_ext4(MEM_SIZE);

	NEED(mem, "ext4");
	if (kernel_running() < KERNEL(6, 5))
		reached(_metadata, &self->w, mem, MEM_SIZE, MEM_PAGES);
	else
		refused(_metadata, &self->w, mem, MEM_SIZE, -EFAULT);
	source_ext4_end();
}

/*
 * Pages that were written back while they were pinned are clean. What a device writes then is
 * written back, too, because who unpins them says that it may have.
 */
TEST_F(sources, what_a_device_writes_to_ext4_reaches_the_disk)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem;

	if (kernel_running() >= KERNEL(6, 5))
		SKIP_TEST("this kernel pins no files of ext4 for writing");
	mem = source_ext4(MEM_SIZE);
	NEED(mem, "ext4");
	ASSERT_NE(NULL, edu);
	mem_fill(self->mem, PAGE, 8);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, PAGE, DMA_READ));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, msync(mem, MEM_SIZE, MS_SYNC));
	ASSERT_EQ(0, edu_copy(edu, FAR + 3 * PAGE, IOVA));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, munmap(mem, MEM_SIZE));
	source_ext4_end();
	mem = source_ext4_from_disk(MEM_SIZE);
	ASSERT_NE(NULL, mem);
	EXPECT_TRUE(mem_is(mem + 3 * PAGE, EDU_CHUNK, 8));
	ASSERT_EQ(0, munmap(mem, MEM_SIZE));
	source_ext4_end();
}

/* Nor does it wait for another mapping of the same memory, which it might share its pins with. */
TEST_F(sources, what_a_device_writes_to_ext4_does_not_wait_for_other_mappings)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem, *disk = self->mem + PAGE;

	if (kernel_running() >= KERNEL(6, 5))
		SKIP_TEST("this kernel pins no files of ext4 for writing");
	mem = source_ext4(4 * MIB);
	NEED(mem, "ext4");
	ASSERT_NE(NULL, edu);
	mem_fill(self->mem, PAGE, 8);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, PAGE, DMA_READ));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, mem, 4 * MIB, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, FAR + GIB, mem, 4 * MIB, DMA_RW));
	ASSERT_EQ(0, msync(mem, 4 * MIB, MS_SYNC));
	ASSERT_EQ(0, edu_copy(edu, FAR + 3 * PAGE, IOVA));
	ASSERT_EQ(0, dma_unmap(self->w.container, FAR, 4 * MIB, 0, NULL));
	ASSERT_EQ(0, munmap(mem, 4 * MIB));
	ASSERT_EQ(0, source_ext4_read_disk(disk, PAGE, 3 * PAGE));
	EXPECT_TRUE(mem_is(disk, EDU_CHUNK, 8));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	source_ext4_end();
}

TEST_F(sources, shared_mapping_of_ext4_for_reading)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem = source_ext4(MEM_SIZE);

	NEED(mem, "ext4");
	ASSERT_NE(NULL, edu);
	mem_fill(mem, PAGE, 8);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, FAR, mem, MEM_SIZE, DMA_READ));
	ASSERT_EQ(0, edu_copy(edu, IOVA, FAR));
	EXPECT_TRUE(mem_is(self->mem, EDU_CHUNK, 8));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, munmap(mem, MEM_SIZE));
	source_ext4_end();
}

TEST_F(sources, dax)
{
	char *mem = source_dax(MEM_SIZE);

	NEED(mem, "DAX");
	refused(_metadata, &self->w, mem, MEM_SIZE, -EOPNOTSUPP);
	source_dax_end();
}

TEST_F(sources, secret_memory)
{
	char *mem = source_secret(MEM_SIZE);

	NEED(mem, "memfd_secret");
	refused(_metadata, &self->w, mem, MEM_SIZE, -EFAULT);
}

/* The mapping goes on with the pages it has, and the secret stays one. */
TEST_F(sources, secret_memory_in_the_place_of_what_is_mapped)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem = self->mem + 16 * PAGE, *secret = source_secret(PAGE);

	NEED(secret, "memfd_secret");
	ASSERT_NE(NULL, edu);
	mem_fill(mem, PAGE, 4);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	mem_fill(secret, PAGE, 5);
	ASSERT_EQ(mem, mremap(secret, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, mem));
	ASSERT_EQ(0, edu_copy(edu, IOVA, IOVA + 16 * PAGE));
	EXPECT_TRUE(mem_is(self->mem, EDU_CHUNK, 4));
	ASSERT_EQ(0, edu_copy(edu, IOVA + 16 * PAGE, IOVA + EDU_CHUNK));
	EXPECT_TRUE(mem_is(mem, PAGE, 5));
	EXPECT_EQ(-EFAULT, dma_map(self->w.container, FAR, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
}

/* Their mappings are of page frames that have struct pages, which nobody may pin. */
TEST_F(sources, udmabuf)
{
	char *mem = source_udmabuf(MEM_SIZE);

	NEED(mem, "udmabuf");
	refused(_metadata, &self->w, mem, MEM_SIZE, -EFAULT);
}

TEST_F(sources, dma_heap)
{
	char *mem = source_dma_heap(MEM_SIZE);

	NEED(mem, "dma_heap");
	refused(_metadata, &self->w, mem, MEM_SIZE, -EFAULT);
}

/* A driver may free it at any time, and GUP does not give it. */
TEST_F(sources, ordinary_memory_of_a_graphics_driver)
{
	char *mem = source_dumb_buffer(MEM_SIZE);

	NEED(mem, "vgem");
	mem_fill(mem, MEM_SIZE, 3);
	refused(_metadata, &self->w, mem, MEM_SIZE, -EFAULT);
}

/* Memory that the kernel was told not to use: it locks nothing. */
TEST_F(sources, dev_mem_beyond_the_kernels_memory)
{
	char *mem = source_beyond(MEM_SIZE);

	NEED(mem, "memory beyond mem=");
	reached(_metadata, &self->w, mem, MEM_SIZE, 0);
}

TEST_F(sources, poisoned_page)
{
	char *mem = mem_small(MEM_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, source_poison(mem + 7 * PAGE));
	refused(_metadata, &self->w, mem, MEM_SIZE, -EFAULT);
}

/* Poisoned under the mapping: the device keeps the others, and UNMAP takes all. */
TEST_F(sources, page_that_is_poisoned_later)
{
	struct edu *edu = world_edu(&self->w, 0);
	__u64 done;
	int ret;

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ret = source_poison(self->mem + 7 * PAGE);
	/* older kernels do it, and say that somebody has it still */
	EXPECT_TRUE(!ret || ret == -EBUSY) TH_LOG("poisoning: %d", ret);
	EXPECT_EQ(0, device_agrees(edu, IOVA + 6 * PAGE, self->mem + 6 * PAGE));
	EXPECT_EQ(-EFAULT, dma_map(self->w.container, FAR, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, &done));
	EXPECT_EQ(MEM_SIZE, done);
	EXPECT_EQ(self->w.pinned, pinned_pages());
	EXPECT_EQ(-EFAULT, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
}

/* A handler that is told of each first write, as a hypervisor that takes a snapshot has. */
TEST_F(sources, write_protected_memory_waits_for_its_handler)
{
	long wanted = expected(self->w.mode, DIFF_USERFAULT);
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = MEM_SIZE };
	struct blocking_mem b;

	ASSERT_EQ(0, blocking_mem_open_protected(&b, MEM_SIZE));
	map.data = b.mem;
	if (wanted) {
		ASSERT_EQ(0, call_begin(&map));
	} else {
		ASSERT_EQ(0, call_begin_blocked(&map, &b));
		EXPECT_TRUE(call_waits(&map));
		EXPECT_EQ(0, blocking_mem_unprotect(&b));
	}
	EXPECT_EQ(wanted, call_result(&map));
	EXPECT_EQ(self->w.locked + (wanted ? 0 : MEM_PAGES), locked_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	blocking_mem_close(&b);
}

/* What is protected later is the process's view; the device goes on writing. */
TEST_F(sources, memory_that_is_write_protected_later)
{
	struct edu *edu = world_edu(&self->w, 0);
	struct blocking_mem b;

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, blocking_mem_open_protected(&b, MEM_SIZE));
	ASSERT_EQ(0, blocking_mem_unprotect(&b));
	mem_fill(b.mem, EDU_CHUNK, 6);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, b.mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, blocking_mem_protect(&b));
	ASSERT_EQ(0, edu_copy(edu, IOVA + EDU_CHUNK, IOVA));
	EXPECT_TRUE(mem_is(b.mem + EDU_CHUNK, EDU_CHUNK, 6));
	ASSERT_EQ(0, blocking_mem_unprotect(&b));
	/* before 5.19 the next write gives the process a copy, if somebody else has the page */
	if (kernel_running() >= KERNEL(5, 19))
		EXPECT_EQ(0, device_agrees(edu, IOVA, b.mem));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	blocking_mem_close(&b);
}

TEST_HARNESS_MAIN
