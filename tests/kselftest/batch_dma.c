// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_BATCH_DMA: many maps and unmaps in one call come to what they would one by
 * one, with one flush for the unmaps; what fails ends the call where it is.
 */
#include <sys/mman.h>

#include "fixture.h"
#include "batch_fixture.h"
#include "lib/source.h"

/* SMMUv3 flushes the domain for what is far apart, and a page for the tables. */
#ifdef __aarch64__
#define FLUSHES 2
#else
#define FLUSHES 1
#endif

#define WORLD batch
#define WORLD_GROUPS 1
#define WORLD_BATCH_ONLY
#define WORLD_V1_TOO
#include "world_fixture.h"

TEST_F(batch, is_announced)
{
	struct info info;
	const struct info_cap *cap;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	cap = info_cap(&info, VFIO_IOMMU_INFO_CAP_BATCH_DMA);
	ASSERT_NE(NULL, cap);
	EXPECT_EQ(1, cap->version);
	EXPECT_EQ(0, cap->offset % 8);
	EXPECT_EQ(1, container_extension(self->w.container,
					 VFIO_BATCH_DMA));
}

TEST_F(batch, nothing_is_a_success)
{
	EXPECT_EQ(0, run(&self->w));
	EXPECT_EQ(0, batch.done);
}

TEST_F(batch, maps_and_unmaps)
{
	unsigned int i;

	for (i = 0; i < MEM_PAGES; i++)
		map_page(self->mem, i, i);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(MEM_PAGES, batch.done);
	EXPECT_EQ(0, batch.unmapped);
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	batch.nr = 0;
	for (i = 0; i < MEM_PAGES / 2; i++)
		batch_unmap(&batch, at(i), PAGE);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(MEM_PAGES / 2, batch.done);
	EXPECT_EQ(MEM_SIZE / 2, batch.unmapped);
	EXPECT_EQ(MEM_PAGES / 2, mapped_pages(&self->w));
}

/* As many as fit, upwards, downwards, and across with wide gaps; one flush each time. */
TEST_F(batch, unmaps_in_any_order_with_one_flush)
{
	static const struct {
		unsigned int step, gap;
	} order[] = { { 1, 1 }, { 1023, 1 }, { 389, 257 } };
	unsigned int i, n, max = VFIO_IOMMU_BATCH_DMA_MAX;
	long syncs;

	for (n = 0; n < 3; n++) {
		batch.nr = 0;
		for (i = 0; i < max; i++)
			map_page(self->mem, i * order[n].gap, i % MEM_PAGES);
		ASSERT_EQ(0, run(&self->w));
		batch.nr = 0;
		for (i = 0; i < max; i++)
			batch_unmap(&batch, at(i * order[n].step % max * order[n].gap),
				    PAGE);
		syncs = containers_value("syncs:");
		ASSERT_EQ(0, run(&self->w));
		EXPECT_EQ(max * PAGE, batch.unmapped);
		EXPECT_GE(FLUSHES, containers_value("syncs:") - syncs);
		EXPECT_EQ(0, mapped_pages(&self->w));
	}
}

/* A ring that moves on: each map takes the place of what the call unmaps. */
TEST_F(batch, maps_in_the_place_of_what_it_unmaps_with_one_flush)
{
	/* Type id 1 may take away what an earlier operation maps: each unmap has its own flush. */
	unsigned int i, flushes = self->w.mode->v2 ? 1 : 16;
	struct edu *edu = world_edu(&self->w, 0);
	long syncs;

	ASSERT_NE(NULL, edu);
	for (i = 0; i < 16; i++)
		map_page(self->mem, i, i);
	ASSERT_EQ(0, run(&self->w));
	batch.nr = 0;
	for (i = 0; i < 16; i++) {
		batch_unmap(&batch, at(i), PAGE);
		map_page(self->mem, i, 16 + i);
	}
	syncs = containers_value("syncs:");
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(32, batch.done);
	EXPECT_EQ(16 * PAGE, batch.unmapped);
	EXPECT_EQ(flushes, containers_value("syncs:") - syncs);
	mem_fill(self->mem + 17 * PAGE, PAGE, 7);
	ASSERT_EQ(0, edu_copy(edu, at(2), at(1)));
	EXPECT_TRUE(mem_is(self->mem + 18 * PAGE, EDU_CHUNK, 7));
	EXPECT_EQ(16, mapped_pages(&self->w));
}

/* In the order of the array, whatever overlaps what. */
TEST_F(batch, overlapping_operations)
{
	map_page(self->mem, 0, 0);
	batch_unmap(&batch, at(0), PAGE);
	map_page(self->mem, 0, 1);
	map_page(self->mem, 1, 2);
	batch_unmap(&batch, at(0), 2 * PAGE);
	batch_unmap(&batch, at(0), 2 * PAGE);
	batch_map(&batch, at(0), self->mem, 4 * PAGE);
	batch_unmap(&batch, at(8), PAGE);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(8, batch.done);
	EXPECT_EQ(3 * PAGE, batch.unmapped);
	EXPECT_EQ(4, mapped_pages(&self->w));
}

/*
 * By the rules of type id 1 the unmap would take all of a mapping of which it covers a part, and so
 * make room for the map; by those of the others it would be refused.
 */
TEST(an_unmap_makes_no_room_for_an_earlier_map)
{
	static const enum mode_id modes[] = { MODE_BATCH, MODE_BATCH_CLAIMED_V1 };
	char *mem = mem_small(MEM_SIZE);
	struct world w;
	unsigned int i;

	ASSERT_NE(NULL, mem);
	for (i = 0; i < 2; i++) {
		world_begin(_metadata, &w, world_open(&w, modes[i], 1));
		ASSERT_EQ(0, dma_map(w.container, at(2), mem, 6 * PAGE, DMA_RW));
		batch.nr = 0;
		map_page(mem, 6, 6);
		batch_unmap(&batch, at(2), PAGE);
		EXPECT_EQ(-EEXIST, run(&w));
		EXPECT_EQ(0, batch.done);
		ASSERT_EQ(0, world_close(&w));
	}
}

/* The second of two unmaps of the same mapping finds nothing, though it would cut it. */
TEST_F(batch, unmap_of_a_part_of_what_was_unmapped)
{
	batch_map(&batch, at(0), self->mem, 4 * PAGE);
	ASSERT_EQ(0, run(&self->w));
	batch.nr = 0;
	batch_unmap(&batch, at(0), 4 * PAGE);
	batch_unmap(&batch, at(1), PAGE);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(4 * PAGE, batch.unmapped);
}

/*
 * By the rules of type id 1 an unmap takes a mapping whole and ends at one that begins before its
 * range; but what an earlier unmap of the call takes is gone.
 */
TEST_F(batch, unmap_goes_on_behind_what_was_unmapped)
{
	unsigned int part = self->w.mode->v2 ? 4 : 1;

	batch_map(&batch, at(0), self->mem, 4 * PAGE);
	map_page(self->mem, 4, 4);
	ASSERT_EQ(0, run(&self->w));
	batch.nr = 0;
	batch_unmap(&batch, at(0), part * PAGE);
	batch_unmap(&batch, at(1), 4 * PAGE);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(2, batch.done);
	EXPECT_EQ(5 * PAGE, batch.unmapped);
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(0, mapped_pages(&self->w));
}

TEST_F(batch, a_failing_map_ends_the_call)
{
	map_page(self->mem, 0, 0);
	map_page(self->mem, 1, 1);
	map_page(self->mem, 1, 2);
	map_page(self->mem, 3, 3);
	EXPECT_EQ(-EEXIST, run(&self->w));
	EXPECT_EQ(2, batch.done);
	EXPECT_EQ(self->w.locked + 2, locked_pages());
	EXPECT_EQ(2, mapped_pages(&self->w));
}

TEST_F(batch, a_failing_unmap_ends_the_call)
{
	/* Type id 1 has no unmap that cuts a mapping. */
	__u64 bad = self->w.mode->v2 ? at(9) : at(9) + 1;

	batch_map(&batch, at(8), self->mem, 4 * PAGE);
	ASSERT_EQ(0, run(&self->w));
	batch.nr = 0;
	map_page(self->mem, 0, 0);
	batch_unmap(&batch, bad, PAGE);
	map_page(self->mem, 1, 1);
	batch_unmap(&batch, at(8), 4 * PAGE);
	EXPECT_EQ(-EINVAL, run(&self->w));
	EXPECT_EQ(1, batch.done);
	EXPECT_EQ(0, batch.unmapped);
	EXPECT_EQ(5, mapped_pages(&self->w));
}

TEST_F(batch, errors_are_those_of_single_calls)
{
	static const struct {
		__u64 iova, size;
		__u32 flags;
		int error;
	} bad[] = {
		{ IOVA + 1, PAGE, 1, -EINVAL },
		{ IOVA, PAGE + 1, 2, -EINVAL },
		{ IOVA, 0, 3, -EINVAL },
		{ -PAGE, 2 * PAGE, 3, -EOVERFLOW },
		{ MSI_WINDOW, PAGE, 3, -EINVAL },
		{ IOVA + 1, PAGE, VFIO_IOMMU_BATCH_OP_UNMAP, -EINVAL },
		{ IOVA, 0, VFIO_IOMMU_BATCH_OP_UNMAP, -EINVAL },
		{ -PAGE, 2 * PAGE, VFIO_IOMMU_BATCH_OP_UNMAP, -EOVERFLOW },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bool unmap = bad[i].flags == VFIO_IOMMU_BATCH_OP_UNMAP;

		batch.nr = 0;
		map_page(self->mem, 100, 0);
		batch.op[batch.nr++] = (struct vfio_iommu_batch_op) {
			.flags = bad[i].flags, .iova = bad[i].iova, .size = bad[i].size,
			.vaddr = unmap ? 0 : (unsigned long)self->mem,
		};
		batch_unmap(&batch, at(100), PAGE);
		EXPECT_EQ(bad[i].error, run(&self->w))
			TH_LOG("row %u", i);
		EXPECT_EQ(1, batch.done);
		EXPECT_EQ(1, mapped_pages(&self->w));
	}
}

TEST_F(batch, whole_takes_back_what_it_mapped)
{
	unsigned int i;

	batch.flags = VFIO_IOMMU_BATCH_DMA_WHOLE;
	for (i = 0; i < 20; i++)
		map_page(self->mem, i, i);
	map_page(self->mem, 5, 5);
	EXPECT_EQ(-EEXIST, run(&self->w));
	EXPECT_EQ(20, batch.done);
	EXPECT_EQ(self->w.locked, locked_pages());
	EXPECT_EQ(0, mapped_pages(&self->w));
	batch.nr--;
	EXPECT_EQ(0, run(&self->w));
	EXPECT_EQ(20, mapped_pages(&self->w));
}

/* Charged at once, and yet to the page what single calls would be. */
TEST_F(batch, limit_is_met_at_the_page)
{
	unsigned int i;

	for (i = 0; i < 40; i++)
		map_page(self->mem, i, i);
	ASSERT_EQ(0, limit_locked_pages(35));
	ASSERT_EQ(0, drop_ipc_lock());
	EXPECT_EQ(-ENOMEM, run(&self->w));
	EXPECT_EQ(35, batch.done);
	EXPECT_EQ(self->w.locked + 35, locked_pages());
	EXPECT_EQ(35, mapped_pages(&self->w));
	EXPECT_EQ(self->w.locked, locked_pages());
	batch.nr = 35;
	EXPECT_EQ(0, run(&self->w));
	EXPECT_EQ(35, mapped_pages(&self->w));
}

/* Maps of 1 to 3 pages of one range of memory: each IOVA leads to its own page. */
TEST_F(batch, neighbours_in_memory)
{
	struct edu *edu = world_edu(&self->w, 0);
	long entries = containers_value("entries_left:");
	char *thp = mem_thp(2 * MIB);
	unsigned int i, page = 0;

	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, thp);
	for (i = 0; i < 9; page += 1 + i++ % 3)
		batch_map(&batch, at(64 + 8 * i), thp + page * PAGE, (1 + i % 3) * PAGE);
	map_page(self->mem, 0, 0);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(self->w.locked + page + 1, locked_pages());
	EXPECT_EQ(entries, containers_value("entries_left:"));
	memset(thp, 0, page * PAGE);
	for (i = 0; i < 9; i++) {
		memset(self->mem, i + 1, PAGE);
		ASSERT_EQ(0, edu_copy(edu, at(64 + 8 * i) + i % 3 * PAGE, at(0)));
	}
	for (page = 0, i = 0; i < 9; page += 1 + i++ % 3)
		EXPECT_EQ(i + 1, thp[(page + i % 3) * PAGE]) {
			TH_LOG("map %u", i);
		}
	for (batch.nr = 0, i = 0; i < 9; i += 2)
		batch_unmap(&batch, at(64 + 8 * i), (1 + i % 3) * PAGE);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(self->w.locked + page + 1 - batch.unmapped / PAGE, locked_pages());
	EXPECT_EQ(8 + 1, mapped_pages(&self->w));
	EXPECT_EQ(self->w.locked, locked_pages());
	mem_free(thp, 2 * MIB);
}

/* A page that is only read is pinned as such, and its neighbour is written, so it is copied. */
TEST_F(batch, neighbours_of_which_one_is_read)
{
	struct edu *edu = world_edu(&self->w, 0);
	char *mem = source_private_memfd(2 * PAGE, 0);

	ASSERT_NE(NULL, edu);
	ASSERT_NE(NULL, mem);
	map_page(self->mem, 0, 0);
	map_page(mem, 8, 0);
	map_page(mem, 9, 1);
	batch.op[1].flags = VFIO_IOMMU_BATCH_OP_READ;
	ASSERT_EQ(0, run(&self->w));
	memset(self->mem, 7, PAGE);
	ASSERT_EQ(0, edu_copy(edu, at(9), at(0)));
	EXPECT_EQ(7, mem[PAGE]);
	ASSERT_EQ(0, madvise(mem, 2 * PAGE, MADV_DONTNEED));
	EXPECT_NE(7, mem[PAGE]);
	EXPECT_EQ(3, mapped_pages(&self->w));
	mem_free(mem, 2 * PAGE);
}

/* It is not charged, and leaves the IOMMU when its user address ends. */
TEST_F(batch, device_memory_among_memory)
{
	struct edu *edu = world_edu(&self->w, 0);
	unsigned int i;

	ASSERT_NE(NULL, edu);
	for (i = 0; i < 8; i++)
		map_page(i == 4 ? edu->bar - 4 * PAGE : self->mem, i, i);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(8, batch.done);
	EXPECT_EQ(self->w.locked + 7, locked_pages());
	EXPECT_EQ(0, containers_value("revoked_pages:"));
	ASSERT_EQ(0, munmap(edu->bar, PAGE));
	EXPECT_EQ(1, containers_value("revoked_pages:"));
	for (batch.nr = 0, i = 0; i < 8; i++)
		batch_unmap(&batch, at(i), PAGE);
	ASSERT_EQ(0, run(&self->w));
	EXPECT_EQ(8 * PAGE, batch.unmapped);
	EXPECT_EQ(self->w.locked, locked_pages());
}

TEST_F(batch, whole_with_an_unmap_is_einval)
{
	batch.flags = VFIO_IOMMU_BATCH_DMA_WHOLE;
	map_page(self->mem, 0, 0);
	batch_unmap(&batch, at(8), PAGE);
	EXPECT_EQ(-EINVAL, run(&self->w));
	EXPECT_EQ(0, mapped_pages(&self->w));
}

TEST_HARNESS_MAIN
