// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks over extents, and what they count and compare. Knows nothing of how a row grows.
 */
#include "stretch.h"

void vib_stretch_find(struct vib_stretch *st, struct vib_extents *ex, u32 first, u32 end)
{
	u32 skip;

	st->chunk = vib_chunk_of_index(vib_extents_head(ex), first);
	skip = first - st->chunk->first;
	st->words = st->chunk->words + skip;
	st->nr = min(end - first, st->chunk->cap - skip);
	st->left = end - first - st->nr;
}

static inline u64 pages_with(const u64 *words, u32 nr, u64 flags)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		if ((words[i] & flags) == flags)
			sum += vib_ext_pages(words[i]);
	return sum;
}

u64 vib_extents_pages(struct vib_extents *ex, u32 first, u64 flags)
{
	struct vib_stretch st;
	u64 sum = 0;

	first = min(first, ex->nr);
	if (!vib_extents_chunked(ex))
		return pages_with(vib_extents_words(ex) + first, ex->nr - first, flags);
	vib_for_each_stretch(&st, ex, first, ex->nr) {
		sum += pages_with(st.words, st.nr, flags);
		cond_resched();
	}
	return sum;
}

/* Return: pages of the extents before @index. */
static u64 pages_before(struct vib_extents *ex, u32 index)
{
	struct vib_chunk *chunk = vib_chunk_of_index(vib_extents_head(ex), index);

	return chunk->page + vib_ext_sum(chunk->words, index - chunk->first);
}

u64 vib_extents_pages_in(struct vib_extents *ex, u32 first, u32 end)
{
	if (vib_extents_chunked(ex))
		return pages_before(ex, end) - pages_before(ex, first);
	return vib_ext_sum(vib_extents_words(ex) + first, end - first);
}

/* Goes on behind the first @nr extents of the stretch. */
static void skip_words(struct vib_stretch *st, u32 nr)
{
	st->words += nr;
	st->nr -= nr;
	if (!st->nr)
		vib_stretch_next(st);
}

static bool same_words(const u64 *a, const u64 *b, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if ((a[i] ^ b[i]) & ~VIB_EXT_FLAGS)
			return false;
	return true;
}

bool vib_extents_same_runs(struct vib_extents *a, struct vib_extents *b)
{
	struct vib_stretch x, y;
	u32 n;

	if (a->nr != b->nr)
		return false;
	vib_stretch_begin(&x, a, 0, a->nr);
	vib_stretch_begin(&y, b, 0, b->nr);
	while (x.nr) {
		n = min(x.nr, y.nr);
		if (!same_words(x.words, y.words, n))
			return false;
		skip_words(&x, n);
		skip_words(&y, n);
		if (x.left)
			cond_resched();
	}
	return true;
}
