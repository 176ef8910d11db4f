/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioas: our per-container address space, and the contracts of all that works on it. The words
 * are explained in module/README.md.
 *
 * Lock order, outermost first:
 *
 *   VFIO core's            group_lock, container lock, iommu_drivers_lock (held when it calls us)
 *   ioas->device_lock      the list of emulated devices; held alone while their drivers are told of
 *                          an unmap, which may pin and unpin from inside that call
 *   ioas->domains_rwsem    write: attach, detach, tracking on and off. read: whatever fills or
 *                          unfills. Never held across a page fault or a user copy.
 *   ioas->tree_lock        the mapping tree, IOVA ranges, counters. Short; never held while
 *                          faulting, filling, unfilling or calling a driver.
 *   pool->lock             what mappings of a process share (mm/pool.h); nothing is taken inside
 *   mmap_lock              taken inside mm/ only; of ours, device_lock at most is held
 *   ioas->bars_lock        device memory in mappings (bar.h); taken when the kernel calls us with
 *                          mmap_lock and others held. Nothing allocates, faults or copies under it.
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
#include "pure/pace.h"
#include "pure/ranges.h"
#include "trace/reason.h"

struct vib_bulk_op;

/* Tells an emulated device (its list node) of an unmap. Called under device_lock alone. */
typedef void (*vib_notify_fn)(struct list_head *device, u64 iova, u64 size);

/**
 * struct vib_ioas - the address space behind one container
 * @refs: one for the container, one for each call under way
 * @rcu: frees it after lookups by handle, which run under RCU
 * @hash: link in the table of handles
 * @handle: number that the VFIO core holds in place of a pointer; the container's in debugfs
 * @type: the type id that user space asked for
 * @v2: an unmap that would cut a mapping is refused (any type id but VFIO_TYPE1_IOMMU)
 * @pid, @comm: process that opened it, for debugfs
 * @params: module parameters; read when needed
 * @domains_rwsem: see above
 * @domains: domains in use; domains_rwsem
 * @next_domain: id of the next domain; domains_rwsem write
 * @tracking: dirty tracking is on; changed under domains_rwsem write and tree_lock
 * @emulated: groups of emulated devices; changed under domains_rwsem write and tree_lock
 * @spare: IOVA ranges to rebuild into, with room for every reserved region; domains_rwsem write
 * @device_lock: protects @devices; no call that a notified driver makes may take it
 * @devices: emulated devices that are notified of unmaps
 * @notify: notifies one of them
 * @tree_lock: see above; protects everything from here to @stats
 * @tree: the mappings
 * @ranges: usable IOVA ranges
 * @pgsizes: page sizes that all domains have; vib_ioas_pgsizes() tells which are offered
 * @restricted: a domain exists or is being attached; otherwise @ranges does not apply
 * @coherent: every domain enforces coherency
 * @dying: released; nothing may be added
 * @all_dirty: a group is attached whose DMA nobody reports page by page
 * @tracked: how often tracking was started; tells bitmaps of an earlier start apart
 * @dirty_unit: bytes for each dirty bit, fixed when tracking was last started
 * @invalid: number of mappings whose user address was taken back
 * @entry_limit: dma_entry_limit as it was when the container was opened; constant
 * @entries_left: how many more mappings that charge nothing are allowed; a handover may take it
 *	below 0
 * @changes: grows whenever a mapping leaves RESERVED or DRAINING
 * @wait: for @changes to grow
 * @latest: owner of the latest mapping, reused while the same process maps
 * @kept: struct vib_page of each page that emulated devices still pin of mappings that are gone
 * @stats: for debugfs: mappings made and removed, and flushes asked of IOMMU drivers
 * @spares: mappings that were freed, with a lock of their own
 * @spare_ops: room for the operations of a call of many, or NULL; changed with xchg()
 * @bars_lock: device memory in mappings (bar.h); protects @bars_frozen and all below
 * @bars_wait: woken when a fill of device memory ends, or when fewer are @bars_waiting
 * @bars_frozen: domains are being attached, detached or filled: the callback of bar.h waits
 * @nr_bars: mappings with device memory; @bars_waiting: callbacks that wait for fills
 * @restoring: workers that fault device memory in; @pace: when they may
 */
struct vib_ioas {
	refcount_t refs;
	u32 handle;
	struct rcu_head rcu;
	struct hlist_node hash;
	u32 type;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	const struct vib_params *params;

	struct rw_semaphore domains_rwsem;
	struct list_head domains;
	unsigned int next_domain;
	bool v2, tracking, bars_frozen;
	u8 restoring;
	struct list_head emulated;
	struct vib_ranges spare;

	struct mutex device_lock;
	struct list_head devices;
	vib_notify_fn notify;

	struct mutex tree_lock;
	struct vib_maptree tree;
	struct vib_ranges ranges;
	u64 pgsizes;
	bool restricted, coherent, dying, all_dirty;
	unsigned int tracked;
	u64 dirty_unit;
	unsigned int invalid;
	unsigned int changes;
	unsigned int entry_limit;
	unsigned int nr_bars;
	long entries_left;
	wait_queue_head_t wait;
	struct vib_owner *latest;
	struct rb_root kept;
	struct {
		u64 maps;
		u64 unmaps;
		u64 syncs;
	} stats;

	struct vib_spares spares;
	struct vib_bulk_op *spare_ops;

	struct mutex bars_lock;
	wait_queue_head_t bars_wait;
	unsigned int bars_waiting;
	struct vib_pace pace;
};

/* Creates the ioas of one container. Return: its handle, never NULL, or ERR_PTR(-ENOMEM). */
void *vib_ioas_open(unsigned long type, bool v2, const struct vib_params *params,
		    vib_notify_fn notify);

/* Drops the container's reference. Calls under way finish on references of their own. */
void vib_ioas_release(void *handle);

/* Return: a reference for the time of one call; NULL after vib_ioas_release(). */
struct vib_ioas *vib_ioas_get(void *handle);
void vib_ioas_put(struct vib_ioas *ioas);

/* Waits until no call runs in any ioas; at module exit, when no new one can be opened. */
void vib_ioas_wait_all(void);

/* Calls @fn for every ioas, under a reference; stops at the first non-zero value. */
int vib_ioas_for_each(int (*fn)(struct vib_ioas *ioas, void *data), void *data);

#endif
