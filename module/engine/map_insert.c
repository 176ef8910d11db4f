// SPDX-License-Identifier: GPL-2.0-only
/*
 * What MAP_DMA checks before anything is pinned, in the ABI's order, and the reservation of its
 * IOVA range. Knows nothing of pages and domains.
 */
#include "engine.h"
#include "dirty.h"
#include "map_steps.h"
#include "pure/iova.h"
#include "states.h"
#include "trace/refusal.h"
#include "trace/trace.h"

int vib_map_check_args(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, u64 *last)
{
	u64 vlast;

	if (!vib_fits_long(iova) || !vib_fits_long(vaddr) || !vib_fits_long(size))
		return vib_refuse(ioas->handle, VIB_REASON_WRAP, -EOVERFLOW);
	if (!size)
		return vib_refuse(ioas->handle, VIB_REASON_EMPTY, -EINVAL);
	if (!vib_range_last(iova, size, last) || !vib_range_last(vaddr, size, &vlast))
		return vib_refuse(ioas->handle, VIB_REASON_WRAP, -EOVERFLOW);
	return 0;
}

/* Return: -EEXIST if a mapping overlaps; -EAGAIN if all that do are RESERVED or DRAINING. */
static int find_obstacle(struct vib_ioas *ioas, struct vib_span *span, u64 last)
{
	for (; span; span = vib_maptree_next(span, last))
		if (vib_mapping_of(span)->state == VIB_LIVE ||
		    vib_mapping_of(span)->state == VIB_DEAD)
			return vib_refuse(ioas->handle, VIB_REASON_OVERLAP, -EEXIST);
	return -EAGAIN;
}

int vib_map_check(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr)
{
	u64 mask = vib_pgsize_smallest(vib_ioas_pgsizes(ioas)) - 1;

	lockdep_assert_held(&ioas->tree_lock);
	if (ioas->dying)
		return vib_refuse(ioas->handle, VIB_REASON_CLOSING, -EINVAL);
	if ((iova | (last + 1) | vaddr) & mask)
		return vib_refuse(ioas->handle, VIB_REASON_ALIGN, -EINVAL);
	return 0;
}

noinline int vib_map_no_entry(struct vib_ioas *ioas)
{
	char name[TASK_COMM_LEN];

	vib_caller_name(name);
	pr_warn_ratelimited("%s[%d]: dma_entry_limit of %u reached: 1 more mapping without locked memory asked for\n",
			    name, current->tgid, ioas->entry_limit);
	trace_vib_limit(VIB_REASON_ENTRIES, 1, ioas->entry_limit - ioas->entries_left,
			ioas->entry_limit);
	return vib_refuse(ioas->handle, VIB_REASON_ENTRIES, -ENOSPC);
}

/* Checks the IOVA ranges or, without a domain, dma_entry_limit. tree_lock is held. */
static int check_room(struct vib_ioas *ioas, struct vib_mapping *map)
{
	lockdep_assert_held(&ioas->tree_lock);
	if (!ioas->restricted)
		return ioas->entries_left > 0 ? 0 : vib_map_no_entry(ioas);
	if (!vib_ranges_hold(&ioas->ranges, map->span.start, map->span.last))
		return vib_refuse(ioas->handle, VIB_REASON_OUTSIDE, -EINVAL);
	return 0;
}

/* Sets the mapping's owner, and keeps it in the ioas for the next one. tree_lock is held. */
static __always_inline int set_owner(struct vib_ioas *ioas, struct vib_mapping *map)
{
	struct vib_owner *owner;

	lockdep_assert_held(&ioas->tree_lock);
	owner = vib_owner_current(ioas->latest);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	map->owner = owner;
	if (owner != ioas->latest) {
		vib_owner_put(ioas->latest);
		ioas->latest = vib_owner_get(owner);
	}
	return 0;
}

int vib_map_insert(struct vib_ioas *ioas, struct vib_mapping *map)
{
	u64 start = map->span.start, last = map->span.last;
	int ret;

	lockdep_assert_held(&ioas->tree_lock);
	ret = vib_map_check(ioas, start, last, map->vaddr);
	if (ret)
		return ret;
	if (vib_maptree_insert(&ioas->tree, &map->span))
		return find_obstacle(ioas, vib_maptree_first(&ioas->tree, start, last), last);
	ret = check_room(ioas, map);
	if (!ret)
		ret = set_owner(ioas, map);
	if (ret)
		vib_maptree_erase(&ioas->tree, &map->span);
	return ret;
}
