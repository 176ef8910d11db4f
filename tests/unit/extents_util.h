/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the extents tests share: putting runs in and looking at what is there. Inline, so that
 * a failed check names the test's own file.
 */
#ifndef VIB_UNIT_EXTENTS_UTIL_H
#define VIB_UNIT_EXTENTS_UTIL_H

#include "../../module/pure/stretch.h"
#include "shim.h"

void extents_directed(struct TCase *tcase);
void extents_memory(struct TCase *tcase);
void extents_settle(struct TCase *tcase);
void extents_places(struct TCase *tcase);
void extents_chunks(struct TCase *tcase);
void extents_many(struct TCase *tcase);
void extents_pieces(struct TCase *tcase);
void extents_grow(struct TCase *tcase);

/* Extent @i, wherever it is. */
static inline u64 *word_at(struct vib_extents *ex, u32 i)
{
	struct vib_stretch st;

	vib_stretch_begin(&st, ex, i, i + 1);
	must_eq(st.nr, 1);
	must_eq(st.left, 0);
	return st.words;
}

/* How many extents fit without memory. */
static inline u64 room_in(const struct vib_extents *ex)
{
	must(ex->cap || ex->vec);
	return ex->cap ? ex->cap - ex->nr : vib_chunks_room(vib_extents_head(ex), ex->nr);
}

static inline void add(struct vib_extents *ex, u64 pfn, u64 pages, u64 flags)
{
	must_eq(vib_extents_append(ex, pfn, pages, flags), 0);
}

static inline void expect_nr(const struct vib_extents *ex, u32 nr)
{
	must_eq(ex->nr, nr);
	must(!ex->cap || ex->cap >= max_t(u32, nr, 1));
}

static inline void expect_ext(struct vib_extents *ex, u32 i, u64 pfn, u64 pages, u64 flags)
{
	u64 ext = *word_at(ex, i);

	must_eq(vib_ext_pfn(ext), pfn);
	must_eq(vib_ext_pages(ext), pages);
	must_eq(vib_ext_flags(ext), flags);
}

/* @nr extents that can never merge: page 2i in place i. */
static inline void add_apart(struct vib_extents *ex, u32 nr)
{
	while (nr--)
		add(ex, 2 * (u64)ex->nr, 1, VIB_EXT_PINNED);
}

static inline void expect_apart(struct vib_extents *ex, u32 first, u32 nr)
{
	u32 i;

	for (i = first; i < first + nr; i++)
		expect_ext(ex, i, 2 * (u64)i, 1, VIB_EXT_PINNED);
}

#endif
