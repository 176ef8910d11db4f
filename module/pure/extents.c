// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents in a row: packing, merging, growing and shrinking. Knows nothing of pages, pins or
 * domains. Invariant: there is a vector of @cap words exactly if that is more than 1, and there are
 * chunks exactly if it is 0.
 */
#include "extents.h"

enum {
	FIRST_CAP = 8,
};

void vib_extents_free(struct vib_extents *ex)
{
	if (vib_extents_chunked(ex))
		vib_chunks_free(vib_extents_head(ex));
	else
		kvfree(ex->vec);
	vib_extents_init(ex);
}

int vib_extents_resize(struct vib_extents *ex, u32 cap)
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

/* Moves the words from a vector, or from in place, into chunks with room for @more. */
static int begin_chunks(struct vib_extents *ex, u32 more)
{
	struct vib_chunk *head = vib_chunks_alloc(ex->nr + more);

	if (!head)
		return -ENOMEM;
	vib_chunks_begin(head);
	vib_chunks_put(head, 0, vib_extents_words(ex), ex->nr);
	if (ex->cap > 1)
		kvfree(ex->vec);
	ex->vec = head->words;
	ex->cap = 0;
	return 0;
}

static int grow_chunks(struct vib_extents *ex, u32 more)
{
	struct vib_chunk *head = vib_extents_head(ex), *list;
	u64 room = vib_chunks_room(head, ex->nr);

	if (more <= room)
		return 0;
	list = vib_chunks_alloc(vib_chunks_growth(ex->nr, more - room));
	if (!list)
		return -ENOMEM;
	vib_chunks_join(head, list);
	return 0;
}

int vib_extents_grow(struct vib_extents *ex, u32 more)
{
	u64 need = (u64)ex->nr + more;

	if (need > VIB_EXTENTS_MAX)
		return -ENOMEM;
	if (vib_extents_chunked(ex))
		return grow_chunks(ex, more);
	if (need > VIB_FLAT_MAX)
		return begin_chunks(ex, more);
	need = max_t(u64, need, ex->cap + ex->cap / 2);
	return vib_extents_resize(ex, clamp_t(u32, need, FIRST_CAP, VIB_FLAT_MAX));
}

size_t vib_extents_bytes(const struct vib_extents *ex)
{
	if (vib_extents_chunked(ex))
		return vib_chunks_bytes(vib_extents_head(ex));
	return ex->cap > 1 ? (size_t)ex->cap * sizeof(u64) : 0;
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

int vib_extents_put(struct vib_extents *ex, u64 ext)
{
	if (vib_extents_reserve(ex, 1))
		return -ENOMEM;
	if (vib_extents_chunked(ex))
		vib_chunks_put(vib_extents_head(ex), ex->nr, &ext, 1);
	else
		vib_extents_words(ex)[ex->nr] = ext;
	ex->nr++;
	return 0;
}

int vib_extents_push(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags)
{
	if (!fits_word(pfn, pages))
		return -ERANGE;
	return vib_extents_put(ex, vib_ext_make(pfn, pages, flags));
}

int vib_extents_append(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags)
{
	u64 *last;

	if (!fits_word(pfn, pages))
		return -ERANGE;
	/* A vector with room: pages that lie apart are appended one by one. */
	if (ex->nr && ex->nr < ex->cap && !continues_run(ex->vec[ex->nr - 1], pfn, pages, flags)) {
		ex->vec[ex->nr++] = vib_ext_make(pfn, pages, flags);
		return 0;
	}
	last = ex->nr ? vib_extents_last(ex) : NULL;
	if (!last || !continues_run(*last, pfn, pages, flags))
		return vib_extents_put(ex, vib_ext_make(pfn, pages, flags));
	*last += pages << VIB_EXT_COUNT_SHIFT;
	return 0;
}

int vib_extents_split_tail(struct vib_extents *ex, u64 pages)
{
	int ret = vib_extents_reserve(ex, 1);
	u64 *tail = vib_extents_last(ex);
	u64 pfn = vib_ext_pfn(*tail), flags = vib_ext_flags(*tail), head;

	if (ret)
		return ret;
	head = vib_ext_pages(*tail) - pages;
	*tail = vib_ext_make(pfn, head, flags);
	return vib_extents_put(ex, vib_ext_make(pfn + head, pages, flags));
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
	word = *vib_extents_last(ex);
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
	if (vib_extents_chunked(ex))
		vib_chunks_drop(vib_extents_head(ex), ex->nr);
}

void vib_extents_shrink(struct vib_extents *ex)
{
	u32 want = max_t(u32, ex->nr, 1);

	if (vib_extents_chunked(ex))
		vib_chunks_trim(vib_extents_head(ex));
	else if (ex->cap - want > ex->cap / 8)
		(void)vib_extents_resize(ex, want);
}
