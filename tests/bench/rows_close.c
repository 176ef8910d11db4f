// SPDX-License-Identifier: GPL-2.0-only
/*
 * Closing the group and the container with 1 GiB of scattered pages mapped, with one thread and
 * with two (helped.h): in a process that still has the memory, and in one that has given it up, so
 * that our pins are all that kept it.
 */
#include <sys/mman.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "helped.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)
#define SIZE GIB

static __u64 close_all(struct world *w)
{
	__u64 began, ended;

	close_devices(w);
	began = meter_now();
	close_groups(w);
	ended = meter_now();
	close_world(w);
	return ended - began;
}

static char *scattered_memory(void)
{
	char *mem = mem_strided(SIZE);

	if (!mem)
		fail("no memory");
	return mem;
}

/* @data: memory that stays, or NULL for some that goes before. */
static __u64 close_mapped(const struct contender *who, void *data)
{
	char *mem = data ? data : scattered_memory();
	struct world w;

	open_world(&w, who, 1);
	must(dma_map(w.container, IOVA, mem, SIZE, DMA_RW), "map");
	if (!data)
		mem_free(mem, SIZE);
	return close_all(&w);
}

void rows_close(const char *unused)
{
	struct helped gone = { "close-gone-1024M", SIZE / PAGE, close_mapped, NULL };
	int i;

	for (i = 0; i < CONTENDERS; i++)
		helped_race(&gone, &contenders[i]);
}

void rows_close_kept(const char *unused)
{
	struct helped kept = { "close-kept-1024M", SIZE / PAGE, close_mapped, NULL };
	int i;

	kept.data = scattered_memory();
	for (i = 0; i < CONTENDERS; i++)
		helped_race(&kept, &contenders[i]);
	mem_free(kept.data, SIZE);
}
