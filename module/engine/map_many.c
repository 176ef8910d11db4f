// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many maps in one call: small ones take each step together, so locks are taken once for all.
 *
 * If a map of a group fails or has to wait, the maps before it are completed and the others undone.
 * Mostly vib_map() then does that one alone, and returns its errno: only what must not be tried
 * again, or was reported already, ends the call with the group's.
 */
#include "map_steps.h"

#include <linux/iommu.h>

#include "fill_lock.h"
#include "bulk.h"
#include "dirty.h"
#include "map_publish.h"
#include "mm/pin.h"
#include "pure/extents_move.h"
#include "pure/iova.h"
#include "trace/refusal.h"
#include "trace/trace.h"

enum { GROUP_MAX = 32 };		/* maps that take each step together */

/* A map of a group, with the extents that are pinned and not filled yet. */
struct member {
	const struct vib_bulk_op *op;
	struct vib_mapping *map;
	struct vib_extents batch;
	bool free;			/* it charges nothing */
};

struct group {
	struct vib_ioas *ioas;
	unsigned int nr;
	u16 stamp;
	int error;			/* that of member[nr] is final; 0: it is to be done alone */
	struct member member[GROUP_MAX];
};

/* Is it a map of few pages whose addresses are valid? */
static bool is_small(const struct vib_bulk_op *op)
{
	u64 last;

	return op->size && op->size <= (u64)VIB_PIN_FEW << PAGE_SHIFT && vib_fits_long(op->iova) &&
	       vib_fits_long(op->vaddr) && vib_range_last(op->iova, op->size, &last) &&
	       vib_range_last(op->vaddr, op->size, &last);
}

/* Collects the next small maps, at most @most. Return: how many operations were looked at. */
static u32 collect_group(struct group *group, const struct vib_bulk_op *ops, u32 nr, u32 most)
{
	u32 i;

	group->nr = 0;
	group->error = 0;
	for (i = 0; i < nr && group->nr < most; i++) {
		if (!ops[i].prot)
			continue;
		if (!is_small(&ops[i]))
			break;
		group->member[group->nr++].op = &ops[i];
	}
	return i;
}

/* Undoes the members from @from on, which are reserved and in no domain. */
static void release_members(struct group *group, unsigned int from)
{
	struct vib_ioas *ioas = group->ioas;
	unsigned int i;

	if (from == group->nr)
		return;
	/* Uncharged before the ranges are free: a call that waits for them may need it. */
	for (i = from; i < group->nr; i++) {
		struct member *m = &group->member[i];
		u64 accounted = vib_unpin(&m->batch, 0, m->batch.nr, m->map->prot & IOMMU_WRITE);

		vib_owner_uncharge(m->map->owner, accounted);
		vib_extents_fini(&m->batch);
	}
	mutex_lock(&ioas->tree_lock);
	for (i = from; i < group->nr; i++)
		vib_maptree_erase(&ioas->tree, &group->member[i].map->span);
	vib_ioas_changed(ioas);
	mutex_unlock(&ioas->tree_lock);
	for (i = from; i < group->nr; i++)
		vib_mapping_free(&ioas->spares, group->member[i].map);
	group->nr = from;
}

/* Allocates a mapping for each member. Return: false, with none allocated, without memory. */
static noinline_for_stack bool make_mappings(struct group *group, unsigned int nr)
{
	struct vib_ioas *ioas = group->ioas;
	void *maps[GROUP_MAX];
	unsigned int i;
	u64 last;

	if (!vib_mapping_alloc_many(&ioas->spares, maps, nr))
		return false;
	for (i = 0; i < nr; i++) {
		struct member *m = &group->member[i];

		m->map = maps[i];
		(void)vib_range_last(m->op->iova, m->op->size, &last);
		vib_map_init(m->map, ioas, m->op->iova, last, m->op->vaddr, m->op->prot);
		vib_extents_init(&m->batch);
	}
	return true;
}

/* Allocates and reserves the mappings, up to the first that fails or would have to wait. */
static void reserve_group(struct group *group)
{
	struct vib_ioas *ioas = group->ioas;
	unsigned int made = group->nr, i;
	int ret = 0;

	group->nr = 0;
	if (!make_mappings(group, made))
		return;
	mutex_lock(&ioas->tree_lock);
	for (i = 0; i < made && ioas->restricted; i++) {
		group->member[i].map->stamp = group->stamp;
		ret = vib_map_insert(ioas, group->member[i].map);
		if (ret)
			break;
	}
	mutex_unlock(&ioas->tree_lock);
	group->nr = i;
	group->error = ret == -EAGAIN ? 0 : ret;
	while (made > i)
		vib_mapping_free(&ioas->spares, group->member[--made].map);
}

/* Pins @pages pages from the first of @m on. Return: how many are charged, or an errno. */
static long pin_pages(struct member *m, u64 pages, u64 *purse, struct vib_extents *out)
{
	struct vib_pin pin = {
		.owner = m->map->owner,
		.vaddr = m->op->vaddr,
		.left = pages,
		.purse = purse,
		.write = m->op->prot & IOMMU_WRITE,
	};
	int ret;

	vib_pin_begin(&pin);
	ret = vib_pin_some(&pin, out, VIB_PIN_BUDGET);
	vib_pin_end(&pin);
	return ret ? ret : (long)pin.accounted;
}

static u64 member_pages(const struct member *m)
{
	return m->op->size >> PAGE_SHIFT;
}

/* Return: the end of the members from @first on whose user memory is one range. */
static unsigned int run_stop(const struct group *group, unsigned int first, u64 *pages)
{
	const struct member *m = &group->member[first];
	unsigned int i = first;

	*pages = 0;
	do {
		*pages += member_pages(&group->member[i++]);
	} while (i < group->nr && group->member[i].op->prot == m->op->prot &&
		 group->member[i].op->vaddr == m->op->vaddr + (*pages << PAGE_SHIFT));
	return i;
}

/* Gives each of the members [first, end) its part of @pinned; they have room for it. */
static void deal_extents(struct group *group, unsigned int first, unsigned int end,
			 struct vib_extents *pinned)
{
	u64 *word = vib_extents_words(pinned);

	BUILD_BUG_ON(GROUP_MAX * VIB_PIN_FEW > min_t(int, VIB_FLAT_MAX, VIB_PIN_RUNS - 1));
	for (; first < end; first++) {
		struct member *m = &group->member[first];

		word = vib_extents_deal(&m->batch, word, member_pages(m));
		m->free = !vib_extents_pages(&m->batch, 0, VIB_EXT_ACCOUNTED);
	}
}

/*
 * Pins the members [first, end), whose user memory is one range, at once. The purse has to suffice.
 * Return: false, with nothing pinned, if that fails for any of them.
 */
static bool pin_run(struct group *group, unsigned int first, unsigned int end, u64 pages,
		    u64 *purse)
{
	struct vib_extents pinned;
	unsigned int i;
	long ret = 0;

	for (i = first; i < end && !ret; i++)
		ret = vib_extents_reserve(&group->member[i].batch,
					  member_pages(&group->member[i]));
	vib_extents_init(&pinned);
	if (!ret)
		ret = pin_pages(&group->member[first], pages, purse, &pinned);
	if (ret >= 0)
		deal_extents(group, first, end, &pinned);
	vib_extents_fini(&pinned);
	return ret >= 0;
}

/* Pins one member. Return: as pin_pages(). */
static long pin_member(struct member *m, u64 *purse)
{
	bool write = m->op->prot & IOMMU_WRITE;
	u64 pages = member_pages(m), ext;

	if (pages > 1 || vib_pin_page(m->map->owner, m->op->vaddr, write, purse, &ext))
		return pin_pages(m, pages, purse, &m->batch);
	m->batch.one = ext;
	m->batch.nr = 1;
	return 1;
}

/* Pins the members [first, end) one by one. Return: the first that could not be pinned, or @end. */
static unsigned int pin_each(struct group *group, unsigned int first, unsigned int end, u64 *purse)
{
	for (; first < end; first++) {
		struct member *m = &group->member[first];
		long ret = pin_member(m, purse);

		if (ret < 0)
			break;
		m->free = !ret;
	}
	return first;
}

/* Charges for all at once and pins them; uncharges what needed no charge or was not pinned. */
static void pin_group(struct group *group)
{
	struct vib_owner *owner = group->member[0].map->owner;
	unsigned int done = 0, end, i;
	u64 pages = 0, purse, run;

	for (i = 0; i < group->nr; i++)
		pages += member_pages(&group->member[i]);
	purse = vib_owner_charge_ahead(owner, pages);
	for (; done < group->nr; done = end) {
		end = run_stop(group, done, &run);
		if (end > done + 1 && purse >= run && pin_run(group, done, end, run, &purse))
			continue;
		done = pin_each(group, done, end, &purse);
		if (done < end)
			break;
	}
	if (purse)
		vib_owner_uncharge(owner, purse);
	if (done < group->nr)
		group->error = 0;
	release_members(group, done);
}

/* Fills one member into every domain and prepares it. Return: an errno, final if it is @filled. */
static int fill_member(struct vib_ioas *ioas, struct member *m, bool *filled)
{
	bool stuck = false;
	int ret;

	ret = vib_fill_batch(ioas, m->map, m->map->span.start, &m->batch, m->batch.nr, &stuck);
	*filled = !ret || stuck;
	if (!*filled)
		return ret;
	if (ret)
		vib_refuse(ioas->handle, VIB_REASON_FILL, ret);
	/* Stuck extents must stay pinned, so they go to the mapping, which will be DEAD. */
	m->map->flags |= stuck ? VIB_F_STUCK : 0;
	vib_extents_move(&m->map->extents, &m->batch, m->batch.nr);
	return ret ? ret : vib_dirty_prepare(ioas, m->map);
}

/*
 * Publishes the first @ready members. Return: how many were; if not all, why in @error.
 * domains_rwsem is held for read.
 */
static unsigned int publish_members(struct group *group, unsigned int ready, int *error)
{
	struct vib_ioas *ioas = group->ioas;
	unsigned int i;
	int ret;

	mutex_lock(&ioas->tree_lock);
	for (i = 0; i < ready; i++) {
		ret = vib_map_publish(ioas, group->member[i].map, group->member[i].free);
		if (ret) {
			*error = ret;
			break;
		}
	}
	mutex_unlock(&ioas->tree_lock);
	return i;
}

/* Fills and publishes; undoes the members that could not be published. */
static void fill_group(struct group *group)
{
	struct vib_ioas *ioas = group->ioas;
	unsigned int ready = 0, held = 0, live = 0, i;
	bool filled, alone;
	int error = 0;
	u64 start = U64_MAX, last = 0;

	for (i = 0; i < group->nr; i++) {
		start = min(start, group->member[i].map->span.start);
		last = max(last, group->member[i].map->span.last);
	}
	if (!vib_fill_lock(ioas, start, last, &alone)) {
		for (; ready < group->nr && !list_empty(&ioas->domains); ready++) {
			error = fill_member(ioas, &group->member[ready], &filled);
			held += filled;
			if (error)
				break;
			vib_extents_trim(&group->member[ready].map->extents);
		}
		/* Nothing of it is left, so it can be done alone. */
		if (error && !filled)
			error = 0;
		live = publish_members(group, ready, &error);
		vib_fill_unlock(ioas, alone);
	}
	if (live < group->nr)
		group->error = error;
	release_members(group, held);
	for (i = live; i < held; i++)
		vib_retire_failed(ioas, group->member[i].map);
	group->nr = live;
}

/* Maps as many members together as possible, from the first on; group->nr says how many. */
static void map_group(struct group *group)
{
	unsigned int i;

	reserve_group(group);
	if (group->nr)
		pin_group(group);
	if (group->nr)
		fill_group(group);
	for (i = 0; i < group->nr; i++) {
		const struct vib_bulk_op *op = group->member[i].op;

		trace_vib_map(group->ioas->handle, op->iova, op->vaddr, op->size, op->prot, 0);
	}
}

/* Does the map that a group has ended at, unless its errno is known. */
static int map_alone(struct group *group, const struct vib_bulk_op *op)
{
	struct vib_ioas *ioas = group->ioas;

	if (!op->prot)
		return 0;
	if (!group->error)
		return vib_map_stamped(ioas, op->iova, op->vaddr, op->size, op->prot,
				       group->stamp);
	trace_vib_map(ioas->handle, op->iova, op->vaddr, op->size, op->prot, group->error);
	return group->error;
}

int vib_map_many(struct vib_ioas *ioas, const struct vib_bulk_op *ops, u32 nr, u16 stamp,
		 u32 *done)
{
	struct group group = { .ioas = ioas, .stamp = stamp };
	u32 at = 0, seen, wanted, most = GROUP_MAX;
	int ret = 0;

	while (at < nr && !ret) {
		seen = collect_group(&group, ops + at, nr - at, most);
		wanted = group.nr;
		/* Without domains maps are only recorded, and gain nothing by a group. */
		if (wanted > 1 && READ_ONCE(ioas->restricted))
			map_group(&group);
		else
			group.nr = 0;
		/* What a group ends at, like device memory, seldom comes alone. */
		most = clamp_t(u32, 2 * (wanted > 1 ? group.nr : most), 1, GROUP_MAX);
		if (wanted && group.nr == wanted) {
			at += seen;
			continue;
		}
		/* Go on at the first map that is not done, or behind what was seen. */
		at = wanted ? group.member[group.nr].op - ops : at + seen;
		ret = at < nr ? map_alone(&group, &ops[at]) : 0;
		at += !ret;
	}
	*done = min(at, nr);
	return ret;
}
