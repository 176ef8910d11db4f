/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mapping, and its life. The locks named here are those of its ioas (ioas.h).
 *
 * Life of a mapping:
 *
 *   RESERVED --- filled in every domain ---> LIVE --- claimed by an unmap ---> DRAINING ---> gone
 *       \_________________ map failed ____________________________________/
 *
 * A DEAD mapping is one that an IOMMU driver did not unmap: nobody can use it, and it keeps its
 * pins and its range until the last domain has been freed.
 *
 * A RESERVED or DRAINING mapping belongs to the thread that made it so; it occupies its IOVA range,
 * and a call that needs that range waits (vib_ioas_wait()) holding nothing. A call that needs a
 * LIVE mapping after dropping tree_lock marks it busy; an unmap claims it and waits until it is
 * not. Calls of emulated devices never wait.
 *
 * Invariant, whatever the state: with domains_rwsem held for write, every domain holds exactly the
 * extents from @first on of every mapping in the tree, but for holes; one that is being filled
 * (iommu/domain.h), those of them that are below dom->filled. So attach can fill a new domain, and
 * detach forget one, at any moment.
 */
#ifndef VIB_MAPPING_H
#define VIB_MAPPING_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>

#include "pure/maptree.h"
#include "pure/stretch.h"

struct vib_bar;
struct vib_owner;
struct vib_use;

enum vib_state {
	VIB_RESERVED,
	VIB_LIVE,
	VIB_DRAINING,
	VIB_DEAD,
};

/*
 * PARTIAL: its extents cover less than its span, because the map failed. ENTRY: counted against
 * dma_entry_limit. PAGEWISE: filled page by page (disable_hugepages). STUCK: an IOMMU driver did
 * not unmap some of it, so no further extent is unpinned. INVALID: its user address was taken back
 * (UNMAP_FLAG_VADDR). ORPHAN: the call that drops the last @busy retires it. KEPT: an emulated
 * device did not unpin its pages. HANDOVER: in a handover's list (by @node), not to be claimed.
 * DEVICE: it has device memory, so some of its extents may be holes (bar.h). USES: @uses is set,
 * not @bar. SHARED: its extents are not its own (shared.h).
 */
enum {
	VIB_F_PARTIAL	= BIT(0),
	VIB_F_ENTRY	= BIT(1),
	VIB_F_PAGEWISE	= BIT(2),
	VIB_F_STUCK	= BIT(3),
	VIB_F_INVALID	= BIT(4),
	VIB_F_ORPHAN	= BIT(5),
	VIB_F_KEPT	= BIT(6),
	VIB_F_HANDOVER	= BIT(7),
	VIB_F_DEVICE	= BIT(8),
	VIB_F_USES	= BIT(9),
	VIB_F_SHARED	= BIT(10),
};

/**
 * struct vib_mapping - one MAP_DMA
 * @span: its IOVA range; tree_lock
 * @vaddr: user address of the first byte; tree_lock
 * @owner: process whose memory it is; set before it is reserved
 * @extents: what it pinned, filled in every domain from @first on; the thread that owns the
 *	mapping's state changes them under domains_rwsem read
 * @node: link in a list of the thread that owns it
 * @spare: once it is freed: the next one of struct vib_spares
 * @dirty: one bit a page while dirty tracking is on; NULL then stands for all dirty. The pointer
 *	under domains_rwsem, the bits under tree_lock
 * @dirty_shift: log2 of the bytes a bit of @dirty stands for; as @dirty
 * @pins: struct vib_page of each page that emulated devices have pinned; tree_lock
 * @first: extents before this index are unfilled; as @extents
 * @busy: calls that use the mapping without owning it; it is not retired meanwhile; tree_lock
 * @bar: its device memory, NULL without; the thread that owns the mapping's state sets it
 * @uses: with VIB_F_USES, its uses of pinned memory (mm/pinned.h); as @bar
 * @prot: IOMMU_READ and IOMMU_WRITE; constant
 * @state: enum vib_state; tree_lock
 * @stamp: of the call that made it, if that may have to undo it (struct vib_bulk), else 0; constant
 * @flags: VIB_F_*; the thread that owns the mapping's state, INVALID and ORPHAN under tree_lock
 */
struct vib_mapping {
	struct vib_span span;
	u64 vaddr;
	struct vib_owner *owner;
	struct vib_extents extents;
	union {
		struct list_head node;
		struct vib_mapping *spare;
	};
	u64 *dirty;
	struct rb_root pins;
	u32 first;
	u32 busy;
	union {
		struct vib_bar *bar;
		struct vib_use *uses;
	};
	u8 prot;
	u8 dirty_shift;
	u8 state;
	u16 stamp;
	u16 flags;
};

/* The mapping that a span of an ioas' tree is part of. */
static inline struct vib_mapping *vib_mapping_of(struct vib_span *span)
{
	return container_of(span, struct vib_mapping, span);
}

/**
 * struct vib_spares - mappings that were freed, and are kept for the next ones
 * @lock: protects the others
 * @first: the list
 * @nr: how many there are
 */
struct vib_spares {
	struct vib_mapping *first;
	spinlock_t lock;
	unsigned int nr;
};

static inline void vib_spares_init(struct vib_spares *spares)
{
	spin_lock_init(&spares->lock);
	spares->first = NULL;
	spares->nr = 0;
}

/* Frees all; nobody uses them any more. */
void vib_spares_fini(struct vib_spares *spares);

int vib_mapping_cache_init(void);
void vib_mapping_cache_fini(void);

/*
 * Allocates a mapping; the caller sets @span, @vaddr, @prot, @stamp and @flags, the rest is
 * initialised. Return: NULL without memory.
 */
struct vib_mapping *vib_mapping_alloc(struct vib_spares *spares);

/* The same for @nr of them. Return: false, with none allocated, without memory. */
bool vib_mapping_alloc_many(struct vib_spares *spares, void **maps, unsigned int nr);

/* Frees a mapping that pins nothing any more. */
void vib_mapping_free(struct vib_spares *spares, struct vib_mapping *map);

/* Frees all mappings of a list, linked by their @node. */
void vib_mapping_free_list(struct vib_spares *spares, struct list_head *list);

#endif
