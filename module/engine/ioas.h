/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioas: our per-container address space, and the contracts of all that works on it. The words
 * are explained in module/README.md.
 *
 * Lock order, outermost first:
 *
 *   VFIO core's            group_lock, container lock, iommu_drivers_lock (held when it calls us)
 *   ioas->device_lock      the list of emulated devices; held while they are told of an unmap, with
 *                          nothing else of ours
 *   ioas->domains_rwsem    write: attach, detach, tracking on and off. read: whatever fills or
 *                          unfills. Never held across a page fault or a user copy.
 *   ioas->tree_lock        the mapping tree, IOVA ranges, counters. Short; never held while
 *                          faulting, filling, unfilling or calling a driver.
 *   mmap_lock              inside mm/ only, with none of ours held
 *   ioas->bars_lock        device memory in mappings (bar.h); taken when the kernel calls us with
 *                          mmap_lock and others held. Nobody allocates, faults or copies under it.
 *   IOMMU core's           group mutex (iommu/)
 */
#ifndef VIB_IOAS_H
#define VIB_IOAS_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/wait.h>

#include "mapping.h"
#include "mm/owner.h"
#include "params.h"
#include "pure/maptree.h"
#include "pure/ranges.h"
#include "trace/reason.h"

/* Tells an emulated device (its list node) of an unmap. Called under device_lock alone. */
typedef void (*vib_notify_fn)(struct list_head *device, u64 iova, u64 size);

/**
 * struct vib_stats - what debugfs tells; tree_lock
 * @maps: mappings made
 * @unmaps: mappings taken away
 * @syncs: IOTLB flushes asked of IOMMU drivers
 */
struct vib_stats {
	u64 maps;
	u64 unmaps;
	u64 syncs;
};

/**
 * struct vib_ioas - the address space behind one container
 * @refs: one of the container, one for each call under way
 * @rcu: lookups by handle run under RCU
 * @hash: link in the table of handles
 * @handle: what the VFIO core holds in place of a pointer
 * @type: the type id that user space asked for
 * @v2: mappings cannot be cut
 * @pid, @comm: who opened it, for people
 * @params: module parameters; read when needed
 * @domains_rwsem: see above
 * @domains: domains in use; domains_rwsem
 * @next_domain: the next domain's number; domains_rwsem write
 * @emulated: groups of emulated devices; domains_rwsem for write and tree_lock to change
 * @tracking: dirty tracking is on; domains_rwsem for write and tree_lock to change
 * @spare: IOVA ranges to rebuild into, with room for every reserved region; domains_rwsem write
 * @device_lock: guards @devices; held while they are notified, taken by nothing that they call back
 * @devices: emulated devices that want to know of unmaps
 * @notify: how they are told
 * @tree_lock: see above; all below is under it
 * @tree: the mappings
 * @ranges: usable IOVA ranges
 * @pgsizes: page sizes that all domains have; what is offered: vib_ioas_pgsizes()
 * @restricted: there is a domain, or one is coming; else @ranges limits nothing
 * @coherent: every domain enforces coherency
 * @dying: released; nothing may be added
 * @dirty_unit: bytes a bit since tracking was last started; the smallest page size stays that
 * @tracked: how often tracking was started: bitmaps of another start do not mix
 * @all_dirty: a group is attached whose DMA nobody reports page by page
 * @invalid: mappings whose user address was taken back
 * @entry_limit: dma_entry_limit as it was when the container was opened; constant
 * @entries_left: how many more mappings that charge nothing are allowed; a handover may take it
 *	below 0
 * @changes: grows whenever a mapping leaves RESERVED or DRAINING
 * @wait: for @changes to grow
 * @latest: the owner of the latest mapping
 * @kept: struct vib_page by page: what emulated devices keep pinned of mappings that are gone
 * @stats: see there
 * @bars_lock: device memory in mappings (bar.h); all below is under it
 * @bars_wait: for fills of device memory to end
 * @bars_frozen: domains come, go or are filled
 * @nr_bars: mappings with device memory
 */
struct vib_ioas {
	refcount_t refs;
	struct rcu_head rcu;
	struct hlist_node hash;
	u32 handle;
	unsigned long type;
	bool v2;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	const struct vib_params *params;

	struct rw_semaphore domains_rwsem;
	struct list_head domains;
	unsigned int next_domain;
	struct list_head emulated;
	bool tracking;
	struct vib_ranges spare;

	struct mutex device_lock;
	struct list_head devices;
	vib_notify_fn notify;

	struct mutex tree_lock;
	struct vib_maptree tree;
	struct vib_ranges ranges;
	u64 pgsizes;
	bool restricted;
	bool coherent;
	bool dying;
	bool all_dirty;
	u64 dirty_unit;
	unsigned int tracked;
	unsigned long invalid;
	long entry_limit;
	long entries_left;
	unsigned long changes;
	wait_queue_head_t wait;
	struct vib_owner *latest;
	struct rb_root kept;
	struct vib_stats stats;

	struct mutex bars_lock;
	wait_queue_head_t bars_wait;
	bool bars_frozen;
	unsigned long nr_bars;
};

/* ioas.c: birth, death, and finding it from the handle */

/* A new ioas for one container: its handle, never NULL, or ERR_PTR(-ENOMEM). */
void *vib_ioas_open(unsigned long type, bool v2, const struct vib_params *params,
		    vib_notify_fn notify);

/* The container lets go. Calls under way finish on their own reference. */
void vib_ioas_release(void *handle);

/* A reference for the time of one call; NULL when the container has let go. */
struct vib_ioas *vib_ioas_get(void *handle);
void vib_ioas_put(struct vib_ioas *ioas);

/* Waits until no call runs in any ioas; at module exit, when no new one can be opened. */
void vib_ioas_wait_all(void);

/* Calls @fn for every ioas, under a reference; stops at the first non-zero value. */
int vib_ioas_for_each(int (*fn)(struct vib_ioas *ioas, void *data), void *data);

#endif
