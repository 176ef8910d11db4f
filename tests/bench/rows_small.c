// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many mappings of one page: the life of a driver that maps per I/O, and of a
 * guest with an IOMMU of its own. Mappings lie at every other page of IOVA, so
 * that no two touch. Units are mappings.
 */
#include <errno.h>
#include <stdio.h>

#include "../kselftest/lib/batch.h"
#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)
#define STRIDE (2 * PAGE)

enum {
	CROWD = 16384,
	GUESTS = 512,		/* come and go among the crowd */
	SWEPT = 12288,
	BUFFER_PAGES = 16384 + 512,
	MANY = 400000,
	NO_EXTENSION = 9999,
};

static const char *const limit_param = "dma_entry_limit";

/* Every 33rd slot stays free for a guest. */
static __u64 crowd_slot(unsigned int i)
{
	return IOVA + (i + i / 32) * STRIDE;
}

static __u64 guest_slot(unsigned int i)
{
	return IOVA + (i * 33 + 32) * STRIDE;
}

static char *buffer(void)
{
	char *mem;

	tidy_memory();
	mem = mem_small(BUFFER_PAGES * PAGE);

	must(mem ? 0 : ENOMEM, "memory for small mappings");
	return mem;
}

static const char *page_of(const char *mem, unsigned int i)
{
	return mem + (i % BUFFER_PAGES) * PAGE;
}

static void map_crowd(struct world *w, const char *mem, unsigned int n)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < n && !ret; i++)
		ret = dma_map(w->container, crowd_slot(i), page_of(mem, i), PAGE,
			      DMA_RW);
	must(ret, "small mapping");
}

static bool has_batch(struct world *w)
{
	return container_extension(w->container,
				   VFIO_BATCH_DMA) == 1;
}

static void guests_come(struct world *w, const struct contender *who,
			const char *mem, const char *row)
{
	unsigned int i;
	int ret = 0;

	meter_start(who->name, row);
	for (i = 0; i < GUESTS && !ret; i++)
		ret = dma_map(w->container, guest_slot(i),
			      page_of(mem, CROWD + i), PAGE, DMA_RW);
	meter_stop(GUESTS);
	must(ret, "one more mapping");
}

static void guests_go(struct world *w, const struct contender *who,
		      const char *row)
{
	unsigned int i;
	int ret = 0;

	meter_start(who->name, row);
	for (i = 0; i < GUESTS && !ret; i++)
		ret = dma_unmap(w->container, guest_slot(i), PAGE, 0, NULL);
	meter_stop(GUESTS);
	must(ret, "one unmapping");
}

/*
 * The same guests with VFIO_IOMMU_BATCH_DMA where there is one: all in one call. A
 * figure of type1's is that of single calls.
 */
static void guests_come_at_once(struct world *w, const struct contender *who,
				const char *mem)
{
	static struct batch batch;
	unsigned int i;
	int ret = 0;

	if (!has_batch(w))
		return guests_come(w, who, mem, "map-batch/4k/16384");
	batch.nr = 0;
	for (i = 0; i < GUESTS; i++)
		batch_map(&batch, guest_slot(i), page_of(mem, CROWD + i), PAGE);
	meter_start(who->name, "map-batch/4k/16384");
	ret = batch_run(w->container, &batch);
	meter_stop(GUESTS);
	must(ret, "many more mappings");
}

static void guests_go_at_once(struct world *w, const struct contender *who)
{
	static struct batch batch;
	unsigned int i;
	int ret = 0;

	if (!has_batch(w))
		return guests_go(w, who, "unmap-batch/4k/16384");
	batch.nr = 0;
	for (i = 0; i < GUESTS; i++)
		batch_unmap(&batch, guest_slot(i), PAGE);
	meter_start(who->name, "unmap-batch/4k/16384");
	ret = batch_run(w->container, &batch);
	meter_stop(GUESTS);
	must(ret, "many unmappings");
	if (batch.unmapped != GUESTS * PAGE)
		fail("another size was unmapped at once");
}

/* A question with the answer no: what any call to the backend costs at least. */
static void questions(struct world *w, const struct contender *who)
{
	__u64 start = meter_now();
	unsigned int i;
	int ret = 0;

	for (i = 0; i < GUESTS && !ret; i++)
		ret = container_extension(w->container, NO_EXTENSION);
	must(ret, "an unknown extension");
	printf("# %s: an ioctl that does nothing takes %llu\n", who->name,
	       (meter_now() - start) / GUESTS);
}

static void crowd(const struct contender *who, const char *mem)
{
	struct world w;

	open_world(&w, who, 1);
	map_crowd(&w, mem, CROWD);
	guests_come(&w, who, mem, "map-one/4k/16384");
	guests_go(&w, who, "unmap-one/4k/16384");
	guests_come_at_once(&w, who, mem);
	guests_go_at_once(&w, who);
	questions(&w, who);
	close_measured(&w, who, "close/4k/16384", CROWD);
}

/* What the kernel keeps in its slabs, page tables not among it. */
static long slab_bytes(void)
{
	return file_keyed_long("/proc/meminfo", "Slab:") * KIB;
}

static void sweep(const struct contender *who, const char *mem, unsigned int n)
{
	struct world w;
	__u64 unmapped;
	char row[64];
	long slab;
	int ret;

	open_world(&w, who, 1);
	snprintf(row, sizeof(row), "map-each/4k/%u", n);
	slab = slab_bytes();
	meter_start(who->name, row);
	map_crowd(&w, mem, n);
	meter_stop(n);
	printf("# %s: %ld bytes of slab for each of %u small mappings\n",
	       who->name, (slab_bytes() - slab) / n, n);
	snprintf(row, sizeof(row), "unmap-all/4k/%u", n);
	meter_start(who->name, row);
	ret = dma_unmap_all(w.container, &unmapped);
	meter_stop(n);
	must(ret, row);
	if (unmapped != n * PAGE)
		fail("%s: another size was unmapped", row);
	close_world(&w);
}

void rows_small(const char *unused)
{
	char *mem = buffer();
	int i;

	for (i = 0; i < CONTENDERS; i++)
		crowd(&contenders[i], mem);
	for (i = 0; i < CONTENDERS; i++)
		sweep(&contenders[i], mem, SWEPT);
	mem_free(mem, BUFFER_PAGES * PAGE);
}

/* How many mappings there may be as the module comes out of the box. */
static void find_wall(const struct contender *who, const char *mem)
{
	struct world w;
	unsigned int n;
	int ret = 0;

	open_world(&w, who, 1);
	for (n = 0; n < MANY && !ret; n++)
		ret = dma_map(w.container, crowd_slot(n), page_of(mem, n), PAGE,
			      DMA_RW);
	if (ret)
		n--;
	must(ret && ret != -ENOSPC ? ret : 0, "many mappings");
	printf("# %s: %u small mappings%s\n", who->name, n,
	       ret ? ", then ENOSPC" : ", no limit met");
	close_world(&w);
}

static void many(const struct contender *who, const char *mem)
{
	enum backend backend = mode_get(who->mode)->backend;
	long limit = backend_param(backend, limit_param);

	must(limit < 0 ? limit : 0, limit_param);
	find_wall(who, mem);
	/* Raised, so that there is something to compare with. */
	if (backend == BACKEND_TYPE1)
		must(backend_param_set(backend, limit_param, MANY), limit_param);
	sweep(who, mem, MANY);
	if (backend == BACKEND_TYPE1)
		must(backend_param_set(backend, limit_param, limit), limit_param);
}

void rows_many(const char *unused)
{
	char *mem = buffer();
	int i;

	for (i = 0; i < CONTENDERS; i++)
		many(&contenders[i], mem);
	mem_free(mem, BUFFER_PAGES * PAGE);
}
