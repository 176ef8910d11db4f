// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that come to a container and leave it. "further" is the whole
 * VFIO_GROUP_SET_CONTAINER of a group into a container that has one already.
 */
#include <stdio.h>

#include "../kselftest/lib/container.h"
#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/util.h"
#include "meter.h"
#include "rows.h"

#define IOVA (4 * GIB)

static void join_measured(struct world *w, const struct contender *who)
{
	int ret;

	w->slot[1].group = group_open(w->slot[1].pci.group);
	must(w->slot[1].group < 0 ? w->slot[1].group : 0, "second group");
	meter_start(who->name, "attach/further/1");
	ret = group_join(w->slot[1].group, w->container);
	meter_stop(1);
	must(ret, "a further group joins");
}

static void leave_measured(struct world *w, const struct contender *who)
{
	int ret;

	meter_start(who->name, "detach/further/1");
	ret = group_leave(w->slot[1].group);
	meter_stop(1);
	must(ret, "a further group leaves");
}

static void first_measured(struct world *w, const struct contender *who)
{
	int ret;

	if (world_enter(w, who->mode, 2) != WORLD_READY)
		fail("%s: %s", who->name, w->why);
	must(world_open_container(w), "container");
	must(world_join(w, 0), "first group");
	meter_start(who->name, "attach/first/1");
	ret = world_set_iommu(w);
	meter_stop(1);
	must(ret, "VFIO_SET_IOMMU");
	if (world_proof(w))
		fail("%s: %s", who->name, world_proof(w));
}

/* Once unmeasured: the first of all opens files and fills caches. */
static void warm_up(const struct contender *who)
{
	struct world w;

	open_world(&w, who, 2);
	close_world(&w);
}

static void groups(const struct contender *who, const char *mem)
{
	struct world w;

	warm_up(who);
	first_measured(&w, who);
	must(dma_map(w.container, IOVA, mem, MIB, DMA_RW), "map");
	join_measured(&w, who);
	leave_measured(&w, who);
	close_measured(&w, who, "close/small/1M", MIB / PAGE);
}

void rows_attach(const char *unused)
{
	char *mem = mem_small(MIB);
	int i;

	if (!mem)
		fail("no memory");
	for (i = 0; i < CONTENDERS; i++)
		groups(&contenders[i], mem);
	mem_free(mem, MIB);
}

/* Joins all groups of @w, and measures the second and the last one. */
static void join_all(struct world *w, const struct contender *who)
{
	unsigned int i;
	char row[32];
	int ret;

	for (i = 1; i < w->nslots; i++) {
		w->slot[i].group = group_open(w->slot[i].pci.group);
		must(w->slot[i].group < 0 ? w->slot[i].group : 0, "a further group");
		snprintf(row, sizeof(row), "attach/further-of/%u", i + 1);
		if (i == 1 || i == w->nslots - 1) {
			meter_start(who->name, row);
			ret = group_join(w->slot[i].group, w->container);
			meter_stop(1);
		} else {
			ret = group_join(w->slot[i].group, w->container);
		}
		must(ret, "a further group joins");
	}
}

static void crowd(const struct contender *who)
{
	struct world w;

	warm_up(who);
	if (world_enter(&w, who->mode, WORLD_MAX_GROUPS) != WORLD_READY)
		fail("%s: %s", who->name, w.why);
	must(world_open_container(&w), "container");
	must(world_join(&w, 0), "first group");
	must(world_select(&w), "VFIO_SET_IOMMU");
	join_all(&w, who);
	close_world(&w);
}

void rows_crowd(const char *unused)
{
	int i;

	for (i = 0; i < CONTENDERS; i++)
		crowd(&contenders[i]);
}
