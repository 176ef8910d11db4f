// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares the unpinning of one row of extents out among threads (helpers.c). Knows nothing of who
 * held the pins.
 *
 * What a page takes depends on whether it is one of a huge page, and most of all on whether our pin
 * is its last reference, because its process has given it up: then it is freed. So the caller
 * begins alone, and calls helpers if the rest would take it long, at the pace so far.
 *
 * Unpinning must not fail, nor wait for memory, least of all have somebody killed for it, when it
 * is about to give memory back. So there are helpers only where memory is to be had at once.
 *
 * Invariant: every page is in exactly one piece that a thread takes, and all pieces are done when
 * the last helper has ended its work. Threads write nothing but the place of the next piece.
 */
#include "unpin_crew.h"

#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "compat/memcg.h"
#include "helpers.h"
#include "pure/piece.h"
#include "trace/help.h"
#include "unpin.h"

enum {
	LEAST_PAGES = SZ_64M >> PAGE_SHIFT,	/* fewer are not worth looking at the clock */
	PIECE_ALONE = SZ_32M >> PAGE_SHIFT,	/* pages of a piece, without helpers */
	PIECE_SHARED = SZ_4M >> PAGE_SHIFT,	/* with helpers, so that all end together */
	PAGE_PACE_SHIFT = 10,			/* a pace is per 1,024 pages */
	HELPER_PAGES = DIV_ROUND_UP(THREAD_SIZE + SZ_16K, PAGE_SIZE), /* what a thread takes */
};

/**
 * struct unpin_crew - what the threads have to do
 * @helpers: those beside the caller
 * @ex: the row; constant
 * @dirty: the device may have written; constant
 * @pages: how many there are; constant
 * @piece: pages of a piece; constant while there are helpers
 * @pace: ns that the caller takes for 1,024 pages; constant while there are helpers
 * @pace_before: the same, as the piece before the last one says
 * @lock: protects what is below
 * @pos: the first page that nobody has taken
 * @taken: pages before it
 */
struct unpin_crew {
	struct vib_helpers helpers;
	struct vib_extents *ex;
	bool dirty;
	u64 pages;
	u64 piece;
	u64 pace;
	u64 pace_before;
	spinlock_t lock;
	struct vib_extent_pos pos;
	u64 taken;
};

/*
 * A process that ends gets no thread any more, and the memory of one that has to end, because
 * there is too little, is free soonest without. Workers of io_uring and vhost close files, too, but
 * are not made for what begins threads.
 */
static bool may_be_helped(void)
{
	return current->mm && !(current->flags & PF_EXITING) && !vib_compat_is_worker() &&
	       !fatal_signal_pending(current) && !tsk_is_oom_victim(current);
}

/* Takes a piece and unpins it. Return: its pages; 0 if there was none. */
static u64 unpin_piece(struct unpin_crew *crew)
{
	struct vib_unpinning up = { .dirty = crew->dirty };
	struct vib_piece piece;
	u64 pages;

	spin_lock(&crew->lock);
	pages = vib_piece_take(crew->ex, &crew->pos, crew->piece, &piece);
	crew->taken += pages;
	spin_unlock(&crew->lock);
	vib_unpin_add_words(&up, piece.words, piece.nr);
	vib_unpin_flush(&up);
	cond_resched();
	return pages;
}

/* What a helper does. */
static void unpin_pieces(void *data)
{
	struct unpin_crew *crew = data;

	while (vib_helpers_placed(&crew->helpers) && unpin_piece(crew))
		;
}

/* What nobody has taken, in ns that it would take the caller. */
static u64 rest_time(struct unpin_crew *crew)
{
	u64 pages;

	spin_lock(&crew->lock);
	pages = crew->pages - crew->taken;
	spin_unlock(&crew->lock);
	return pages * crew->pace >> PAGE_PACE_SHIFT;
}

/* Asked before each helper: it may be slow to come, and others do the rest meanwhile. */
static bool has_rest(void *data)
{
	return vib_helpers_worth(rest_time(data), 1);
}

/* Return: how many helpers the rest is worth. */
static unsigned int rest_worth(struct unpin_crew *crew)
{
	unsigned int worth = vib_helpers_worth(rest_time(crew), VIB_MAP_THREADS);

	return worth && may_be_helped() ? worth : 0;
}

/* Of two pieces in a row the faster one counts: in the other the caller may have had to wait. */
static void measure_piece(struct unpin_crew *crew, u64 pages, u64 ns)
{
	u64 pace = div64_u64(ns << PAGE_PACE_SHIFT, pages);

	crew->pace = min(pace, crew->pace_before);
	crew->pace_before = pace;
}

/* Unpins alone until that was all, or helpers are worth while. Return: how many are. */
static unsigned int unpin_alone(struct unpin_crew *crew)
{
	u64 begun = ktime_get_ns(), pages;
	unsigned int worth = 0;

	while (!worth && (pages = unpin_piece(crew))) {
		measure_piece(crew, pages, ktime_get_ns() - begun);
		worth = rest_worth(crew);
		begun = ktime_get_ns();
	}
	return worth;
}

/*
 * Is there memory for so many helpers, in the caller's cgroup and beside it? Merely to find that
 * out is no reason to wait. Between this and their beginning others may take it; but a cgroup that
 * is full of what is pinned stays so.
 */
static bool can_afford(unsigned int helpers)
{
	unsigned int wanted = helpers * HELPER_PAGES;
	void **page, *pages = NULL;
	bool over;

	if (vib_compat_is_over_memory_high())
		return false;
	while (wanted && !vib_compat_is_over_memory_high()) {
		page = (void **)__get_free_page(GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN);
		if (!page)
			break;
		*page = pages;
		pages = page;
		wanted--;
	}
	while (pages) {
		page = pages;
		pages = *page;
		free_page((unsigned long)page);
	}
	over = vib_compat_is_over_memory_high();
	vib_compat_forget_memory_high();
	return !wanted && !over;
}

/* Unpins what is left, with as many helpers if there can be some. */
static void unpin_with_helpers(struct unpin_crew *crew, unsigned int threads, unsigned int worth)
{
	unsigned int most = 0;

	if (can_afford(min(worth, threads - 1)))
		most = vib_helpers_begin(&crew->helpers, threads);
	if (most) {
		crew->piece = PIECE_SHARED;
		vib_helpers_start(&crew->helpers, min(most, worth));
	}
	while (unpin_piece(crew))
		;
	if (!most)
		return;
	vib_helpers_end(&crew->helpers);
	trace_vib_unpin(crew->helpers.begun, crew->pages);
}

static noinline_for_stack void unpin_many(struct vib_extents *ex, u64 pages, bool dirty,
					  unsigned int threads)
{
	struct unpin_crew crew = {
		.helpers = {
			.mm = current->mm,
			.name = "vib-unmap",
			.work = unpin_pieces,
			.has_work = has_rest,
			.data = &crew,
		},
		.ex = ex,
		.dirty = dirty,
		.pages = pages,
		.piece = PIECE_ALONE,
		.pos = vib_extents_seek(ex, 0),
	};
	unsigned int worth;

	spin_lock_init(&crew.lock);
	worth = unpin_alone(&crew);
	if (worth)
		unpin_with_helpers(&crew, threads, worth);
}

void vib_unpin_with(struct vib_extents *ex, u64 pages, bool dirty, unsigned int threads)
{
	if (threads < 2 || pages < LEAST_PAGES || !may_be_helped())
		(void)vib_unpin(ex, 0, ex->nr, dirty);
	else
		unpin_many(ex, pages, dirty, threads);
}
