// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents that go from one row to another. Knows nothing of who looks at them meanwhile.
 */
#include "extents_move.h"

#include "stretch.h"

/* Adds @nr extents; there is room. */
static void add_words(struct vib_extents *ex, const u64 *words, u32 nr)
{
	if (vib_extents_chunked(ex))
		vib_chunks_put(vib_extents_head(ex), ex->nr, words, nr);
	else
		memcpy(vib_extents_words(ex) + ex->nr, words, nr * sizeof(*words));
	ex->nr += nr;
}

void vib_extents_copy(struct vib_extents *dst, struct vib_extents *src, u32 first, u32 end)
{
	struct vib_stretch st;

	vib_for_each_stretch(&st, src, first, end) {
		add_words(dst, st.words, st.nr);
		if (st.left)
			cond_resched();
	}
}

/* Writes over @nr extents from @first on. */
static void overwrite_words(struct vib_extents *ex, u32 first, const u64 *words, u32 nr)
{
	struct vib_stretch st;

	vib_for_each_stretch(&st, ex, first, first + nr) {
		memcpy(st.words, words, st.nr * sizeof(*words));
		words += st.nr;
	}
}

void vib_extents_replace(struct vib_extents *ex, u32 first, struct vib_extents *src)
{
	struct vib_chunk *head;
	struct vib_stretch st;
	u32 at = first;

	vib_for_each_stretch(&st, src, 0, src->nr) {
		overwrite_words(ex, at, st.words, st.nr);
		at += st.nr;
	}
	if (!vib_extents_chunked(ex))
		return;
	head = vib_extents_head(ex);
	vib_chunks_count(vib_chunk_of_index(head, first), vib_chunk_of_index(head, at));
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

/* Return: how many extents fit behind those that are there. */
static u64 room_in(const struct vib_extents *ex)
{
	return vib_extents_chunked(ex) ? vib_chunks_room(vib_extents_head(ex), ex->nr) :
					 ex->cap - ex->nr;
}

/* Forgets the first @nr extents; the others move up. */
static void drop_first(struct vib_extents *ex, u32 nr)
{
	u32 left = ex->nr - nr, i;
	struct vib_stretch st;
	u64 *words;

	if (!vib_extents_chunked(ex)) {
		words = vib_extents_words(ex);
		ex->nr = left;
		memmove(words, words + nr, left * sizeof(*words));
		return;
	}
	vib_stretch_begin(&st, ex, nr, ex->nr);
	vib_extents_drop_tail(ex, ex->nr);
	for (; st.nr; vib_stretch_next(&st))
		for (i = 0; i < st.nr; i++)
			add_words(ex, &st.words[i], 1);
}

void vib_extents_move_some(struct vib_extents *dst, struct vib_extents *src, u32 nr)
{
	if (WARN_ON_ONCE(nr > src->nr || nr > room_in(dst)))
		return;
	vib_extents_copy(dst, src, 0, nr);
	drop_first(src, nr);
}

/* Makes room in chunks for @need extents, and if more are to come, as reserving would. */
static int make_chunks(struct vib_extents *room, u32 nr, u64 need, bool last)
{
	struct vib_chunk *head = vib_chunks_alloc(last ? need : vib_chunks_growth(nr, need));

	if (!head)
		return -ENOMEM;
	vib_chunks_begin(head);
	room->vec = head->words;
	room->cap = 0;
	return 0;
}

int vib_extents_prepare(struct vib_extents *room, const struct vib_extents *ex, u32 more,
			bool last)
{
	u64 all = (u64)ex->nr + more, free = room_in(ex);

	if (!more)
		return 0;
	if (all > VIB_EXTENTS_MAX)
		return -ENOMEM;
	/* That only saves memory: without any, chunks go on. */
	if (last && all <= VIB_CHUNK_MAX && !vib_extents_resize(room, all))
		return 0;
	if (!vib_extents_chunked(ex))
		return make_chunks(room, 0, all, last);
	return more <= free ? 0 : make_chunks(room, ex->nr, more - free, last);
}

void vib_extents_take_room(struct vib_extents *ex, struct vib_extents *room,
			   struct vib_extents *src, u32 nr)
{
	if (vib_extents_chunked(room) && vib_extents_chunked(ex)) {
		vib_chunks_join(vib_extents_head(ex), vib_extents_head(room));
		vib_extents_init(room);
	} else {
		vib_extents_copy(room, ex, 0, ex->nr);
		swap(*ex, *room);
	}
	vib_extents_move_some(ex, src, nr);
}
