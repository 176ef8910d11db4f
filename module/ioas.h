/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioas: our per-container address space, and the contracts of all that works on it.
 *
 * Words (one meaning each): container, what user space opens, the VFIO core's object. ioas, ours
 * behind it. domain, one hardware page table and the groups on it. instance, one IOMMU unit. mapping,
 * one MAP_DMA. extent, a run of contiguous PFNs of one mapping. pin, a long-term GUP reference;
 * accounted, charged to locked_vm. fill / drain, put a mapping into a domain / take it out. gather /
 * sync, collect invalidations / one IOTLB flush. windows, the usable IOVA ranges. last is inclusive,
 * end exclusive.
 *
 * Lock order, outermost first:
 *
 *   VFIO core's            group_lock, container lock, iommu_drivers_lock (held when it calls us)
 *   ioas->device_lock      the list of emulated devices; held while they are told of an unmap, with
 *                          nothing else of ours
 *   ioas->domains_rwsem    write: attach, detach, tracking on and off. read: whatever fills or drains.
 *                          Never held across a page fault or a user copy.
 *   ioas->tree_lock        the mapping tree, windows, counters. Short; never held while faulting,
 *                          filling, draining or calling a driver.
 *   mmap_lock              inside pin.c only, with none of ours held
 *   IOMMU core's           group mutex (resolve.c, domain.c)
 *
 * Life of a mapping:
 *
 *   RESERVED --- filled in every domain ---> LIVE --- claimed by an unmap ---> DRAINING ---> gone
 *       \_________________ map failed ____________________________________/
 *
 * A RESERVED or DRAINING mapping belongs to the thread that made it so; it occupies its IOVA range,
 * and whoever needs that range waits (vib_ioas_wait()) holding nothing. A LIVE mapping that a call
 * needs beyond tree_lock is made busy; who wants to claim it waits. Emulated devices never wait. Invariant, whatever the state:
 * with domains_rwsem held for write, every domain holds exactly the extents from @first on of every
 * mapping in the tree. So attach can fill a new domain, and detach forget one, at any moment.
 */
#ifndef VIB_IOAS_H
#define VIB_IOAS_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/wait.h>

#include "domain.h"
#include "params.h"
#include "pin.h"
#include "pure/extents.h"
#include "pure/maptree.h"
#include "pure/windows.h"
#include "resolve.h"

enum vib_state {
	VIB_RESERVED,
	VIB_LIVE,
	VIB_DRAINING,
};

enum {
	VIB_F_UNLIMITED = 1,	/* the mapper had CAP_IPC_LOCK */
	VIB_F_ENTRY = 2,	/* counted against dma_entry_limit */
	VIB_F_PAGEWISE = 4,	/* filled page by page (disable_hugepages) */
	VIB_F_STUCK = 8,	/* an IOMMU driver, or an emulated device, did not let go of it */
	VIB_F_INVALID = 16,	/* its user address was taken back (UNMAP_FLAG_VADDR) */
	VIB_F_ORPHAN = 32,	/* whoever drops the last @busy retires it */
};

/**
 * struct vib_mapping - one MAP_DMA
 * @span: its IOVA range; tree_lock
 * @vaddr: user address of the first byte; tree_lock
 * @owner: whose memory it is; set before it is reserved
 * @extents: what it pinned, filled in every domain from @first on; the thread that owns the
 *	mapping's state changes them under domains_rwsem read
 * @batch: list of whoever drains it
 * @dirty: one bit a page while dirty tracking is on; NULL then stands for all dirty. The pointer
 *	under domains_rwsem, the bits under tree_lock
 * @pins: struct vib_page by page: what emulated devices have pinned; tree_lock
 * @first: extents before this index are drained; as @extents
 * @busy: calls that use the LIVE mapping without owning it; it is not claimed meanwhile; tree_lock
 * @prot: IOMMU_READ and IOMMU_WRITE; constant
 * @state: enum vib_state; tree_lock
 * @flags: VIB_F_*; the thread that owns the mapping's state, INVALID and ORPHAN under tree_lock
 */
struct vib_mapping {
	struct vib_span span;
	u64 vaddr;
	struct vib_owner *owner;
	struct vib_extents extents;
	struct list_head batch;
	u64 *dirty;
	struct rb_root pins;
	u32 first;
	u16 busy;
	u8 prot;
	u8 state;
	u8 flags;
};

/**
 * struct vib_group - one attached group
 * @node: link in its domain's list
 * @iommu: the group; the VFIO core keeps it as long as it is attached
 * @domain: where it is attached
 * @res: what its members said; constant
 * @aperture: what the driver reported for the domain when this group came
 * @joined: it found its domain there
 * @pins_declared: its driver pins what it dirties (pin_pages), so it does not make all memory dirty
 */
struct vib_group {
	struct list_head node;
	struct iommu_group *iommu;
	struct vib_domain *domain;
	struct vib_resolved res;
	struct vib_range aperture;
	bool joined;
	bool pins_declared;
};

/**
 * struct vib_emulated - one attached group of emulated devices
 * @node: link in the ioas' list
 * @iommu: the group
 */
struct vib_emulated {
	struct list_head node;
	struct iommu_group *iommu;
};

/* Tells an emulated device (its list node) that a range is being unmapped. Called under device_lock alone. */
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
 * @handle: what the VFIO core holds in place of a pointer
 * @type: the type id that user space asked for
 * @v2: mappings cannot be cut
 * @pid: who opened it, for people
 * @comm: likewise
 * @params: module parameters; read when needed
 * @domains_rwsem: see above
 * @domains: domains in use; domains_rwsem
 * @next_domain: the next domain's number; domains_rwsem write
 * @emulated: groups of emulated devices; domains_rwsem for write and tree_lock to change
 * @tracking: dirty tracking is on; domains_rwsem
 * @spare: windows to rebuild into, with room for every reserved region; domains_rwsem write
 * @device_lock: guards @devices; held while they are notified, taken by nothing that they call back
 * @devices: emulated devices that want to know of unmaps
 * @notify: how they are told
 * @tree_lock: see above; all below is under it
 * @tree: the mappings
 * @windows: usable IOVA ranges
 * @pgsizes: page sizes that all domains have, as reported
 * @restricted: there is a domain, or one is coming; else @windows limits nothing
 * @coherent: every domain enforces coherency
 * @dying: released; nothing may be added
 * @all_dirty: a group is attached whose DMA nobody reports page by page
 * @invalid: mappings whose user address was taken back
 * @entries_left: how many more mappings that charge nothing are allowed; a handover may take it below 0
 * @changes: grows whenever a mapping leaves RESERVED or DRAINING
 * @wait: for @changes to grow
 * @latest: the owner of the latest mapping
 * @stuck: mappings that an IOMMU driver did not unmap, kept pinned until no domain is left
 * @stats: see there
 */
struct vib_ioas {
	refcount_t refs;
	struct rcu_head rcu;
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
	struct vib_windows spare;

	struct mutex device_lock;
	struct list_head devices;
	vib_notify_fn notify;

	struct mutex tree_lock;
	struct vib_maptree tree;
	struct vib_windows windows;
	u64 pgsizes;
	bool restricted;
	bool coherent;
	bool dying;
	bool all_dirty;
	unsigned long invalid;
	long entries_left;
	unsigned long changes;
	wait_queue_head_t wait;
	struct vib_owner *latest;
	struct list_head stuck;
	struct vib_stats stats;
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

/*
 * What stands in the way of using every mapping in [start, last]: 0, or -EAGAIN when one is coming,
 * going or busy. tree_lock is held.
 */
int vib_ioas_settled(struct vib_ioas *ioas, u64 start, u64 last);

/* The same, waiting (with tree_lock dropped and retaken) until it is 0; -EINTR, without tree_lock, when killed. */
int vib_ioas_settle(struct vib_ioas *ioas, u64 start, u64 last);

/* Lets go of a busy mapping; tree_lock is held. What it adds to @orphans the caller hands to vib_retire() afterwards. */
void vib_mapping_unbusy(struct vib_ioas *ioas, struct vib_mapping *map, struct list_head *orphans);

/* Sleeps until some mapping changes state. Called with tree_lock, returns without; -EINTR when killed. */
int vib_ioas_wait(struct vib_ioas *ioas);

/* A mapping has left RESERVED or DRAINING. tree_lock is held. */
void vib_ioas_changed(struct vib_ioas *ioas);

/* Moves every LIVE mapping out of the tree to @batch; others belong to a call under way. tree_lock is held. */
void vib_ioas_take_live(struct vib_ioas *ioas, struct list_head *batch);

/* Counts IOTLB flushes. Takes tree_lock. */
void vib_ioas_count_syncs(struct vib_ioas *ioas, unsigned int syncs);

int vib_mapping_cache_init(void);
void vib_mapping_cache_fini(void);
struct vib_mapping *vib_mapping_alloc(void);

/* Frees the structure; nothing is pinned any more. */
void vib_mapping_free(struct vib_mapping *map);

/* map.c */

/**
 * vib_map - MAP_DMA
 * @ioas: the address space
 * @iova: first IOVA
 * @vaddr: first user address, of current
 * @size: bytes
 * @prot: IOMMU_READ and IOMMU_WRITE, at least one unless @restore
 * @restore: no new mapping; one whose user address was taken back gets @vaddr (vaddr.c)
 *
 * Return: 0; -EOVERFLOW, -EINVAL, -EEXIST, -ENOSPC, -ENOMEM, -EFAULT, -EINTR, -ENODEV or what GUP or
 * an IOMMU driver says, with everything as before.
 */
int vib_map(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot, bool restore);

/* -EINVAL unless addresses and size suit the smallest page size. tree_lock is held. */
int vib_map_check(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr);

/* unmap.c */

struct vib_dirty_sink;
struct vib_unmap;

/*
 * Checks a request against the rules of the type id: 0 with its last byte in @last, -EINVAL or
 * -EOVERFLOW. tree_lock is held.
 */
int vib_unmap_check(struct vib_ioas *ioas, const struct vib_unmap *req, u64 *last);

/**
 * struct vib_unmap - one UNMAP_DMA
 * @iova: first IOVA
 * @size: bytes
 * @all: everything; @iova and @size are 0
 * @sink: where the dirty bits of what is unmapped go, or NULL
 * @unmapped: result: how many bytes were mapped and are not any more
 */
struct vib_unmap {
	u64 iova;
	u64 size;
	bool all;
	struct vib_dirty_sink *sink;
	u64 unmapped;
};

/*
 * 0, also when nothing was mapped there; -EOVERFLOW, -EINVAL. -EINTR when killed while waiting for
 * another call's mapping, and the sink's errno: then what came before is unmapped.
 */
int vib_unmap(struct vib_ioas *ioas, struct vib_unmap *req);

/* vaddr.c: user addresses that change under a running device (live update) */

/* Takes back the user addresses in the range: bytes in req->unmapped; -EBUSY, -EINVAL, -EOVERFLOW, -EINTR. DMA goes on. */
int vib_vaddr_invalidate(struct vib_ioas *ioas, struct vib_unmap *req);

/*
 * Gives the mapping [iova, last], whose address was taken back, a new one in current's memory; locked
 * memory moves along. -ENOENT, -EINVAL, -ENOMEM, -EINTR with nothing changed. The range is aligned.
 */
int vib_vaddr_restore(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr);

/* dirty.c */

/**
 * struct vib_dirty_sink - who takes dirty bits, and for which range
 * @iova: stands for bit 0
 * @size: bytes
 * @pgsize: bytes a bit
 * @put: takes @n words from word index @word on; the low @keep bits of the first belong to what came
 *	before and stay. May fault; called with no lock held. 0 or -EFAULT
 */
struct vib_dirty_sink {
	u64 iova;
	u64 size;
	u64 pgsize;
	int (*put)(struct vib_dirty_sink *sink, u64 word, u64 *words, u64 n, unsigned int keep);
};

/* Switches tracking on; -ENOMEM, or -EINVAL for a mapping of more than INT_MAX pages: then it is off. -EINTR. */
int vib_dirty_start(struct vib_ioas *ioas);
void vib_dirty_stop(struct vib_ioas *ioas);

/* Reports the pages dirtied in the sink's range and starts over; -EINVAL, -EOVERFLOW, -EINTR, the sink's errno. */
int vib_dirty_get(struct vib_ioas *ioas, struct vib_dirty_sink *sink);

/* Reports one mapping that the caller owns (DRAINING). */
int vib_dirty_emit(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_dirty_sink *sink);

/* Makes a mapping that is being published ready for tracking, if it is on. domains_rwsem is held for read. */
int vib_dirty_prepare(struct vib_ioas *ioas, struct vib_mapping *map);

/* Marks bytes that a device wrote. tree_lock is held. */
void vib_dirty_mark(struct vib_ioas *ioas, struct vib_mapping *map, u64 iova, u64 size);

/* The last group whose DMA nobody reports has left: all it could reach counts as dirty once. tree_lock is held. */
void vib_dirty_mark_all(struct vib_ioas *ioas);

/* retire.c: the end of mappings, cannot fail */

/* Drains DRAINING mappings out of all domains, in batches with one sync each, unpins and frees them. */
void vib_retire(struct vib_ioas *ioas, struct list_head *batch);

/* Unpins and frees mappings that no domain holds and that are in no tree. */
void vib_retire_unmapped(struct list_head *batch);

/* group.c */

/* Attaches a group, filling a new domain where needed. Errno as design of the ABI has it; see group.c. */
int vib_group_attach(struct vib_ioas *ioas, struct iommu_group *iommu);

/* The driver of @iommu pins what it dirties: a real group does not make all memory dirty any more. */
void vib_group_declare_pins(struct vib_ioas *ioas, struct iommu_group *iommu);

/* Takes a group of emulated devices in: no domain, its DMA is done by our pages. -EINVAL, -EBUSY, -ENOMEM. */
int vib_group_attach_emulated(struct vib_ioas *ioas, struct iommu_group *iommu);

/* Detaches either kind; cannot fail. The last group takes all mappings along. */
void vib_group_detach(struct vib_ioas *ioas, struct iommu_group *iommu);

#endif
