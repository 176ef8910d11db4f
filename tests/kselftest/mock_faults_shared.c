// SPDX-License-Identifier: GPL-2.0-only
/*
 * As mock_faults, of memory that another mapping of the process has already: what
 * cannot be borrowed for want of memory is pinned and charged again, or the call
 * fails; either way nothing stays behind when it is unmapped.
 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>

#include "fault_pieces.h"
#include "lib/blocking_mem.h"

enum { LEAST = 512, AREA = 3 * LEAST };	/* pages that are shared; of the memory */

#define HOLDER (IOVA + GIB)
#define BORROWER (IOVA + 2 * GIB)

static char *area;			/* of this test alone: it has a process of its own */
static long held;			/* pages that the first mapping has */

/* Another mapping has these pages of the area. */
static int hold(struct sweep *sweep, unsigned int first, unsigned int pages)
{
	int ret = begin_with(&sweep->w, SLOT_A);

	area = mem_scattered(AREA * PAGE);
	held = pages;
	if (!area)
		return -ENOMEM;
	return ret ? ret : dma_map(sweep->w.container, HOLDER, area + first * PAGE,
				   pages * PAGE, DMA_RW);
}

static int map_area(struct sweep *sweep)
{
	return dma_map(sweep->w.container, BORROWER, area, AREA * PAGE, DMA_RW);
}

static int unmap_area(struct sweep *sweep)
{
	return dma_unmap(sweep->w.container, BORROWER, AREA * PAGE, 0, NULL);
}

/* All is mapped, and what is charged once more has a pin of its own. */
static bool has_area(struct sweep *sweep)
{
	long again = locked_pages() - sweep->before.locked;

	return domains_hold(1, held + AREA) && again <= AREA &&
	       pinned_pages() - sweep->before.pinned == again;
}

static int with_all_held(struct sweep *sweep)
{
	return hold(sweep, 0, AREA);
}

FIXTURE_VARIANT_ADD(fails, map_what_is_held)
{
	.deed = {
		.prepare = with_all_held, .act = map_area, .done = has_area,
		.undo = unmap_area, .pages = true, .failures = 1,
	},
};

/* Before and behind that it has parts of its own. */
static int with_the_middle_held(struct sweep *sweep)
{
	return hold(sweep, LEAST / 2, LEAST);
}

FIXTURE_VARIANT_ADD(fails, map_around_what_is_held)
{
	.deed = {
		.prepare = with_the_middle_held, .act = map_area, .done = has_area,
		.undo = unmap_area, .pages = true, .failures = 1,
	},
};

/* Some of the pages are new ones, so it is borrowed in parts. */
static int with_pages_changed(struct sweep *sweep)
{
	static const unsigned int changed[] = { 0, LEAST, LEAST + 1, 2 * LEAST, AREA - 1 };
	int ret = hold(sweep, 0, AREA);
	unsigned int i;

	for (i = 0; !ret && i < sizeof(changed) / sizeof(changed[0]); i++) {
		ret = neg_errno(madvise(area + changed[i] * PAGE, PAGE, MADV_DONTNEED));
		area[changed[i] * PAGE] = 1;
	}
	return ret;
}

FIXTURE_VARIANT_ADD(fails, map_what_has_changed)
{
	.deed = {
		.prepare = with_pages_changed, .act = map_area, .done = has_area,
		.undo = unmap_area, .pages = true, .failures = 1,
	},
};

/*
 * Another thread maps the same memory while a call waits for its last page, and is done first. The
 * failure comes to the call that waits.
 */

enum { OVERTAKEN = 1023 + 5 };		/* GUP is asked for few in the end, so nobody waits */

static struct {
	struct blocking_mem b;
	sem_t go, gone;
	struct sweep *sweep;
	volatile bool over;		/* the call that waits has ended */
	int ret;
} other;

static int overtake_call(void)
{
	int ret;

	while (blocking_mem_awaited(&other.b, 20))
		if (other.over)
			return -ECANCELED;
	ret = blocking_mem_provide_quietly(&other.b);
	if (!ret)
		ret = dma_map(other.sweep->w.container, HOLDER, other.b.mem, OVERTAKEN * PAGE,
			      DMA_RW);
	blocking_mem_wake(&other.b);
	return ret;
}

static void *overtake_calls(void *arg)
{
	(void)arg;
	for (;;) {
		sem_wait(&other.go);
		other.ret = overtake_call();
		sem_post(&other.gone);
	}
	return NULL;
}

static int with_another_thread(struct sweep *sweep)
{
	pthread_t thread;
	int ret = begin_with(&sweep->w, SLOT_A);

	other.sweep = sweep;
	if (ret || sem_init(&other.go, 0, 0) || sem_init(&other.gone, 0, 0) ||
	    pthread_create(&thread, NULL, overtake_calls, NULL))
		return ret ? ret : -EAGAIN;
	return blocking_mem_open_part(&other.b, OVERTAKEN * PAGE, (OVERTAKEN - 1) * PAGE, PAGE);
}

/* Ends the other mapping, if it came that far, and takes the page away again. */
static int undo_other(void)
{
	int ret = 0;

	if (!other.ret)
		ret = dma_unmap(other.sweep->w.container, HOLDER, OVERTAKEN * PAGE, 0, NULL);
	return ret ? ret : neg_errno(madvise(other.b.missing, PAGE, MADV_DONTNEED));
}

static int map_overtaken(struct sweep *sweep)
{
	int ret;

	other.over = false;
	sem_post(&other.go);
	ret = dma_map(sweep->w.container, BORROWER, other.b.mem, OVERTAKEN * PAGE, DMA_RW);
	other.over = true;
	sem_wait(&other.gone);
	if (ret)
		undo_other();
	else if (other.ret)
		return other.ret;
	return ret;
}

static int unmap_overtaken(struct sweep *sweep)
{
	int ret = dma_unmap(sweep->w.container, BORROWER, OVERTAKEN * PAGE, 0, NULL);

	return ret ? ret : undo_other();
}

/* Once, or twice where it found no memory to note that it is there once. */
static bool has_overtaken(struct sweep *sweep)
{
	long charged = locked_pages() - sweep->before.locked;

	return domains_hold(1, 2 * OVERTAKEN) &&
	       (charged == OVERTAKEN || charged == 2 * OVERTAKEN) &&
	       pinned_pages() - sweep->before.pinned == charged;
}

FIXTURE_VARIANT_ADD(fails, map_what_came_meanwhile)
{
	.deed = {
		.prepare = with_another_thread, .act = map_overtaken, .done = has_overtaken,
		.undo = unmap_overtaken, .pages = true, .failures = 1,
	},
};

TEST_F(fails, at_every_allocation)
{
	fault_sweep(_metadata, &self->sweep, &variant->deed);
}

TEST_HARNESS_MAIN
