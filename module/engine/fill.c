// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents into domains: a batch of one mapping into every domain, or every mapping into one domain.
 * The engine's side of mapping.h's invariant that all domains hold the same.
 */
#include "engine.h"

#include "iommu/domain_fill.h"
#include "iommu/domain_unfill.h"
#include "walk.h"

/* Takes [iova, iova + size) out of the domains before @stop; false when something would not go. */
static bool undo_before(struct vib_ioas *ioas, struct vib_domain *stop, u64 iova, u64 size)
{
	struct vib_domain *dom;
	bool clean = true;

	list_for_each_entry(dom, &ioas->domains, node) {
		if (dom == stop)
			break;
		clean &= vib_domain_undo(dom, iova, size);
	}
	return clean;
}

/* Does some page table grow when all domains are filled up to @last? domains_rwsem is held. */
static bool domain_grows(struct vib_ioas *ioas, u64 last)
{
	struct vib_domain *dom;

	lockdep_assert_held(&ioas->domains_rwsem);
	list_for_each_entry(dom, &ioas->domains, node)
		if (!vib_domain_reaches(dom, last))
			return true;
	return false;
}

int vib_fill_lock(struct vib_ioas *ioas, u64 last, bool *alone)
{
	int ret;

	*alone = false;
	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret || likely(!domain_grows(ioas, last)))
		return ret;
	up_read(&ioas->domains_rwsem);
	*alone = true;
	return down_write_killable(&ioas->domains_rwsem);
}

void vib_fill_unlock(struct vib_ioas *ioas, bool alone)
{
	if (alone)
		up_write(&ioas->domains_rwsem);
	else
		up_read(&ioas->domains_rwsem);
}

int vib_fill_batch(struct vib_ioas *ioas, const struct vib_mapping *map, u64 iova,
		   struct vib_extents *batch, u32 nr, bool *stuck)
{
	struct vib_fill fill = {
		.iova = iova,
		.words = vib_extents_words(batch),
		.nr = nr,
		.prot = map->prot,
		.pagewise = map->flags & VIB_F_PAGEWISE,
	};
	struct vib_domain *dom;
	u64 pages;
	int ret;

	lockdep_assert_held(&ioas->domains_rwsem);
	list_for_each_entry(dom, &ioas->domains, node) {
		ret = vib_domain_fill(dom, &fill, stuck);
		if (!ret)
			continue;
		pages = vib_extents_pages(batch, 0, 0) - vib_extents_pages(batch, nr, 0);
		if (!undo_before(ioas, dom, iova, pages << PAGE_SHIFT))
			*stuck = true;
		return ret;
	}
	return 0;
}

/*
 * The lowest mapping from @start on that has something to fill. domains_rwsem is held for write,
 * and whoever owns such a mapping must pass it before the mapping can go away.
 */
static struct vib_mapping *next_filled(struct vib_ioas *ioas, u64 start)
{
	struct vib_mapping *map;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	vib_for_each_mapping(ioas, map, start, U64_MAX)
		if (map->first < map->extents.nr && !(map->flags & VIB_F_STUCK))
			break;
	mutex_unlock(&ioas->tree_lock);
	return map;
}

static int fill_mapping(struct vib_domain *dom, struct vib_mapping *map)
{
	u64 unfilled = vib_extents_pages(&map->extents, 0, 0) -
		       vib_extents_pages(&map->extents, map->first, 0);
	struct vib_fill fill = {
		.iova = map->span.start + (unfilled << PAGE_SHIFT),
		.words = vib_extents_words(&map->extents) + map->first,
		.nr = map->extents.nr - map->first,
		.prot = map->prot,
		.pagewise = map->flags & VIB_F_PAGEWISE,
	};
	bool stuck;

	/* What is stuck goes with the domain, which is freed after a failure. */
	return vib_domain_fill(dom, &fill, &stuck);
}

int vib_fill_domain(struct vib_ioas *ioas, struct vib_domain *dom)
{
	struct vib_mapping *map;
	u64 next = 0;
	int ret;

	lockdep_assert_held_write(&ioas->domains_rwsem);
	do {
		map = next_filled(ioas, next);
		if (!map)
			return 0;
		ret = fill_mapping(dom, map);
		if (ret)
			return ret;
		next = map->span.last + 1;
		cond_resched();
	} while (next);
	return 0;
}
