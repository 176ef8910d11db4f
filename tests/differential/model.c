// SPDX-License-Identifier: GPL-2.0-only
/* See model.h. */
#include <string.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/util.h"
#include "model.h"

#define LARGE (2 * MIB)

void model_reset(struct model *m, bool v2)
{
	m->v2 = v2;
	m->tracking = false;
	m->n = 0;
}

/* The first mapping that ends at or behind @iova. */
static unsigned int first_from(const struct model *m, __u64 iova)
{
	unsigned int low = 0, high = m->n, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (m->live[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct live *model_at(const struct model *m, __u64 iova)
{
	unsigned int i = first_from(m, iova);

	return i < m->n && m->live[i].iova <= iova ? &m->live[i] : NULL;
}

bool model_map(struct model *m, const struct op *op, bool charged)
{
	__u64 last = op->iova + op->size - 1;
	unsigned int i = first_from(m, op->iova);

	if (m->n == MODEL_MAX || (i < m->n && m->live[i].iova <= last))
		return false;
	memmove(&m->live[i + 1], &m->live[i],
		(m->n - i) * sizeof(m->live[0]));
	m->n++;
	m->live[i] = (struct live){
		.iova = op->iova,
		.last = last,
		.region = op->vaddr_raw ? NULL :
			  arena_region(op->vaddr, op->size),
		.vaddr = op->vaddr,
		.charged = charged,
	};
	return true;
}

/* What the range takes in: [*from, *to) of the table, and how many bytes. */
static __u64 span(const struct model *m, const struct op *op,
		  unsigned int *from, unsigned int *to)
{
	bool all = op->flags & UNMAP_ALL;
	__u64 last = all ? -1ULL : op->iova + op->size - 1;
	__u64 bytes = 0;
	unsigned int i;

	*from = first_from(m, op->iova);
	*to = *from;
	if (!m->v2 && *from < m->n && m->live[*from].iova < op->iova)
		return 0;
	for (i = *from; i < m->n && m->live[i].iova <= last; i++)
		bytes += m->live[i].last - m->live[i].iova + 1;
	*to = i;
	return bytes;
}

__u64 model_unmap(struct model *m, const struct op *op)
{
	unsigned int from, to;
	__u64 bytes = span(m, op, &from, &to);

	memmove(&m->live[from], &m->live[to],
		(m->n - to) * sizeof(m->live[0]));
	m->n -= to - from;
	return bytes;
}

__u64 model_covered(const struct model *m, const struct op *op)
{
	unsigned int from, to;

	return span(m, op, &from, &to);
}

bool model_shares(const struct model *m, const struct op *op)
{
	unsigned int i;

	if (op->kind != OP_MAP || op->flags & DMA_VADDR || op->size < LARGE)
		return false;
	for (i = 0; i < m->n; i++) {
		const struct live *live = &m->live[i];
		__u64 size = live->last - live->iova + 1;

		if (size >= LARGE && live->vaddr < op->vaddr + op->size &&
		    op->vaddr < live->vaddr + size)
			return true;
	}
	return false;
}

__u64 model_bytes(const struct model *m)
{
	__u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < m->n; i++)
		bytes += m->live[i].last - m->live[i].iova + 1;
	return bytes;
}

unsigned int model_uncharged(const struct model *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->n; i++)
		n += !m->live[i].charged;
	return n;
}
