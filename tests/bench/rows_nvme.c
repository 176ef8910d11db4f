// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that maps per command, as libvfn does: NVME_DEPTH reads at a time, each into a page that
 * is mapped for it and unmapped when it has completed. With a call for each map and unmap, and with
 * one call of VFIO_IOMMU_BATCH_DMA in each round, which unmaps what has completed and maps what
 * comes next. Units are commands; waiting for the controller is not counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../kselftest/lib/batch.h"
#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "nvme.h"
#include "rows.h"

#define IOVA (8 * GIB)

enum {
	ROUNDS = 8,
	BLOCKS = ROUNDS * NVME_DEPTH,
	SCATTER = 37,		/* no two neighbours in memory are read in turn */
};

static __u64 slot_iova(unsigned int i)
{
	return IOVA + i * 2 * PAGE;
}

static char *page_of(char *mem, unsigned int block)
{
	return mem + block * SCATTER % BLOCKS * PAGE;
}

static void submit(struct nvme *n, unsigned int round)
{
	unsigned int i;

	for (i = 0; i < NVME_DEPTH; i++)
		nvme_read(n, round * NVME_DEPTH + i, slot_iova(i));
}

static void complete(struct nvme *n)
{
	meter_pause();
	nvme_wait(n, NVME_DEPTH);
	meter_resume();
}

static void read_singly(struct nvme *n, char *mem)
{
	unsigned int round, i;
	int ret = 0;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < NVME_DEPTH; i++)
			ret |= dma_map(n->container, slot_iova(i),
				       page_of(mem, round * NVME_DEPTH + i), PAGE, DMA_RW);
		submit(n, round);
		complete(n);
		for (i = 0; i < NVME_DEPTH; i++)
			ret |= dma_unmap(n->container, slot_iova(i), PAGE, 0, NULL);
	}
	must(ret ? -1 : 0, "a map or an unmap of a command");
}

static void read_in_batches(struct nvme *n, char *mem)
{
	static struct batch batch;
	unsigned int round, i;
	int ret = 0;

	for (round = 0; round <= ROUNDS; round++) {
		batch.nr = 0;
		for (i = 0; round && i < NVME_DEPTH; i++)
			batch_unmap(&batch, slot_iova(i), PAGE);
		for (i = 0; round < ROUNDS && i < NVME_DEPTH; i++)
			batch_map(&batch, slot_iova(i), page_of(mem, round * NVME_DEPTH + i), PAGE);
		ret |= batch_run(n->container, &batch);
		if (round == ROUNDS)
			break;
		submit(n, round);
		complete(n);
	}
	must(ret ? -1 : 0, "many maps and unmaps of commands");
}

/* Each block of the drive begins with its number. */
static void check_blocks(char *mem)
{
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		if (atoi(page_of(mem, i)) != (int)i)
			fail("block %u was not read", i);
	}
}

static void measure(const struct contender *who, struct nvme *n, char *mem, const char *row,
		    void (*reads)(struct nvme *n, char *mem))
{
	reads(n, mem);
	memset(mem, '-', BLOCKS * PAGE);
	meter_start(who->name, row);
	reads(n, mem);
	meter_stop(BLOCKS);
	check_blocks(mem);
}

static void reads(const struct contender *who, char *mem)
{
	struct nvme n;
	struct world w;
	bool batches;

	open_world(&w, who, 1);
	if (!nvme_open(&n, w.container))
		fail("%s: no NVMe controller", who->name);
	batches = container_extension(w.container, VFIO_BATCH_DMA) == 1;
	measure(who, &n, mem, "nvme/single/64", read_singly);
	measure(who, &n, mem, "nvme/batch/64", batches ? read_in_batches : read_singly);
	nvme_close(&n);
	close_world(&w);
}

void rows_nvme(const char *unused)
{
	char *mem = mem_small(BLOCKS * PAGE);
	int i;

	must(mem ? 0 : -ENOMEM, "memory to read to");
	for (i = 0; i < CONTENDERS; i++)
		reads(&contenders[i], mem);
	mem_free(mem, BLOCKS * PAGE);
}
