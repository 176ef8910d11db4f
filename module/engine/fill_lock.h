/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lock of a fill: beside other fills, or alone where a page table has to grow (domain.h says
 * why). Inline, for every map takes it.
 */
#ifndef VIB_FILL_LOCK_H
#define VIB_FILL_LOCK_H

#include "iommu/domain.h"
#include "ioas.h"

/* For vib_fill_lock(): takes domains_rwsem for write, with device memory frozen; -EINTR. */
int __vib_fill_lock_alone(struct vib_ioas *ioas);
void __vib_fill_unlock_alone(struct vib_ioas *ioas);

/*
 * Does some page table grow when all domains are filled with what is in [start, last]? Not that of
 * one that is being filled and does not come to it. domains_rwsem is held.
 */
static inline bool vib_fill_grows(struct vib_ioas *ioas, u64 start, u64 last)
{
	struct vib_domain *dom;

	lockdep_assert_held(&ioas->domains_rwsem);
	list_for_each_entry(dom, &ioas->domains, node)
		if (!vib_domain_reaches(dom, last) && vib_domain_covers(dom, start))
			return true;
	return false;
}

/*
 * Takes domains_rwsem for vib_fill_batch() calls, none of which is outside of [start, last]: for
 * read; for write, with @alone set, if a page table has to grow, which must not run beside anything
 * else. Return: 0, or -EINTR when killed, with nothing taken.
 */
static inline int vib_fill_lock(struct vib_ioas *ioas, u64 start, u64 last, bool *alone)
{
	int ret;

	*alone = false;
	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret || likely(!vib_fill_grows(ioas, start, last)))
		return ret;
	up_read(&ioas->domains_rwsem);
	ret = __vib_fill_lock_alone(ioas);
	*alone = !ret;
	return ret;
}

static inline void vib_fill_unlock(struct vib_ioas *ioas, bool alone)
{
	if (unlikely(alone))
		__vib_fill_unlock_alone(ioas);
	else
		up_read(&ioas->domains_rwsem);
}

#endif
