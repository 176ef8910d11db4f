// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a query of dirty pages costs: of one page, with few and with many mappings
 * in the container, and of a range that holds them all. Units are queries for the
 * first, mappings for the last.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)
#define STRIDE (2 * PAGE)

enum { FEW = 16, MANY = 16384, QUERIES = 64 };

/* The mappings asked for lie all over the crowd. */
static __u64 asked(unsigned int query, unsigned int crowd)
{
	return IOVA + (__u64)query * crowd / QUERIES * STRIDE;
}

static void one_page(struct world *w, const struct contender *who, unsigned int crowd)
{
	__u64 word = 0;
	struct vfio_bitmap bitmap = bitmap_words(&word, 1);
	unsigned int i;
	char row[64];
	int ret = 0;

	snprintf(row, sizeof(row), "dirty-get/one/%u", crowd);
	meter_start(who->name, row);
	for (i = 0; i < QUERIES && !ret; i++)
		ret = dirty_get(w->container, asked(i, crowd), PAGE, &bitmap);
	meter_stop(QUERIES);
	must(ret, row);
	if (!(word & 1))
		fail("%s: a page that a device can write is not dirty", row);
}

static void all_pages(struct world *w, const struct contender *who, unsigned int crowd)
{
	unsigned int words = crowd * 2 / 64;
	__u64 *bits = calloc(words, sizeof(*bits));
	struct vfio_bitmap bitmap = bitmap_words(bits, words);
	int ret;

	must(bits ? 0 : ENOMEM, "a bitmap");
	meter_start(who->name, "dirty-get/all/16384");
	ret = dirty_get(w->container, IOVA, crowd * STRIDE, &bitmap);
	meter_stop(crowd);
	must(ret, "dirty-get/all");
	free(bits);
}

static void crowd(const struct contender *who, const char *mem, unsigned int n)
{
	struct world w;
	unsigned int i;
	int ret = 0;

	open_world(&w, who, 1);
	for (i = 0; i < n && !ret; i++)
		ret = dma_map(w.container, IOVA + i * STRIDE, mem, PAGE, DMA_RW);
	must(ret ? ret : dirty_start(w.container), "dirty tracking");
	one_page(&w, who, n);
	if (n == MANY)
		all_pages(&w, who, n);
	must(dirty_stop(w.container), "end of dirty tracking");
	close_world(&w);
}

void rows_dirty(const char *unused)
{
	char *mem = mem_small(PAGE);
	unsigned int i;

	must(mem ? 0 : ENOMEM, "a page");
	for (i = 0; i < CONTENDERS; i++) {
		crowd(&contenders[i], mem, FEW);
		crowd(&contenders[i], mem, MANY);
	}
}
