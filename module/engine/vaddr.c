// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live update: user addresses are taken back while DMA goes on, and set again, possibly by another
 * process. Pins, extents and domains are not touched; only the address and the account move.
 */
#include "engine.h"
#include "bar_life.h"
#include "mm/watch.h"
#include "shared.h"
#include "states.h"
#include "walk.h"

#include "pure/iova.h"
#include "trace/trace.h"

/* Is it RESERVED, DRAINING or busy? A call that needs it waits. */
static bool is_unsettled(const struct vib_mapping *map)
{
	return map->state != VIB_DEAD && (map->state != VIB_LIVE || map->busy);
}

/*
 * Must taking back the address wait? It must if the mapping is RESERVED or DRAINING, or is being
 * given an address. Any other call that is busy with it reads its dirty bits and needs no address.
 */
static bool must_wait_for(const struct vib_mapping *map)
{
	if (map->state == VIB_LIVE)
		return map->flags & VIB_F_INVALID && map->busy;
	return map->state != VIB_DEAD;
}

/* Return: 0; -EAGAIN to wait for the mapping; -EINVAL if its address was taken back before. */
static int mark_invalid(struct vib_ioas *ioas, struct vib_mapping *map)
{
	if (map->state == VIB_DEAD)
		return 0;
	if (must_wait_for(map))
		return -EAGAIN;
	if (map->flags & VIB_F_INVALID)
		return vib_refuse(ioas->handle, VIB_REASON_ADDRESS, -EINVAL);
	map->flags |= VIB_F_INVALID;
	return 0;
}

/* Clears INVALID on [first, stop); tree_lock was not dropped since it was set. */
static void clear_invalid(struct vib_mapping *first, struct vib_mapping *stop)
{
	unsigned long steps = 0;

	for (; first != stop; first = vib_mapping_next(first, U64_MAX)) {
		if (first->state == VIB_LIVE)
			first->flags &= ~VIB_F_INVALID;
		vib_ioas_step(&steps);
	}
}

/*
 * Marks every mapping in the range, or none. Return: as mark_invalid(); after an errno @blocker is
 * the IOVA of the mapping that it is about. tree_lock is held throughout.
 */
static int invalidate_range(struct vib_ioas *ioas, u64 start, u64 last, u64 *size, u64 *blocker)
{
	struct vib_mapping *first = vib_mapping_first(ioas, start, last);
	unsigned long marked = 0, steps = 0;
	struct vib_mapping *map;
	u64 bytes = 0;
	int ret;

	lockdep_assert_held(&ioas->tree_lock);
	/* VFIO_TYPE1_IOMMU stops at a mapping that starts before the range. */
	if (!ioas->v2 && first && first->span.start < start)
		return 0;
	for (map = first; map; map = vib_mapping_next(map, last)) {
		ret = mark_invalid(ioas, map);
		if (ret) {
			*blocker = map->span.start;
			clear_invalid(first, map);
			return ret;
		}
		if (map->state == VIB_LIVE) {
			marked++;
			bytes += vib_span_size(&map->span);
		}
		vib_ioas_step(&steps);
	}
	if (READ_ONCE(ioas->nr_bars))
		for (map = first; map; map = vib_mapping_next(map, last))
			vib_bar_leave(ioas, map);
	ioas->invalid += marked;
	*size = bytes;
	return 0;
}

/* Must the call still wait for the mapping that starts at @iova? Then no new walk is due. */
static bool is_blocked(struct vib_ioas *ioas, u64 iova)
{
	struct vib_mapping *map = vib_mapping_first(ioas, iova, iova);

	return map && map->span.start == iova && must_wait_for(map);
}

/* Tries once. Return: -EAGAIN to wait for the mapping at @blocker. tree_lock is held. */
static int try_invalidate(struct vib_ioas *ioas, struct vib_unmap *req, u64 *blocker)
{
	u64 last;
	int ret;

	lockdep_assert_held(&ioas->tree_lock);
	if (!list_empty(&ioas->emulated))
		return vib_refuse(ioas->handle, VIB_REASON_EMULATED, -EBUSY);
	ret = vib_unmap_check(ioas, req, &last);
	if (ret)
		return ret;
	if (is_blocked(ioas, *blocker))
		return -EAGAIN;
	return invalidate_range(ioas, req->iova, last, &req->unmapped, blocker);
}

int vib_vaddr_invalidate(struct vib_ioas *ioas, struct vib_unmap *req)
{
	u64 blocker = U64_MAX; /* no mapping starts there */
	int ret;

	req->unmapped = 0;
	for (;;) {
		mutex_lock(&ioas->tree_lock);
		ret = try_invalidate(ioas, req, &blocker);
		if (ret != -EAGAIN)
			break;
		ret = vib_ioas_wait(ioas);
		if (ret)
			return ret;
	}
	mutex_unlock(&ioas->tree_lock);
	return ret;
}

/*
 * Marks busy the mapping that is exactly [iova, last] and whose address was taken back. Return: 0;
 * -EAGAIN when it must be waited for. Only the lowest mapping of the range can be it. tree_lock is
 * held.
 */
static int claim_invalid(struct vib_ioas *ioas, u64 iova, u64 last, struct vib_mapping **claimed)
{
	struct vib_mapping *map = vib_mapping_first(ioas, iova, last);

	lockdep_assert_held(&ioas->tree_lock);
	if (!map)
		return vib_refuse(ioas->handle, VIB_REASON_ADDRESS, -ENOENT);
	if (is_unsettled(map))
		return -EAGAIN;
	if (map->span.start != iova || map->span.last != last || map->state != VIB_LIVE ||
	    !(map->flags & VIB_F_INVALID))
		return vib_refuse(ioas->handle, VIB_REASON_ADDRESS, -EINVAL);
	map->busy++;
	*claimed = map;
	return 0;
}

/* Charges the new owner for what the mapping holds, then uncharges the old one. */
static int move_account(struct vib_mapping *map, struct vib_owner *to)
{
	struct vib_use *uses = vib_shared_uses(map);
	u64 pages = 0;
	int ret;

	if (to->mm == map->owner->mm)
		return 0;
	if (!(map->flags & VIB_F_SHARED))
		pages = vib_extents_pages(&map->extents, 0, VIB_EXT_ACCOUNTED);
	if (uses)
		return vib_uses_move(uses, map->owner, to, pages);
	ret = vib_owner_charge(to, pages);
	if (!ret)
		vib_owner_uncharge(map->owner, pages);
	return ret;
}

/*
 * Gives the busy mapping its new address and owner. Return: the owner whose reference the caller
 * drops. tree_lock is held.
 */
static struct vib_owner *repoint_mapping(struct vib_ioas *ioas, struct vib_mapping *map,
					 struct vib_owner *owner, u64 vaddr)
{
	struct vib_owner *old = map->owner;

	lockdep_assert_held(&ioas->tree_lock);
	map->vaddr = vaddr;
	map->flags &= ~VIB_F_INVALID;
	ioas->invalid -= map->state == VIB_LIVE;
	if (owner->mm == old->mm)
		return owner;
	map->owner = owner;
	return old;
}

static int restore_mapping(struct vib_ioas *ioas, struct vib_mapping *map, struct vib_owner *owner,
			   u64 vaddr)
{
	struct vib_watch *watch = vib_bar_watch(map, owner, vaddr);
	LIST_HEAD(orphans);
	int ret;

	ret = IS_ERR(watch) ? PTR_ERR(watch) : move_account(map, owner);
	if (!ret)
		vib_bar_move(map, owner, watch);
	else if (!IS_ERR(watch))
		vib_watch_end(watch);
	mutex_lock(&ioas->tree_lock);
	if (!ret) {
		owner = repoint_mapping(ioas, map, owner, vaddr);
		vib_bar_live(map);
	}
	vib_mapping_unbusy(ioas, map, &orphans);
	mutex_unlock(&ioas->tree_lock);
	vib_owner_put(owner);
	if (!list_empty(&orphans))
		vib_retire(ioas, &orphans);
	return ret;
}

static int restore_range(struct vib_ioas *ioas, u64 iova, u64 last, u64 vaddr)
{
	struct vib_mapping *map;
	struct vib_owner *owner;
	int ret;

	owner = vib_owner_current(NULL);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	for (;;) {
		mutex_lock(&ioas->tree_lock);
		ret = vib_map_check(ioas, iova, last, vaddr);
		if (!ret)
			ret = claim_invalid(ioas, iova, last, &map);
		if (ret != -EAGAIN)
			break;
		ret = vib_ioas_wait(ioas);
		if (ret)
			goto put;
	}
	mutex_unlock(&ioas->tree_lock);
	if (!ret)
		return restore_mapping(ioas, map, owner, vaddr);
put:
	vib_owner_put(owner);
	return ret;
}

int vib_vaddr_restore(struct vib_ioas *ioas, u64 iova, u64 vaddr, u64 size, int prot)
{
	u64 last;
	int ret;

	ret = vib_map_check_args(ioas, iova, vaddr, size, &last);
	if (!ret && prot)
		ret = vib_refuse(ioas->handle, VIB_REASON_ACCESS, -EINVAL);
	if (!ret)
		ret = restore_range(ioas, iova, last, vaddr);
	trace_vib_map(ioas->handle, iova, vaddr, size, prot, ret);
	return ret;
}
