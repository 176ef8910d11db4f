// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of many maps and unmaps in one call fails once. What fails in a group
 * of maps is tried again alone, so the call fails only where its operations have no
 * room: then nothing is done, also none of its unmaps. A map that is in no group is tried
 * once, so none here is left over.
 */
#include "fault_pieces.h"
#include "lib/batch.h"

/* Each test has a process of its own. */
static struct batch batch;

static void add_pages(struct sweep *sweep)
{
	unsigned int i;

	for (i = 0; i < MEM_PAGES; i++)
		batch_map(&batch, IOVA + GIB + i * PAGE, sweep->mem + i * PAGE, PAGE);
}

static int map_batch(struct sweep *sweep)
{
	batch.nr = 0;
	batch.flags = VFIO_IOMMU_BATCH_DMA_WHOLE;
	add_pages(sweep);
	return batch_run(sweep->w.container, &batch);
}

static int unmap(struct sweep *sweep)
{
	return dma_unmap(sweep->w.container, IOVA + GIB, MEM_SIZE, 0, NULL);
}

/* In parts, since what is unmapped last is mapped first. */
static int remap_batch(struct sweep *sweep)
{
	batch.nr = 0;
	batch.flags = 0;
	batch_map(&batch, IOVA + 2 * GIB, sweep->mem, PAGE);
	batch_map(&batch, IOVA + 2 * GIB + PAGE, sweep->mem, PAGE);
	batch_unmap(&batch, IOVA + GIB, MEM_SIZE);
	add_pages(sweep);
	batch_unmap(&batch, IOVA + 2 * GIB, 2 * PAGE);
	return batch_run(sweep->w.container, &batch);
}

static int nothing(struct sweep *sweep)
{
	(void)sweep;
	return 0;
}

static int with_tracking(struct sweep *sweep)
{
	int ret = with_two_domains(sweep);

	return ret ? ret : start(sweep);
}

static bool mapped_in_both(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(2, 2 * MEM_PAGES);
}

FIXTURE_VARIANT_ADD(fails, map)
{
	.deed = {
		.prepare = with_two_domains, .act = map_batch,
		.done = mapped_in_both, .undo = unmap, .failures = 1,
	},
};

FIXTURE_VARIANT_ADD(fails, map_tracked)
{
	.deed = {
		.prepare = with_tracking, .act = map_batch, .done = mapped_in_both,
		.undo = unmap, .failures = 1,
	},
};

FIXTURE_VARIANT_ADD(fails, unmap_and_map)
{
	.deed = {
		.prepare = with_two_domains, .act = remap_batch,
		.done = mapped_in_both, .undo = nothing, .failures = 2,
	},
};

TEST_F(fails, at_every_allocation)
{
	fault_sweep(_metadata, &self->sweep, &variant->deed);
}

TEST_HARNESS_MAIN
