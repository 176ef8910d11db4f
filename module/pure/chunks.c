// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of chunks: how they grow, and how one is found. Knows nothing of who has them.
 *
 * A chunk's @page is set when the first extent behind the chunk before it is put: from then on no
 * extent before it changes its length, but through vib_chunks_count().
 */
#include "chunks.h"

static struct vib_chunk *alloc_chunk(u32 cap)
{
	size_t header = sizeof(struct vib_chunk) / sizeof(u64);
	struct vib_chunk *chunk;

	chunk = kvmalloc_array(header + cap, sizeof(u64), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->cap = cap;
	return chunk;
}

struct vib_chunk *vib_chunks_alloc(u32 words)
{
	struct vib_chunk *list = NULL, *chunk;
	u32 cap;

	/* The smallest is the last one, and so the first one to be made. */
	cap = words % VIB_CHUNK_MAX ? words % VIB_CHUNK_MAX : VIB_CHUNK_MAX;
	for (; words; words -= cap, cap = VIB_CHUNK_MAX) {
		chunk = alloc_chunk(cap);
		if (!chunk) {
			vib_chunks_free(list);
			return NULL;
		}
		chunk->next = list;
		list = chunk;
		cond_resched();
	}
	return list;
}

void vib_chunks_free(struct vib_chunk *chunk)
{
	struct vib_chunk *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		kvfree(chunk);
		cond_resched();
	}
}

void vib_chunks_begin(struct vib_chunk *head)
{
	head->prev = head;
	head->jump = head;
	head->page = 0;
	head->first = 0;
	head->number = 0;
}

/*
 * Where a chunk behind @before jumps to. Two jumps of the same length that follow one another are
 * continued by one over both.
 */
static struct vib_chunk *jump_behind(struct vib_chunk *before)
{
	struct vib_chunk *jump = before->jump;

	return before->number - jump->number == jump->number - jump->jump->number ?
	       jump->jump : before;
}

/* Begins the use of the chunk behind the last one in use, which is full. */
static struct vib_chunk *begin_next(struct vib_chunk *head)
{
	struct vib_chunk *full = head->prev, *chunk = full->next;

	chunk->prev = full;
	chunk->jump = jump_behind(full);
	chunk->page = full->page + vib_ext_sum(full->words, full->cap);
	chunk->first = full->first + full->cap;
	chunk->number = full->number + 1;
	head->prev = chunk;
	return chunk;
}

void vib_chunks_join(struct vib_chunk *head, struct vib_chunk *list)
{
	struct vib_chunk *last = head->prev;

	while (last->next)
		last = last->next;
	last->next = list;
}

u64 vib_chunks_room(const struct vib_chunk *head, u32 nr)
{
	const struct vib_chunk *chunk = head->prev;
	u64 room = chunk->cap - (nr - chunk->first);

	while ((chunk = chunk->next))
		room += chunk->cap;
	return room;
}

size_t vib_chunks_bytes(const struct vib_chunk *head)
{
	const struct vib_chunk *last = head->prev;
	size_t bytes = (size_t)last->number * sizeof(*last) + (size_t)last->first * sizeof(u64);

	for (; last; last = last->next)
		bytes += sizeof(*last) + (size_t)last->cap * sizeof(u64);
	return bytes;
}

void vib_chunks_put(struct vib_chunk *head, u32 nr, const u64 *words, u32 more)
{
	struct vib_chunk *chunk = head->prev;
	u32 used = nr - chunk->first, n;

	for (; more; more -= n, words += n, used += n) {
		if (used == chunk->cap) {
			chunk = begin_next(head);
			used = 0;
		}
		n = min(more, chunk->cap - used);
		memcpy(chunk->words + used, words, n * sizeof(*words));
	}
}

void vib_chunks_drop(struct vib_chunk *head, u32 nr)
{
	struct vib_chunk *last = head->prev;

	while (last != head && last->first >= nr)
		last = last->prev;
	head->prev = last;
}

void vib_chunks_trim(struct vib_chunk *head)
{
	vib_chunks_free(head->prev->next);
	head->prev->next = NULL;
}

void vib_chunks_count(struct vib_chunk *first, const struct vib_chunk *last)
{
	for (; first != last; first = first->next)
		first->next->page = first->page + vib_ext_sum(first->words, first->cap);
}

struct vib_chunk *vib_chunk_of_page(struct vib_chunk *head, u64 page)
{
	struct vib_chunk *chunk = head->prev;

	while (chunk->page > page)
		chunk = chunk->jump->page > page ? chunk->jump : chunk->prev;
	return chunk;
}

struct vib_chunk *vib_chunk_of_index(struct vib_chunk *head, u32 index)
{
	struct vib_chunk *chunk = head->prev;

	while (chunk->first > index)
		chunk = chunk->jump->first > index ? chunk->jump : chunk->prev;
	return chunk;
}
