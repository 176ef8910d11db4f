// SPDX-License-Identifier: GPL-2.0-only
/*
 * A domain that is new gets what the others have. It may be very much, so that is done in turns.
 * In between, maps and unmaps of the container go on, in the part that is filled, too
 * (iommu/domain.h), and BARs go away. They wait for a turn, which is at most what a slice of an
 * unmap is (engine/slice.h), or one extent.
 */
#include "group.h"

#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "engine/bar.h"
#include "engine/engine.h"

enum {
	/* Page table entries that are made in a turn, */
	TURN = 4096,
	/* or if somebody has waited in each of those before: what a slice has. */
	TURN_MAX = 32 * TURN,
	/* Who spins for the lock is not seen, so one in so many turns ends with a pause anyway, */
	PAUSE_EVERY = 16,
	/* if it is so many ms since the last one: a pause is a tick or two. */
	PAUSE_MS = 100,
};

/* With PREEMPT_RT that cannot be told. */
static bool others_wait(struct vib_ioas *ioas)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) && rwsem_is_contended(&ioas->domains_rwsem);
}

/* Lets those have a turn who wait for domains_rwsem, or with a BAR that goes. */
static void let_others_in(struct vib_ioas *ioas, bool pause)
{
	vib_bars_thaw(ioas);
	up_write(&ioas->domains_rwsem);
	/* Readers have it now. A writer was only woken, and could be forestalled here. */
	if (pause || others_wait(ioas))
		schedule_timeout_uninterruptible(1);
	else
		cond_resched();
	/* In any case: it is also needed for the undo. */
	down_write(&ioas->domains_rwsem);
	vib_bars_freeze(ioas);
}

/*
 * Turns get longer while somebody waits in each. A call gets no more than a batch or a slice done
 * in between, so it takes very many of them to keep this from coming to its end.
 */
static int fill_in_turns(struct vib_ioas *ioas, struct vib_domain *dom)
{
	unsigned long paused = jiffies;
	unsigned int nr = 0;
	s64 turn = TURN;
	bool pause;
	int ret;

	for (;;) {
		ret = vib_fill_domain(ioas, dom, turn);
		if (ret != VIB_FILL_MORE)
			return ret;
		turn = others_wait(ioas) ? min_t(s64, 2 * turn, TURN_MAX) : TURN;
		pause = !(++nr % PAUSE_EVERY) &&
			time_after(jiffies, paused + msecs_to_jiffies(PAUSE_MS));
		let_others_in(ioas, pause);
		if (pause)
			paused = jiffies;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

int vib_fill_fresh(struct vib_ioas *ioas, struct vib_domain *dom)
{
	bool first = list_empty(&ioas->domains);
	int ret;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	dom->id = ioas->next_domain++;
	list_add_tail(&dom->node, &ioas->domains);
	ret = first ? vib_fill_domain(ioas, dom, S64_MAX) : fill_in_turns(ioas, dom);
	if (ret)
		list_del_init(&dom->node);
	return ret;
}
