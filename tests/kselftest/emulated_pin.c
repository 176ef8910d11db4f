// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an emulated device gets when it pins and copies, what it is refused with
 * which errno, and what that is charged, in a container without a real group.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "emulated_fixture.h"

#define EMULATED pin
#include "emulated_world.h"

#define OTHER (IOVA + GIB)

static int map(struct world *w, __u64 iova, const void *mem, __u64 size,
	       __u32 flags)
{
	return dma_map(w->container, iova, mem, size, flags);
}

TEST_F(pin, page_is_the_one_mapped_there)
{
	__u64 value;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 3 * PAGE, 2, MOCK_WRITE));
	EXPECT_TRUE(holds(self->e, IOVA + 3 * PAGE, 3));
	EXPECT_TRUE(holds(self->e, IOVA + 4 * PAGE, 4));
	EXPECT_EQ(-ENOENT, emulated_get_word(self->e, IOVA, &value));
	ASSERT_EQ(0, emulated_put_word(self->e, IOVA + 4 * PAGE, 77));
	EXPECT_EQ(77, *(__u64 *)(self->mem + 4 * PAGE));
}

TEST_F(pin, only_pinned_pages_are_charged)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 5, MOCK_READ));
	EXPECT_EQ(5, charged(&self->w));
	EXPECT_EQ(5, pinned_pages() - self->w.pinned);
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + PAGE, 3));
	EXPECT_EQ(2, charged(&self->w));
	EXPECT_EQ(2, pinned_pages() - self->w.pinned);
}

TEST_F(pin, page_pinned_again_is_charged_once)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 4, MOCK_WRITE));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 2 * PAGE, 4, MOCK_WRITE));
	EXPECT_EQ(6, charged(&self->w));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA, 4));
	EXPECT_EQ(4, charged(&self->w));
	EXPECT_TRUE(holds(self->e, IOVA + 2 * PAGE, 2));
	ASSERT_EQ(0, emulated_unpin(self->e, IOVA + 2 * PAGE, 4));
	EXPECT_EQ(0, charged(&self->w));
}

TEST_F(pin, two_devices_share_a_page)
{
	ASSERT_EQ(0, add_second(&self->w, self->e));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, emulated_pin(&self->e[0], IOVA, 3, MOCK_READ));
	ASSERT_EQ(0, emulated_pin(&self->e[1], IOVA, 3, MOCK_WRITE));
	EXPECT_EQ(3, charged(&self->w));
	emulated_close_device(&self->e[0]);
	EXPECT_EQ(3, charged(&self->w));
	EXPECT_TRUE(holds(&self->e[1], IOVA + 2 * PAGE, 2));
}

TEST_F(pin, range_over_several_mappings)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE, DMA_RW));
	ASSERT_EQ(0, map(&self->w, IOVA + 4 * PAGE, self->mem + 20 * PAGE,
			 PAGE, DMA_READ));
	ASSERT_EQ(0, map(&self->w, IOVA + 5 * PAGE, self->mem + 8 * PAGE,
			 4 * PAGE, DMA_RW));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA + 2 * PAGE, 5, MOCK_READ));
	EXPECT_TRUE(holds(self->e, IOVA + 3 * PAGE, 3));
	EXPECT_TRUE(holds(self->e, IOVA + 4 * PAGE, 20));
	EXPECT_TRUE(holds(self->e, IOVA + 6 * PAGE, 9));
	EXPECT_EQ(5, charged(&self->w));
}

TEST_F(pin, memory_comes_when_it_is_pinned)
{
	char *mem = mem_untouched(MEM_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, IOVA, mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 2, MOCK_WRITE));
	ASSERT_EQ(0, emulated_put_word(self->e, IOVA + PAGE, 99));
	EXPECT_EQ(99, *(__u64 *)(mem + PAGE));
	EXPECT_EQ(2, charged(&self->w));
}

/*
 * One device only reads, and no page is there yet: it must get one that another device
 * can write later, not a zero page that the process does not share.
 */
TEST_F(pin, page_pinned_for_reading_is_written_by_the_next)
{
	char *mem = mem_untouched(MEM_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, IOVA, mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 1, MOCK_READ));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 1, MOCK_WRITE));
	ASSERT_EQ(0, emulated_put_word(self->e, IOVA, 99));
	EXPECT_EQ(99, *(__u64 *)mem);
	*(__u64 *)mem = 100;
	EXPECT_TRUE(holds_value(self->e, IOVA, 100));
	EXPECT_EQ(1, charged(&self->w));
}

/* A call pins everything or nothing. */
static void refuses(struct __test_metadata *_metadata, struct world *w,
		    struct emulated *e, int error, __u64 iova,
		    unsigned int npages, int prot)
{
	struct mock_told told;

	EXPECT_EQ(error, emulated_pin(e, iova, npages, prot));
	EXPECT_EQ(0, charged(w));
	EXPECT_EQ(w->pinned, pinned_pages());
	ASSERT_EQ(0, emulated_told(e, &told));
	EXPECT_EQ(0, told.held);
}

TEST_F(pin, refused_where_nothing_is_mapped)
{
	refuses(_metadata, &self->w, self->e, -EINVAL, IOVA, 1, MOCK_READ);
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE, DMA_RW));
	refuses(_metadata, &self->w, self->e, -EINVAL, IOVA + 2 * PAGE, 3,
		MOCK_READ);
	refuses(_metadata, &self->w, self->e, -EINVAL, IOVA - PAGE, 2,
		MOCK_READ);
}

TEST_F(pin, refused_what_the_mapping_does_not_allow)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE, DMA_READ));
	ASSERT_EQ(0, map(&self->w, IOVA + 4 * PAGE, self->mem, 4 * PAGE,
			 DMA_WRITE));
	refuses(_metadata, &self->w, self->e, -EPERM, IOVA, 1, MOCK_WRITE);
	refuses(_metadata, &self->w, self->e, -EPERM, IOVA, 1,
		MOCK_READ | MOCK_WRITE);
	refuses(_metadata, &self->w, self->e, -EPERM, IOVA + 4 * PAGE, 1,
		MOCK_READ);
	refuses(_metadata, &self->w, self->e, -EPERM, IOVA + 2 * PAGE, 4,
		MOCK_READ);
	EXPECT_EQ(0, emulated_pin(self->e, IOVA, 4, MOCK_READ));
	EXPECT_EQ(0, emulated_pin(self->e, IOVA + 4 * PAGE, 4, MOCK_WRITE));
}

TEST_F(pin, refused_more_than_512_pages)
{
	char *mem = mem_small(513 * PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map(&self->w, IOVA, mem, 513 * PAGE, DMA_RW));
	refuses(_metadata, &self->w, self->e, -E2BIG, IOVA, 513, MOCK_READ);
	refuses(_metadata, &self->w, self->e, -EINVAL, IOVA, 0, MOCK_READ);
	EXPECT_EQ(0, emulated_pin(self->e, IOVA, 512, MOCK_READ));
	EXPECT_EQ(512, charged(&self->w));
}

TEST_F(pin, refused_a_range_that_wraps)
{
	refuses(_metadata, &self->w, self->e,
		expected(self->w.mode, DIFF_PIN_WRAP), -PAGE, 2, MOCK_READ);
}

/* Recording a mapping does not look at the memory; pinning does. */
TEST_F(pin, refused_where_no_memory_is)
{
	ASSERT_EQ(0, munmap(self->mem + 2 * PAGE, PAGE));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	refuses(_metadata, &self->w, self->e, -EFAULT, IOVA, 4, MOCK_READ);
	EXPECT_EQ(0, emulated_pin(self->e, IOVA, 2, MOCK_READ));
}

TEST_F(pin, refused_beyond_the_limit)
{
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, limit_locked_pages(4));
	refuses(_metadata, &self->w, self->e, -ENOMEM, IOVA, 5, MOCK_READ);
	EXPECT_EQ(0, emulated_pin(self->e, IOVA, 4, MOCK_READ));
	EXPECT_EQ(0, emulated_pin(self->e, IOVA + PAGE, 3, MOCK_READ));
	EXPECT_EQ(-ENOMEM, emulated_pin(self->e, IOVA, 5, MOCK_READ));
	EXPECT_EQ(4, charged(&self->w));
}

TEST_F(pin, limit_does_not_bind_who_had_the_capability)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(4));
	EXPECT_EQ(0, emulated_pin(self->e, IOVA, 5, MOCK_READ));
	EXPECT_EQ(5, charged(&self->w));
}

/* Another process maps, and is gone. */
static bool map_in_child(struct world *w, const void *mem)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(map(w, IOVA, mem, MEM_SIZE, DMA_RW) != 0);
	return waitpid(child, &status, 0) == child && !status;
}

TEST_F(pin, refused_when_the_process_is_gone)
{
	__u64 word;

	ASSERT_TRUE(map_in_child(&self->w, self->mem));
	refuses(_metadata, &self->w, self->e, -ENODEV, IOVA, 1, MOCK_READ);
	EXPECT_EQ(-EPERM, emulated_read(self->e, IOVA, &word, sizeof(word)));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
}

TEST_F(pin, copies_across_pages_and_mappings)
{
	static char in[5 * PAGE], out[5 * PAGE];

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, 4 * PAGE, DMA_RW));
	ASSERT_EQ(0, map(&self->w, IOVA + 4 * PAGE, self->mem + 32 * PAGE,
			 4 * PAGE, DMA_RW));
	mem_fill(in, sizeof(in), 5);
	ASSERT_EQ(0, emulated_write(self->e, IOVA + PAGE + 100, in,
				    sizeof(in)));
	EXPECT_EQ(0, memcmp(self->mem + PAGE + 100, in, 3 * PAGE - 100));
	EXPECT_EQ(0, memcmp(self->mem + 32 * PAGE, in + 3 * PAGE - 100,
			    2 * PAGE + 100));
	ASSERT_EQ(0, emulated_read(self->e, IOVA + PAGE + 100, out,
				   sizeof(out)));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
	EXPECT_EQ(0, charged(&self->w));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

TEST_F(pin, copies_what_the_mapping_allows)
{
	__u64 word = 42;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, PAGE, DMA_READ));
	ASSERT_EQ(0, map(&self->w, OTHER, self->mem + PAGE, PAGE, DMA_WRITE));
	EXPECT_EQ(0, emulated_read(self->e, IOVA, &word, sizeof(word)));
	EXPECT_EQ(STAMP, word);
	EXPECT_EQ(-EPERM, emulated_write(self->e, IOVA, &word, sizeof(word)));
	/* type1's rule: without READ there is no access at all */
	EXPECT_EQ(-EPERM, emulated_read(self->e, OTHER, &word, sizeof(word)));
	EXPECT_EQ(-EPERM, emulated_write(self->e, OTHER, &word, sizeof(word)));
	EXPECT_EQ(-EINVAL, emulated_read(self->e, IOVA + PAGE, &word,
					 sizeof(word)));
	EXPECT_EQ(-EINVAL, emulated_read(self->e, IOVA + PAGE - 4, &word,
					 sizeof(word)));
}

/* In a child, whose memory has the same addresses, and is not what is mapped. */
static bool write_is_refused(struct emulated *e, const char *mem)
{
	pid_t child = fork();
	__u64 word = 42;
	int status;

	if (!child)
		_exit(emulated_write(e, IOVA, &word, sizeof(word)) < 0 &&
		      *(const __u64 *)mem == STAMP ? 0 : 1);
	return waitpid(child, &status, 0) == child && !status;
}

TEST_F(pin, copies_into_no_other_process)
{
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, PAGE, DMA_RW));
	EXPECT_TRUE(write_is_refused(self->e, self->mem));
	EXPECT_EQ(STAMP, *(__u64 *)self->mem);
}

TEST_F(pin, copies_fault_where_no_memory_is)
{
	__u64 word;

	ASSERT_EQ(0, munmap(self->mem + PAGE, PAGE));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(-EFAULT, emulated_read(self->e, IOVA + PAGE, &word,
					 sizeof(word)));
	EXPECT_EQ(0, emulated_read(self->e, IOVA, &word, sizeof(word)));
}

TEST_F(pin, addresses_cannot_be_taken_back)
{
	int container = self->w.container;

	NEED_VADDR(self->w.mode);
	EXPECT_EQ(0, container_extension(container, VFIO_UPDATE_VADDR));
	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(-EBUSY, dma_unmap(container, IOVA, MEM_SIZE, UNMAP_VADDR,
				    NULL));
	EXPECT_EQ(-EBUSY, dma_unmap(container, 0, 0, UNMAP_VADDR | UNMAP_ALL,
				    NULL));
	EXPECT_EQ(-EINVAL, map(&self->w, IOVA, self->mem, MEM_SIZE,
			       DMA_VADDR));
}

/* Nothing restricts IOVAs, and recorded mappings count as entries. */
TEST_F(pin, info_of_a_container_without_a_real_group)
{
	int container = self->w.container;
	struct info info;
	long avail;

	EXPECT_EQ(1, container_extension(container, VFIO_DMA_CC_IOMMU));
	ASSERT_EQ(0, info_get(container, &info));
	EXPECT_EQ(NULL, info_cap(&info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE));
	EXPECT_EQ(~(PAGE - 1), info.pgsizes);
	avail = entries_room(self->w.mode->backend, container);
	EXPECT_EQ(0, map(&self->w, MSI_WINDOW, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(0, map(&self->w, 1ULL << 60, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(avail - 2, entries_room(self->w.mode->backend, container));
}

#define EMULATED v1
#define EMULATED_V1
#include "emulated_world.h"

/* Only v2 lets devices pin; copying goes with both. */
TEST_F(v1, pins_by_the_rules_of_its_type)
{
	__u64 word;

	ASSERT_EQ(0, map(&self->w, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(self->w.mode->v2 ? 0 : -EACCES,
		  emulated_pin(self->e, IOVA, 1, MOCK_READ));
	EXPECT_EQ(0, emulated_read(self->e, IOVA, &word, sizeof(word)));
	EXPECT_EQ(STAMP, word);
}

TEST_HARNESS_MAIN
