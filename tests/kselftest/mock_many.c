// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of very many runs, or very many pages: what holds for a few holds for them, in two
 * domains, and when they fail far behind. And more domains than are flushed together.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "mock_fixture.h"

#define MOCK many
#include "mock_world.h"

/* One page over and over, so that no two follow each other in memory. */
#define RUNS 40000L
#define RUNS_SIZE (RUNS * PAGE)

/* A memfd of huge pages over and over: so large that no more mmaps are needed than there may be. */
#define TIB (1024 * GIB)
#define PIECE (32 * MIB)

/* Room for @size bytes at a multiple of @align, with nothing in it, or NULL. */
static char *room(__u64 size, __u64 align)
{
	char *mem = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);

	if (mem == MAP_FAILED)
		return NULL;
	return (char *)(((unsigned long)mem + align - 1) & ~(align - 1));
}

/* Huge pages, which are given back to the system with the process. */
static char *tebibyte(void)
{
	long before = hugepages_get();
	char *mem;
	int fd;

	if (before < 0 || hugepages_set(before + PIECE / HUGE_2M))
		return NULL;
	fd = memfd_create("vib-test", MFD_CLOEXEC | MFD_HUGETLB);
	if (fd < 0 || ftruncate(fd, PIECE))
		return NULL;
	mem = room(TIB, HUGE_2M);
	if (mem && mem_repeat(mem, TIB, fd, PIECE))
		mem = NULL;
	close(fd);
	hugepages_set(before);
	return mem;
}

static void holds(struct __test_metadata *_metadata, int domains, long pages)
{
	int i;

	ASSERT_EQ(domains, mock_domains());
	EXPECT_TRUE(mock_domains_agree());
	for (i = 0; i < domains; i++)
		EXPECT_EQ(pages, mock_domain_count(i, "mapped"));
}

/* All goes at once, out of the one domain that there is. */
static void goes(struct __test_metadata *_metadata, struct world *w, __u64 size)
{
	__u64 done;

	ASSERT_EQ(0, dma_unmap_all(w->container, &done));
	EXPECT_EQ(size, done);
	holds(_metadata, 1, 0);
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
}

/* A world in which groups A and B have domains of their own. Return: memory of many runs. */
static char *begin_runs(struct __test_metadata *_metadata, struct world *w)
{
	char *mem = mem_repeated(RUNS_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x7fffffffff"));
	ASSERT_EQ(0, begin_with(w, SLOT_A));
	return mem;
}

/* The second domain is filled from what was kept of the first. */
TEST_F(many, runs_go_into_a_domain_that_comes_later_and_out_of_both)
{
	char *mem = begin_runs(_metadata, &self->w);

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, RUNS_SIZE, DMA_RW));
	holds(_metadata, 1, RUNS);
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	holds(_metadata, 2, RUNS);
	EXPECT_EQ(self->w.locked + RUNS, locked_pages());
	EXPECT_EQ(self->w.pinned + RUNS, pinned_pages());
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	holds(_metadata, 1, RUNS);
	goes(_metadata, &self->w, RUNS_SIZE);
}

/* From the first to the last, and once none of them, with one domain and with two. */
TEST_F(many, a_run_that_is_refused_undoes_those_before_it)
{
	static const long refused[] = { 1, 4096, 4097, 20000, RUNS, RUNS + 3, 2 * RUNS };
	char *mem = begin_runs(_metadata, &self->w);
	unsigned int i;

	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ASSERT_EQ(0, mock_order("fail map %ld %d", refused[i], ENOMEM));
		EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA, mem, RUNS_SIZE, DMA_RW));
		holds(_metadata, 2, 0);
		EXPECT_EQ(self->w.locked, locked_pages());
		EXPECT_EQ(self->w.pinned, pinned_pages());
	}
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, RUNS_SIZE, DMA_RW));
	holds(_metadata, 2, RUNS);
}

TEST_F(many, a_domain_that_is_not_filled_to_the_end_does_not_come)
{
	char *mem = begin_runs(_metadata, &self->w);

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, RUNS_SIZE, DMA_RW));
	ASSERT_EQ(0, mock_order("fail map %ld %d", RUNS - 5, ENOMEM));
	EXPECT_EQ(-ENOMEM, world_join(&self->w, SLOT_B));
	holds(_metadata, 1, RUNS);
	EXPECT_EQ(0, world_join(&self->w, SLOT_B));
	holds(_metadata, 2, RUNS);
}

enum {
	DOMAINS = 6,
	AT_ONCE = 4,		/* flushed together (module/engine/slice_unfill.c) */
};

/* A domain for each instance, and one for a group that refuses that of its instance, twice. */
static int begin_domains(struct world *w)
{
	static const unsigned int slots[] = { SLOT_B, SLOT_C, SLOT_D, SLOT_A2, SLOT_B2 };
	unsigned int i;
	int ret = begin_with(w, SLOT_A);

	for (i = 0; !ret && i < DOMAINS - 1; i++) {
		if (i < 3)
			ret = mock_order("instance %u aperture 0 0x%llx", i + 1,
					 0x7fffffffffULL >> i);
		else
			ret = mock_order("fail attach 1 %d", EINVAL);
		ret = ret ? ret : world_join(w, slots[i]);
	}
	return ret;
}

TEST_F(many, domains_lose_what_is_unmapped)
{
	int i;

	ASSERT_EQ(0, begin_domains(&self->w));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	holds(_metadata, DOMAINS, MEM_PAGES);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	holds(_metadata, DOMAINS, 0);
	EXPECT_EQ(AT_ONCE, mock_count("together"));
	for (i = 0; i < DOMAINS; i++)
		EXPECT_EQ(1, mock_domain_count(i, "syncs"));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

/*
 * 2^28 pages in one mapping. The mock has one entry for a huge page, for want of memory. A kernel
 * with all checks takes minutes.
 */
TEST_F_TIMEOUT(many, a_tebibyte_comes_and_goes, 300)
{
	char *mem = tebibyte();

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mock_order("coarse 1"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, dma_map(self->w.container, TIB, mem, TIB, DMA_RW));
	holds(_metadata, 1, TIB / PAGE);
	EXPECT_EQ(TIB / HUGE_2M, mock_domain_count(0, "entries"));
	EXPECT_EQ(self->w.locked + (long)(TIB / PAGE), locked_pages());
	EXPECT_EQ(-EEXIST, dma_map(self->w.container, 2 * TIB - PAGE, self->mem, PAGE, DMA_RW));
	goes(_metadata, &self->w, TIB);
}

TEST_HARNESS_MAIN
