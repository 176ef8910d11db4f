// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the workers that fill device memory again may fault it in: not while the kernel takes some
 * of their container, nor too many at once, nor so often that looking in vain costs a CPU. Owns
 * ioas->pace and ioas->restoring; knows nothing of what a worker does then.
 */
#include <linux/minmax.h>

#include "bar_state.h"
#include "compat/zap.h"
#include "mm/watch.h"

enum {
	/* Workers of a container, all of which share their threads; more only one by one. */
	RESTORING_MANY = 8,
	RESTORING_MAX = 32,
	LOOKS_A_MS = 16,		/* of all mappings of a container together */
	LONGEST_MS = 3600 * 1000,
};

/* Return: the milliseconds that @looks of each of a container's mappings may take, at least. */
static u64 looks_ms(const struct vib_ioas *ioas, u64 looks)
{
	return min_t(u64, looks * ioas->nr_bars / LOOKS_A_MS, LONGEST_MS);
}

/* Return: after how many ms each that waits has looked: timers are late by an eighth, or ticks. */
static u32 look_late(const struct vib_ioas *ioas)
{
	u32 late = looks_ms(ioas, 1);

	return late + late / 8 + 2 * jiffies_to_msecs(1);
}

/* Unless something has gone meanwhile: that is looked at first. bars_lock is held. */
static void queue_unless_pending(struct vib_bar *bar, u64 delay)
{
	if (!delayed_work_pending(&bar->work))
		vib_bar_queue(bar, delay);
}

/*
 * Return: how long the worker must wait, whose turn comes in @few ms; 0 if it need not. bars_lock
 * is held.
 */
static u32 wait_of(struct vib_bar *bar, u32 now, u32 few)
{
	struct vib_ioas *ioas = bar->ioas;
	u32 quiet = 0;

	if (VIB_COMPAT_ZAPS_AGAIN)
		quiet = vib_pace_quiet(&ioas->pace, now, jiffies_to_msecs(1));
	if (ioas->restoring < RESTORING_MANY)
		return min(quiet, few);
	/* Mostly, there is room again much sooner than a turn comes. */
	return ioas->restoring < RESTORING_MAX ? min_t(u32, few, VIB_RESTORE_MAX) : VIB_RESTORE_MAX;
}

/* Tells, and forgets, whether the kernel has taken some. bars_lock is held. */
static bool is_shaken(struct vib_bar *bar)
{
	bool shaken = bar->shaken;

	WRITE_ONCE(bar->shaken, false);
	return shaken;
}

/*
 * Waits for the end of what has taken addresses of the mapping since this was asked last: who takes
 * them may look then whether somebody has faulted meanwhile. Return: false if nothing was taken.
 * bars_lock is held, and dropped for the wait.
 */
static bool let_it_end(struct vib_bar *bar)
{
	if (!is_shaken(bar))
		return false;
	mutex_unlock(&bar->ioas->bars_lock);
	vib_watch_wait(bar->watch);
	mutex_lock(&bar->ioas->bars_lock);
	return true;
}

/*
 * For a worker that is one of those that may run. In its @turn it asks although something has just
 * been taken, or it might be put off each time, and would use up the turns of others.
 * Return: may it ask? bars_lock is held, and may be dropped meanwhile.
 */
static bool ask_now(struct vib_bar *bar, bool turn)
{
	struct vib_pace *pace = &bar->ioas->pace;
	u32 when;

	/* Before it waits: those that do share the same threads. */
	if (turn)
		bar->turn = vib_pace_turn(pace, vib_bar_now(), bar->turn);
	when = pace->asked;
	/* Many may have waited for what takes long, each in its turn: the last one may ask. */
	if (let_it_end(bar) && (!turn || bar->shaken || pace->asked != when))
		return false;
	bar->asked = true;
	bar->faulted = vib_bar_now();
	vib_pace_ask(pace, bar->faulted);
	return true;
}

bool vib_bar_ask_begin(struct vib_bar *bar)
{
	struct vib_ioas *ioas = bar->ioas;
	u64 wait;
	u32 now, few;

	mutex_lock(&ioas->bars_lock);
	now = vib_bar_now();
	few = vib_pace_few(&ioas->pace, now, bar->turn, look_late(ioas));
	wait = wait_of(bar, now, few);
	if (wait) {
		wait = max(wait, looks_ms(ioas, 1));
	} else {
		ioas->restoring++;
		if (!ask_now(bar, !few)) {
			ioas->restoring--;
			wait = VIB_PACE_FIRST;
		}
	}
	if (wait)
		queue_unless_pending(bar, wait);
	mutex_unlock(&ioas->bars_lock);
	return !wait;
}

void vib_bar_ask_end(struct vib_bar *bar, bool waiting, u64 misses)
{
	struct vib_ioas *ioas = bar->ioas;

	mutex_lock(&ioas->bars_lock);
	ioas->restoring--;
	if (waiting)
		queue_unless_pending(bar, max_t(u64, looks_ms(ioas, misses),
						min_t(u64, 2 * bar->delay, VIB_RESTORE_MAX)));
	mutex_unlock(&ioas->bars_lock);
}
