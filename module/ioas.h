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
 * and whoever needs that range waits (vib_ioas_wait()) holding nothing. Invariant, whatever the state:
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
	VIB_F_STUCK = 8,	/* an IOMMU driver did not let go of it */
};

/**
 * struct vib_mapping - one MAP_DMA
 * @span: its IOVA range; tree_lock
 * @vaddr: user address of the first byte; tree_lock
 * @owner: whose memory it is; set before it is reserved
 * @extents: what it pinned, filled in every domain from @first on; the thread that owns the
 *	mapping's state changes them under domains_rwsem read
 * @batch: list of whoever drains it
 * @first: extents before this index are drained; as @extents
 * @prot: IOMMU_READ and IOMMU_WRITE; constant
 * @state: enum vib_state; tree_lock
 * @flags: VIB_F_*; the thread that owns the mapping's state
 */
struct vib_mapping {
	struct vib_span span;
	u64 vaddr;
	struct vib_owner *owner;
	struct vib_extents extents;
	struct list_head batch;
	u32 first;
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
 */
struct vib_group {
	struct list_head node;
	struct iommu_group *iommu;
	struct vib_domain *domain;
	struct vib_resolved res;
	struct vib_range aperture;
	bool joined;
};

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
 * @spare: windows to rebuild into, with room for every reserved region; domains_rwsem write
 * @tree_lock: see above; all below is under it
 * @tree: the mappings
 * @windows: usable IOVA ranges
 * @pgsizes: page sizes that all domains have, as reported
 * @restricted: there is a domain, or one is coming; else @windows limits nothing
 * @coherent: every domain enforces coherency
 * @dying: released; nothing may be added
 * @entries_left: how many more mappings that charge nothing are allowed
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
	struct vib_windows spare;

	struct mutex tree_lock;
	struct vib_maptree tree;
	struct vib_windows windows;
	u64 pgsizes;
	bool restricted;
	bool coherent;
	bool dying;
	unsigned int entries_left;
	unsigned long changes;
	wait_queue_head_t wait;
	struct vib_owner *latest;
	struct list_head stuck;
	struct vib_stats stats;
};

/* ioas.c: birth, death, and finding it from the handle */

/* A new ioas for one container: its handle, never NULL, or ERR_PTR(-ENOMEM). */
void *vib_ioas_open(unsigned long type, bool v2, const struct vib_params *params);

/* The container lets go. Calls under way finish on their own reference. */
void vib_ioas_release(void *handle);

/* A reference for the time of one call; NULL when the container has let go. */
struct vib_ioas *vib_ioas_get(void *handle);
void vib_ioas_put(struct vib_ioas *ioas);

/* Waits until no call runs in any ioas; at module exit, when no new one can be opened. */
void vib_ioas_wait_all(void);

/* Calls @fn for every ioas, under a reference; stops at the first non-zero value. */
int vib_ioas_for_each(int (*fn)(struct vib_ioas *ioas, void *data), void *data);

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
 * @prot: IOMMU_READ and IOMMU_WRITE, at least one
 *
 * Return: 0; -EOVERFLOW, -EINVAL, -EEXIST, -ENOSPC, -ENOMEM, -EFAULT, -EINTR, -ENODEV or what GUP or
 * an IOMMU driver says, with everything as before.
 */
int vib_map(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot);

/* unmap.c */

/**
 * vib_unmap - UNMAP_DMA
 * @ioas: the address space
 * @iova: first IOVA
 * @size: bytes
 * @all: everything; @iova and @size are 0
 * @unmapped: gets how many bytes were mapped and are not any more
 *
 * Return: 0, also when nothing was mapped there; -EOVERFLOW, -EINVAL; -EINTR when killed while waiting
 * for another call's mapping: then what came before is unmapped.
 */
int vib_unmap(struct vib_ioas *ioas, u64 iova, u64 size, bool all, u64 *unmapped);

/* retire.c: the end of mappings, cannot fail */

/* Drains DRAINING mappings out of all domains, in batches with one sync each, unpins and frees them. */
void vib_retire(struct vib_ioas *ioas, struct list_head *batch);

/* Unpins and frees mappings that no domain holds and that are in no tree. */
void vib_retire_unmapped(struct list_head *batch);

/* group.c */

/* Attaches a group, filling a new domain where needed. Errno as design of the ABI has it; see group.c. */
int vib_group_attach(struct vib_ioas *ioas, struct iommu_group *iommu);

/* Detaches it; cannot fail. The last group takes all mappings along. */
void vib_group_detach(struct vib_ioas *ioas, struct iommu_group *iommu);

#endif
