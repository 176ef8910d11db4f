/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of the device memory of one mapping, shared by bar.c, which takes it out of the
 * domains, and what stands above: bar_restore.c, which fills it again through fill.c, bar_life.c
 * and bar_move.c. Nothing else looks inside.
 */
#ifndef VIB_BAR_STATE_H
#define VIB_BAR_STATE_H

#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "ioas.h"

struct vib_watch;
struct vib_watch_event;

/* Milliseconds that the worker waits before it tries again: doubled each time, up to MAX. */
enum {
	VIB_RESTORE_FIRST = 2,
	VIB_RESTORE_MAX = 50,
};

/**
 * struct vib_bar - the device memory of one mapping; under bars_lock, unless it says otherwise
 * @ioas: constant
 * @map: constant
 * @watch: of the mapping's user addresses; the thread that owns the mapping changes it
 * @base: user address of the mapping's first byte, as watched: without a tag
 * @work: fills holes again
 * @device: one bit for each page: device memory was filled, and its user address has not ended
 * @gone_end: page behind the last bit of @gone that may be set
 * @zapped: hull of the user addresses that were taken since what is not filled yet was read
 * @delay: milliseconds until the next try of @work, or VIB_RESTORE_MAX if they are more
 * @turn: see vib_pace_few()
 * @faulted: when @work began to fault, in vib_bar_now()
 * @asked: it has, since the kernel took some
 * @filling: extents are being filled or changed; the callback waits
 * @entered: some domain may hold extents of the mapping
 * @live: the worker may fill
 * @left: the user address was taken back by the client
 * @holes: extents were turned into holes; they may be filled again since
 * @uses: the mapping's uses of pinned memory (shared.h); constant while it is LIVE
 * @shaken: the kernel has taken addresses, and @work has not waited yet for that to end
 * @stuck: an IOMMU driver did not let go of some: it will be DEAD, and nothing comes back
 * @gone: one bit for each page: its user address has ended; @device is behind it
 */
struct vib_bar {
	struct vib_ioas *ioas;
	struct vib_mapping *map;
	struct vib_watch *watch;
	u64 base;
	struct delayed_work work;
	unsigned long *device;
	u64 gone_end;
	struct vib_range zapped;
	u32 faulted;
	u8 delay;
	u8 turn;
	bool asked;
	bool filling;
	bool entered;
	bool live;
	bool left;
	bool holes;
	bool shaken;
	bool stuck;
	struct vib_use *uses;
	unsigned long gone[];
};

/* bar.c */

/* Milliseconds, for ioas->pace. bars_lock is held, so that times do not overtake each other. */
static inline u32 vib_bar_now(void)
{
	return jiffies_to_msecs(jiffies);
}

static inline u64 vib_bar_size(const struct vib_bar *bar)
{
	return vib_span_size(&bar->map->span);
}

/* Is any of @size bytes among what the kernel has taken? bars_lock is held. */
static inline bool vib_bar_zapped(const struct vib_bar *bar, u64 vaddr, u64 size)
{
	return bar->zapped.start < vaddr + size && vaddr <= bar->zapped.last;
}

static inline void vib_bar_clear_zapped(struct vib_bar *bar)
{
	bar->zapped = (struct vib_range){ .start = U64_MAX };
}

/*
 * To be called before user addresses are read, if nothing that was read before is still to be
 * filled. Nothing of ours is held.
 */
void vib_bar_look(struct vib_bar *bar);

/* The callback of the watch (vib_watch_fn). */
bool vib_bar_event(void *data, struct vib_watch *watch, const struct vib_watch_event *event);

/* Stops the worker until vib_bar_live(). Nothing of ours is held. */
void vib_bar_stop(struct vib_bar *bar);

/*
 * Takes device memory in [start, last] out of every domain. Return: how many pages. bars_lock is
 * held; no fill, attach or detach is under way: the caller has waited, or holds domains_rwsem for
 * read.
 */
u64 vib_bar_revoke(struct vib_bar *bar, u64 start, u64 last);

/* Notes that an extent of device memory at @iova is filled, or about to be. bars_lock is held. */
void vib_bar_note_device(struct vib_bar *bar, u64 iova, u64 ext);

/* Lets the worker try in @delay milliseconds, if it may. bars_lock is held. */
void vib_bar_queue(struct vib_bar *bar, unsigned int delay);

/* bar_pace.c */

/*
 * May the worker fault now? If not, it has been queued again; if so, vib_bar_ask_end() has to
 * follow. May sleep; nothing of ours is held.
 */
bool vib_bar_ask_begin(struct vib_bar *bar);

/*
 * Lets others fault. If it is @waiting for what it asked for @misses times in vain, the worker
 * tries again: after VIB_RESTORE_MAX at most, unless so much is waiting that looking in vain would
 * take more than a part of a CPU, which nobody is charged for.
 */
void vib_bar_ask_end(struct vib_bar *bar, bool waiting, u64 misses);

/* bar_restore.c: the worker. */
void vib_bar_restore(struct work_struct *work);

#endif
