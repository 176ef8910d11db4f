/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: where many extents are kept, so that nothing is copied when more are added, and nothing
 * large is allocated or freed. For extents.h and its siblings.
 *
 * A list of chunks. Those in use are full, but for the last of them; others may follow, which are
 * room. Each in use points to one far before it, as in a skip list (Myers, "An applicative
 * random-access stack", 1983): so one of n is found in two and a half times log2(n) steps at most,
 * and there is no index that would have to grow with them.
 */
#ifndef VIB_PURE_CHUNKS_H
#define VIB_PURE_CHUNKS_H

#include "extent.h"

/**
 * struct vib_chunk - some of many extents
 * @next: the next one, NULL for the last of the list
 * @cap: how many extents fit
 * @prev: the one before. That of the first one is the last one in use
 * @jump: one far before, for the search; the first one's is itself
 * @page: pages of the extents before it
 * @first: index of its first extent
 * @number: how many chunks are before it
 * @words: the extents
 *
 * Of one that is not in use, only @next and @cap are set.
 */
struct vib_chunk {
	struct vib_chunk *next;
	struct vib_chunk *prev;
	struct vib_chunk *jump;
	u64 page;
	u32 first;
	u32 number;
	u32 cap;
	u64 words[];
};

/*
 * They grow by this part of what is there, so the first ones are smaller; once that is a chunk, by
 * whole chunks.
 */
#define VIB_CHUNKS_GROW	8U

#define VIB_CHUNK_MAX	((u32)((VIB_CHUNK_BYTES - sizeof(struct vib_chunk)) / sizeof(u64)))

/*
 * Return: a list with room for @words extents, more than 0, and for no more; NULL without memory.
 * From the memory cgroup of the caller (GFP_KERNEL_ACCOUNT); may sleep.
 */
struct vib_chunk *vib_chunks_alloc(u32 words);

/*
 * Return: room for how many extents to add if @nr are there, and @need at least, more than 0, are
 * to come.
 */
static inline u32 vib_chunks_growth(u32 nr, u32 need)
{
	if (nr / VIB_CHUNKS_GROW < VIB_CHUNK_MAX)
		return max(need, nr / VIB_CHUNKS_GROW);
	return ((need - 1) / VIB_CHUNK_MAX + 1) * VIB_CHUNK_MAX;
}

/* Frees a list, or NULL; may sleep. */
void vib_chunks_free(struct vib_chunk *chunk);

/* Begins the use of a list, which is empty. The functions below are for one in use. */
void vib_chunks_begin(struct vib_chunk *head);

/* Adds room: another list, which has no extents. */
void vib_chunks_join(struct vib_chunk *head, struct vib_chunk *list);

/* Return: how many extents fit behind the first @nr, which are there. */
u64 vib_chunks_room(const struct vib_chunk *head, u32 nr);

/* Return: bytes of memory. */
size_t vib_chunks_bytes(const struct vib_chunk *head);

/* Adds @more extents behind the first @nr; there is room. */
void vib_chunks_put(struct vib_chunk *head, u32 nr, const u64 *words, u32 more);

/* Forgets all but the first @nr extents; the chunks stay. */
void vib_chunks_drop(struct vib_chunk *head, u32 nr);

/* Frees what is not in use. */
void vib_chunks_trim(struct vib_chunk *head);

/* Counts the pages anew that are before the chunks behind @first, up to @last; both are in use. */
void vib_chunks_count(struct vib_chunk *first, const struct vib_chunk *last);

/* Return: the one in use that has page @page, or extent @index; the last one if all are before. */
struct vib_chunk *vib_chunk_of_page(struct vib_chunk *head, u64 page);
struct vib_chunk *vib_chunk_of_index(struct vib_chunk *head, u32 index);

/* Return: the last of @nr extents, more than 0. */
static inline u64 *vib_chunks_last(struct vib_chunk *head, u32 nr)
{
	return head->prev->words + (nr - 1 - head->prev->first);
}

#endif
