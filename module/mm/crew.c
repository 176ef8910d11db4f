// SPDX-License-Identifier: GPL-2.0-only
/*
 * Populates memory with several threads. Knows nothing of pins, charges, IOVAs or containers.
 *
 * A window of the range is cut into chunks. All threads, the caller too, take chunks until none is
 * left; while the caller then pins the window, the helpers go on with the next one. Whether memory
 * is untouched is told by the page faults that the caller had while it pinned: memory that is there
 * costs a comparison for each GUP call. Helpers are called as the caller meets more of it, and if
 * what is left would take it long: one page that is missing is not worth sixteen threads.
 *
 * What a helper (helpers.c) faults in (populate.c) is charged as the caller's fault would be: for
 * pages the kernel takes the memory cgroup from the mm, for page tables from the thread.
 *
 * Invariants: a helper touches the crew only between vib_crew_advance() and vib_crew_end(), which
 * waits for it; so the caller's mm lives. crew->next only grows, and chunks are taken in order.
 */
#include "crew.h"

#include <linux/ktime.h>
#include <linux/sched/signal.h>

#include "compat/mm.h"
#include "pin.h"
#include "populate.h"
#include "trace/help.h"

#define WINDOW		((u64)SZ_128M)
#define CHUNK		((u64)SZ_4M)

enum { PACE_SHIFT = 20 };	/* it is per MiB */

/*
 * Grows with what the calling thread faults in, and with the process's hugetlb memory: up to 6.4
 * GUP faults that in without counting it. Other threads may change that, so it is looked at until
 * it is known that the range has none, and a difference may be negative.
 */
static u64 fault_count(const struct vib_crew *crew)
{
	u64 faults = current->min_flt + current->maj_flt;

	return crew->no_hugetlb ? faults : faults + vib_compat_hugetlb_usage(crew->mm);
}

static u64 faults_since(const struct vib_crew *crew, u64 before)
{
	return max_t(s64, fault_count(crew) - before, 0);
}

static unsigned int parity_of(u64 vaddr)
{
	return vaddr / WINDOW & 1;
}

/*
 * Takes the next chunk below @limit; from half a chunk to one and a half where it does not begin at
 * the start of one. Less could be the end of a huge page that the caller has met already, and would
 * tell nothing of what is behind it.
 */
static bool take_chunk(struct vib_crew *crew, u64 limit, u64 *start, u64 *end)
{
	bool taken;

	spin_lock(&crew->lock);
	limit = min(limit, crew->open);
	taken = crew->next < limit && !crew->failed;
	if (taken) {
		*start = crew->next;
		*end = min(round_down(*start + crew->chunk * 3 / 2, crew->chunk), limit);
		crew->next = *end;
		crew->busy[parity_of(*start)]++;
	}
	spin_unlock(&crew->lock);
	return taken;
}

/*
 * Takes and populates a chunk below @limit. Return: how many bytes that was, with the page faults
 * that it took in @faults; 0 if there is none.
 */
static u64 help_once(struct vib_crew *crew, u64 limit, u64 *faults)
{
	u64 start, end, before = fault_count(crew);
	bool done, last;

	if (!take_chunk(crew, limit, &start, &end))
		return 0;
	done = vib_populate(crew->mm, start, end);
	*faults = faults_since(crew, before);
	spin_lock(&crew->lock);
	crew->busy[parity_of(start)]--;
	crew->faults[parity_of(start)] += *faults;
	crew->failed |= !done;
	crew->pages += (end - start) >> PAGE_SHIFT;
	last = !crew->busy[parity_of(start)] || crew->failed;
	spin_unlock(&crew->lock);
	/* A single chunk is nobody's concern; new ones are told by open_window(). */
	if (last)
		wake_up_all(&crew->wait);
	return end - start;
}

static bool has_chunk(struct vib_crew *crew)
{
	bool has;

	spin_lock(&crew->lock);
	has = crew->next < crew->open && !crew->failed;
	spin_unlock(&crew->lock);
	return has;
}

/* Will there be no chunk any more? */
static bool is_over(struct vib_crew *crew)
{
	bool over;

	spin_lock(&crew->lock);
	over = crew->next >= crew->stop || crew->failed;
	spin_unlock(&crew->lock);
	return over;
}

static bool is_idle(struct vib_crew *crew, unsigned int parity)
{
	bool idle;

	spin_lock(&crew->lock);
	idle = !crew->busy[parity];
	spin_unlock(&crew->lock);
	return idle;
}

/* What a helper does. */
static void help_until_over(void *data)
{
	struct vib_crew *crew = data;
	u64 faults;

	while (!is_over(crew) && vib_helpers_placed(&crew->helpers))
		if (!help_once(crew, U64_MAX, &faults))
			wait_event_idle(crew->wait, is_over(crew) || has_chunk(crew));
}

/* Lets threads take chunks from @vaddr up to @end. */
static void open_window(struct vib_crew *crew, u64 vaddr, u64 end)
{
	spin_lock(&crew->lock);
	crew->next = max(crew->next, vaddr);
	crew->open = max(crew->open, end);
	spin_unlock(&crew->lock);
	wake_up_all(&crew->wait);
}

static u64 window_end(struct vib_crew *crew, u64 vaddr)
{
	return min(round_down(vaddr, WINDOW) + WINDOW, crew->stop);
}

/* If the window before @vaddr was worth while so far, begins the next one. */
static void open_next(struct vib_crew *crew, u64 vaddr)
{
	bool useful;

	spin_lock(&crew->lock);
	useful = crew->faults[parity_of(vaddr - 1)] && !crew->failed;
	spin_unlock(&crew->lock);
	if (useful)
		open_window(crew, vaddr, window_end(crew, vaddr));
}

/* Before any helper is there: ends the window after what is done. Return: where. */
static u64 cut_window(struct vib_crew *crew)
{
	spin_lock(&crew->lock);
	crew->open = crew->next;
	spin_unlock(&crew->lock);
	return crew->open;
}

static void close_window(struct vib_crew *crew, unsigned int parity)
{
	spin_lock(&crew->lock);
	crew->faults[parity] = 0;
	spin_unlock(&crew->lock);
}

/* What is left, in ns that it would take the caller. */
static u64 time_left(const struct vib_crew *crew)
{
	return ((crew->stop - READ_ONCE(crew->next)) >> PACE_SHIFT) * READ_ONCE(crew->pace);
}

/* Helpers that pay for what is left. */
static unsigned int helpers_worth(const struct vib_crew *crew)
{
	return vib_helpers_worth(time_left(crew), crew->wanted);
}

/* Asked before each helper, as moving one makes others wait. */
static bool has_work(void *data)
{
	return !is_over(data) && vib_helpers_worth(time_left(data), 1);
}

/* Of two chunks in a row the faster one counts: in the other the caller may have had to wait. */
static void measure_pace(struct vib_crew *crew, u64 bytes, u64 ns)
{
	u64 pace = div64_u64(ns << PACE_SHIFT, bytes);

	WRITE_ONCE(crew->pace, min(pace, crew->pace_before));
	crew->pace_before = pace;
}

/* Twice as many threads, but no more than are worth it. */
static void call_helpers(struct vib_crew *crew, unsigned int worth)
{
	unsigned int nr = crew->helpers.started;

	if (worth > nr)
		vib_helpers_start(&crew->helpers, min(worth - nr, nr + 1));
}

/*
 * The caller's part of a window. One chunk may have faults for another reason; no helper is called
 * before the second. Return: where it ends.
 */
static u64 work_off(struct vib_crew *crew, u64 end)
{
	u64 begun = ktime_get_ns(), bytes, faults;

	while ((bytes = help_once(crew, end, &faults))) {
		crew->met = faults ? crew->met + 1 : 0;
		measure_pace(crew, bytes, ktime_get_ns() - begun);
		if (crew->met > 1)
			call_helpers(crew, helpers_worth(crew));
		if (!crew->helpers.started && crew->met != 1)
			return cut_window(crew);
		begun = ktime_get_ns();
	}
	return end;
}

/* Waits for who has taken a chunk. Return: 0, or -ERESTARTSYS if the caller is killed. */
static int await_others(struct vib_crew *crew, unsigned int parity)
{
	long left;

	while (!(left = wait_event_killable_timeout(crew->wait, is_idle(crew, parity),
						    VIB_HELPERS_PATIENCE)))
		vib_helpers_gather(&crew->helpers);
	return left < 0 ? left : 0;
}

static void populate_window(struct vib_crew *crew, u64 vaddr)
{
	u64 end = window_end(crew, vaddr);
	unsigned int parity = parity_of(vaddr);

	open_window(crew, vaddr, end);
	end = work_off(crew, end);
	/* The helpers need not wait for the last of them, either. */
	if (crew->helpers.started)
		open_next(crew, end);
	if (await_others(crew, parity))
		return;
	if (crew->helpers.started)
		open_next(crew, end);
	close_window(crew, parity);
	crew->populated = end;
}

/*
 * Return: bytes that a thread takes at a time, so that no huge page is left to two; 0 if a window
 * has too few of them.
 */
static u64 chunk_size(struct vib_crew *crew, u64 vaddr)
{
	u64 page = vib_populate_page_size(crew->mm, vaddr);
	u64 size = max3(CHUNK, (u64)PMD_SIZE, page);

	crew->no_hugetlb = page == PAGE_SIZE;
	return page && size <= WINDOW / 4 ? size : 0;
}

/* When untouched memory is met: can there be helpers for what is left from @vaddr on? */
static bool prepare_crew(struct vib_crew *crew, u64 vaddr)
{
	crew->chunk = chunk_size(crew, vaddr);
	if (crew->chunk)
		crew->wanted = vib_helpers_begin(&crew->helpers, crew->threads);
	crew->failed = !crew->wanted;
	return crew->wanted;
}

void vib_crew_advance(struct vib_crew *crew, u64 vaddr)
{
	if (vaddr < crew->populated || crew->failed)
		return;
	if ((crew->open > vaddr || fault_count(crew) != crew->seen) &&
	    (crew->wanted || prepare_crew(crew, vaddr)))
		populate_window(crew, vaddr);
	crew->seen = fault_count(crew);
}

/* What will be refused is not populated first. */
static bool is_beyond_limit(const struct vib_pin *pin)
{
	u64 locked, limit;

	vib_owner_account(pin->owner, &locked, &limit);
	return !pin->uncharged && limit != U64_MAX && locked + pin->left > limit;
}

void vib_crew_begin(struct vib_crew *crew, struct vib_pin *pin, unsigned int threads)
{
	struct mm_struct *mm = pin->owner->mm;

	if (threads == 1 || !pin->write || mm != current->mm || is_beyond_limit(pin))
		return;
	memset(crew, 0, sizeof(*crew));
	crew->helpers.mm = mm;
	crew->helpers.name = "vib-map";
	crew->helpers.work = help_until_over;
	crew->helpers.has_work = has_work;
	crew->helpers.data = crew;
	crew->mm = mm;
	crew->threads = threads;
	crew->stop = pin->vaddr + (pin->left << PAGE_SHIFT);
	crew->seen = fault_count(crew);
	crew->pace_before = U64_MAX;
	init_waitqueue_head(&crew->wait);
	spin_lock_init(&crew->lock);
	pin->crew = crew;
}

void vib_crew_end(struct vib_crew *crew)
{
	struct vib_helpers *helpers = &crew->helpers;

	if (!crew->wanted)
		return;
	spin_lock(&crew->lock);
	crew->failed = true;
	spin_unlock(&crew->lock);
	wake_up_all(&crew->wait);
	vib_helpers_end(helpers);
	if (crew->pages)
		trace_vib_populate(helpers->begun, crew->pages);
}
