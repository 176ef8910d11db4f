// SPDX-License-Identifier: GPL-2.0-only
/* See witness.h. */
#include <string.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/util.h"
#include "memlock.h"
#include "witness.h"

/* Where no operation maps, and the memory there while a device is at work. */
#define SCRATCH (64 * GIB)

enum { MAX_FOUND = 64 };

static struct edu *edu_of(struct side *side)
{
	return &side->w.slot[side->home].edu;
}

static char *scratch(struct side *side)
{
	return side->bitmap.mem;
}

/* Both devices at once: each transfer takes its time. */
static bool transfer(struct pair *pair, __u64 iova,
		     void (*start)(struct edu *edu, __u64 iova))
{
	start(edu_of(&pair->type1), iova);
	start(edu_of(&pair->ours), iova);
	if (edu_wait(edu_of(&pair->type1)) || edu_wait(edu_of(&pair->ours)))
		return pair_disagree(pair, "a device does not finish");
	return true;
}

static void fill(struct pair *pair, int byte)
{
	memset(scratch(&pair->type1), byte, PAGE);
	memset(scratch(&pair->ours), byte, PAGE);
}

static bool compare_read(struct pair *pair, __u64 iova)
{
	fill(pair, 0x77);
	if (!transfer(pair, SCRATCH, edu_start_fetch) ||
	    !transfer(pair, iova, edu_start_fetch) ||
	    !transfer(pair, SCRATCH, edu_start_store))
		return false;
	if (memcmp(scratch(&pair->type1), scratch(&pair->ours), PAGE))
		return pair_disagree(pair, "devices read unlike bytes");
	return true;
}

static bool compare_write(struct pair *pair, __u64 iova)
{
	__u64 type1[MAX_FOUND], ours[MAX_FOUND];
	unsigned int n, m;

	fill(pair, 0x99);
	if (!transfer(pair, SCRATCH, edu_start_fetch) ||
	    !transfer(pair, iova, edu_start_store))
		return false;
	n = arena_restamp(&pair->type1.arena, type1, MAX_FOUND);
	m = arena_restamp(&pair->ours.arena, ours, MAX_FOUND);
	if (n != m || (n && (n > 1 || type1[0] != ours[0])))
		return pair_disagree(pair, "devices wrote %u pages (%#llx) and %u (%#llx)",
				     n, n ? type1[0] : 0, m, m ? ours[0] : 0);
	return true;
}

static bool at_work(struct pair *pair, __u64 iova)
{
	__u64 size;
	bool same;

	if (dma_map(pair->type1.w.container, SCRATCH, scratch(&pair->type1),
		    PAGE, DMA_RW) ||
	    dma_map(pair->ours.w.container, SCRATCH, scratch(&pair->ours),
		    PAGE, DMA_RW))
		return pair_disagree(pair, "no scratch page for the devices");
	same = compare_read(pair, iova) && compare_write(pair, iova);
	if (dma_unmap(pair->type1.w.container, SCRATCH, PAGE, 0, &size) ||
	    dma_unmap(pair->ours.w.container, SCRATCH, PAGE, 0, &size))
		return pair_disagree(pair, "the scratch page does not go");
	return same;
}

bool witness(struct pair *pair, const struct op *op)
{
	const struct live *live = model_at(&pair->model, op->iova);

	/* Not into a device's registers, nor where no stamp tells the place. */
	if (live && !(live->region && live->region->stamped))
		return true;
	memlock_allow(-1);
	return at_work(pair, op->iova);
}
