// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extent vectors: packing, merging, growing and shrinking. Knows nothing of pages, pins or domains.
 * Invariant: nr <= cap, and cap is 1 exactly when the extent is kept in place.
 */
#include "extent_pos.h"

enum {
	FIRST_CAP = 8,
	/* Above INT_MAX bytes kvmalloc fails with a WARN, which user space must not trigger. */
	MAX_CAP = INT_MAX / sizeof(u64),
};

void vib_extents_free(struct vib_extents *ex)
{
	kvfree(ex->vec);
	vib_extents_init(ex);
}

/* Moves the words into a vector of exactly @cap words, or in place for @cap 1. */
static int resize_vector(struct vib_extents *ex, u32 cap)
{
	u64 *old = ex->cap > 1 ? ex->vec : NULL;
	u64 *words;

	if (cap == 1) {
		ex->one = ex->nr ? old[0] : 0;
	} else {
		words = kvmalloc_array(cap, sizeof(*words), GFP_KERNEL_ACCOUNT);
		if (!words)
			return -ENOMEM;
		memcpy(words, vib_extents_words(ex), ex->nr * sizeof(*words));
		ex->vec = words;
	}
	ex->cap = cap;
	kvfree(old);
	return 0;
}

int vib_extents_grow(struct vib_extents *ex, u32 more)
{
	u64 need = (u64)ex->nr + more;
	u64 cap;

	if (need > MAX_CAP)
		return -ENOMEM;
	cap = max_t(u64, need, (u64)ex->cap + ex->cap / 2);
	cap = clamp_t(u64, cap, FIRST_CAP, MAX_CAP);
	return resize_vector(ex, cap);
}

/* Can [pfn, pfn + pages) be added by making the last extent longer? */
static bool continues_run(u64 last, u64 pfn, u64 pages, u64 flags)
{
	return vib_ext_pfn(last) + vib_ext_pages(last) == pfn &&
	       vib_ext_flags(last) == flags &&
	       vib_ext_pages(last) + pages <= VIB_EXT_PAGES_MAX;
}

/* Does the run fit into one extent word? */
static bool fits_word(u64 pfn, u64 pages)
{
	return pages && pages <= VIB_EXT_PAGES_MAX && pfn <= VIB_EXT_PFN_MAX - (pages - 1);
}

static int put_word(struct vib_extents *ex, u64 ext)
{
	if (vib_extents_reserve(ex, 1))
		return -ENOMEM;
	vib_extents_words(ex)[ex->nr++] = ext;
	return 0;
}

int vib_extents_push(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags)
{
	if (!fits_word(pfn, pages))
		return -ERANGE;
	return put_word(ex, vib_ext_make(pfn, pages, flags));
}

int vib_extents_append(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags)
{
	u64 *words = vib_extents_words(ex);

	if (!fits_word(pfn, pages))
		return -ERANGE;
	if (!ex->nr || !continues_run(words[ex->nr - 1], pfn, pages, flags))
		return put_word(ex, vib_ext_make(pfn, pages, flags));
	words[ex->nr - 1] += pages << VIB_EXT_COUNT_SHIFT;
	return 0;
}

void vib_extents_move_some(struct vib_extents *dst, struct vib_extents *src, u32 nr)
{
	u64 *from = vib_extents_words(src);

	if (WARN_ON_ONCE(nr > src->nr || dst->nr + (u64)nr > dst->cap))
		return;
	memcpy(vib_extents_words(dst) + dst->nr, from, nr * sizeof(*from));
	dst->nr += nr;
	src->nr -= nr;
	memmove(from, from + nr, src->nr * sizeof(*from));
}

u64 *vib_extents_deal(struct vib_extents *dst, u64 *words, u64 pages)
{
	u64 *to = vib_extents_words(dst) + dst->nr;

	for (;;) {
		u64 all = vib_ext_pages(*words), n = min(all, pages);

		*to++ = vib_ext_make(vib_ext_pfn(*words), n, vib_ext_flags(*words));
		*words = vib_ext_make(vib_ext_pfn(*words) + n, all - n, vib_ext_flags(*words));
		words += n == all;
		pages -= n;
		dst->nr++;
		if (!pages)
			return words;
	}
}

int vib_extents_split_tail(struct vib_extents *ex, u64 pages)
{
	int ret = vib_extents_reserve(ex, 1);
	u64 *tail = vib_extents_words(ex) + ex->nr - 1;
	u64 head;

	if (ret)
		return ret;
	head = vib_ext_pages(*tail) - pages;
	tail[1] = vib_ext_make(vib_ext_pfn(*tail) + head, pages, vib_ext_flags(*tail));
	tail[0] = vib_ext_make(vib_ext_pfn(*tail), head, vib_ext_flags(*tail));
	ex->nr++;
	return 0;
}

/* Can the last @over pages be cut off without cutting a huge page of up to @longest pages? */
static bool may_split(u64 ext, u64 over, u64 longest)
{
	u64 cut = vib_ext_pfn(ext) + vib_ext_pages(ext) - over;

	return !(ext & VIB_EXT_HUGE) || !(cut & (longest - 1));
}

u32 vib_extents_settle(struct vib_extents *ex, u64 end, u64 longest)
{
	u64 over = end & (longest - 1);
	u64 word, tail;

	if (!ex->nr)
		return 0;
	word = vib_extents_words(ex)[ex->nr - 1];
	tail = vib_ext_pages(word);
	if (tail < longest)
		return ex->nr - 1;
	/* Without memory to split it, all of it is final. */
	if (over && may_split(word, over, longest) && !vib_extents_split_tail(ex, over))
		return ex->nr - 1;
	return ex->nr;
}

void vib_extents_drop_tail(struct vib_extents *ex, u32 nr)
{
	ex->nr -= min(nr, ex->nr);
}

void vib_extents_shrink(struct vib_extents *ex)
{
	u32 want = max_t(u32, ex->nr, 1);

	if (ex->cap - want > ex->cap / 8)
		(void)resize_vector(ex, want);
}

u64 vib_extents_pages(struct vib_extents *ex, u32 first, u64 flags)
{
	u64 *words = vib_extents_words(ex);
	u64 sum = 0;
	u32 i;

	for (i = first; i < ex->nr; i++)
		if ((words[i] & flags) == flags)
			sum += vib_ext_pages(words[i]);
	return sum;
}

bool vib_extents_same_runs(struct vib_extents *a, struct vib_extents *b)
{
	u64 *x = vib_extents_words(a), *y = vib_extents_words(b);
	u32 i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++)
		if ((x[i] ^ y[i]) & ~VIB_EXT_FLAGS)
			return false;
	return true;
}
