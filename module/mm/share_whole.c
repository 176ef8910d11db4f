// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds out whether all that a mapping has is what another one has offered meanwhile: two calls
 * that map the same memory at the same moment both pin it, for neither finds what the other one is
 * about to offer. Both hold their pages, so these can be compared without GUP.
 */
#include "share.h"

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

enum {
	TRIES = 8,			/* objects that a range is compared with */
};

/* May all pages of a run be shared? */
static bool run_sharable(u64 pfn, u64 pages, bool write)
{
	u64 done = 0, n;

	for (; done < pages; done += n) {
		n = vib_pages_sharable(pfn_to_page(pfn + done), write);
		if (!n)
			return false;
	}
	return true;
}

/* Are the pages of @use those of @own, one by one, and such that can be shared? */
static bool is_same_memory(const struct vib_use *use, struct vib_extents *own, bool write)
{
	struct vib_extents *theirs = &use->of->extents;
	struct vib_extent_pos at = vib_extents_seek(theirs, use->first);
	struct vib_extent_pos own_at = vib_extents_seek(own, 0);
	u64 left = use->end - use->first, n;

	for (; left; left -= n) {
		u64 a = vib_extents_at(&at), b = vib_extents_at(&own_at);

		n = min3(vib_ext_pages(a), vib_ext_pages(b), left);
		if (vib_ext_pfn(a) != vib_ext_pfn(b) || !run_sharable(vib_ext_pfn(a), n, write))
			return false;
		vib_extents_step(theirs, &at, n);
		vib_extents_step(own, &own_at, n);
		cond_resched();
	}
	return true;
}

struct vib_use *vib_share_whole(struct vib_sharing *sharing, struct vib_wanted *wanted,
				struct vib_extents *extents)
{
	struct vib_use *use = NULL;

	if (sharing->whole++ < TRIES)
		use = kmalloc(sizeof(*use), GFP_KERNEL_ACCOUNT);
	if (!use) {
		/* The range is an object of its own. */
		sharing->after = U64_MAX;
		return NULL;
	}
	wanted->after = sharing->after;
	if (!vib_use_join_whole(wanted, use)) {
		/* It has just gone. */
		kfree(use);
		return NULL;
	}
	sharing->after = wanted->after;
	use->next = NULL;
	if (is_same_memory(use, extents, wanted->write))
		return use;
	vib_uses_end(use, 1);
	return NULL;
}
