// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the workers that fill device memory again may fault it in: not while the kernel takes some
 * of their container, nor too many at once, nor so often that looking in vain costs a CPU. Owns
 * ioas->pace and ioas->restoring; knows nothing of what a worker does then.
 */
#include <linux/minmax.h>

#include "bar_state.h"
#include "mm/watch.h"

enum {
	RESTORING_MAX = 8,		/* workers of a container; all share their threads */
	LOOKS_A_MS = 16,		/* of all mappings of a container together */
	LONGEST_MS = 3600 * 1000,
};

/* Return: the milliseconds that @looks of each of a container's mappings may take, at least. */
static u64 looks_ms(const struct vib_ioas *ioas, u64 looks)
{
	return min_t(u64, looks * ioas->nr_bars / LOOKS_A_MS, LONGEST_MS);
}

/* Unless something has gone meanwhile: that is looked at first. bars_lock is held. */
static void queue_unless_pending(struct vib_bar *bar, u64 delay)
{
	if (!delayed_work_pending(&bar->work))
		vib_bar_queue(bar, delay);
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

/* The worker is one of those that may run at once. bars_lock is held. */
static bool may_fault(struct vib_bar *bar)
{
	struct vib_ioas *ioas = bar->ioas;

	if (let_it_end(bar) || vib_pace_early(&ioas->pace, vib_bar_now()))
		return false;
	bar->asked = true;
	bar->faulted = vib_bar_now();
	return true;
}

bool vib_bar_ask_begin(struct vib_bar *bar)
{
	struct vib_ioas *ioas = bar->ioas;
	bool may;

	mutex_lock(&ioas->bars_lock);
	may = ioas->restoring < RESTORING_MAX;
	if (may) {
		ioas->restoring++;
		may = may_fault(bar);
		ioas->restoring -= !may;
	}
	if (!may)
		queue_unless_pending(bar, max_t(u64, vib_pace_pause(&ioas->pace, vib_bar_now()),
						looks_ms(ioas, 1)));
	mutex_unlock(&ioas->bars_lock);
	return may;
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
