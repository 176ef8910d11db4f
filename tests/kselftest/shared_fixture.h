/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of memory that several containers map share: a container for each group of the
 * world. Behind fixture.h, once in each program.
 */
#ifndef VIB_TEST_SHARED_FIXTURE_H
#define VIB_TEST_SHARED_FIXTURE_H

#include <unistd.h>

#include "lib/agree.h"

#define SOME (8 * MIB)
#define PART (2 * MIB)
#define FAR (4 * GIB)

enum { MOST_CONTAINERS = 4, PAGES = SOME / PAGE, PART_PAGES = PART / PAGE };

/* Each test has a process of its own. */
static int containers[MOST_CONTAINERS];

/* Opens a container for each of the first @nr groups. Return: 0 or -errno. */
static inline int open_containers(struct world *w, int nr)
{
	int i, ret;

	for (i = 0; i < nr; i++) {
		containers[i] = container_open();
		if (containers[i] < 0)
			return containers[i];
		w->slot[i].group = group_open(w->slot[i].pci.group);
		if (w->slot[i].group < 0)
			return w->slot[i].group;
		ret = group_join(w->slot[i].group, containers[i]);
		if (!ret)
			ret = container_set_iommu(containers[i], w->mode->type_id);
		if (ret)
			return ret;
	}
	return 0;
}

/* Closes one of them, with its device and group. */
static inline void close_container(struct world *w, int nr)
{
	world_close_device(w, nr);
	world_close_group(w, nr);
	close(containers[nr]);
	containers[nr] = -1;
}

static inline bool charges_again(const struct world *w)
{
	return expected(w->mode, DIFF_CHARGED_AGAIN) == 2;
}

/* Expects @pages charged and pinned by us, and @each by type1, which charges each mapping. */
#define EXPECT_CHARGED(pages, each) do { \
	long _pages = charges_again(&self->w) ? (each) : (pages); \
\
	EXPECT_EQ(self->w.locked + _pages, locked_pages()); \
	EXPECT_EQ(self->w.pinned + _pages, pinned_pages()); \
} while (0)

static inline int map(int nr, const char *mem, __u64 size, __u32 flags)
{
	return dma_map(containers[nr], FAR, mem, size, flags);
}

static inline int map_rw(int nr, const char *mem, __u64 size)
{
	return map(nr, mem, size, DMA_RW);
}

static inline int unmap(int nr, __u64 size)
{
	__u64 done = 0;
	int ret = dma_unmap(containers[nr], FAR, size, 0, &done);

	return ret || done == size ? ret : -ENODATA;
}

/* Does the device of container @nr see what stands in @mem now? */
static inline bool device_sees(struct world *w, int nr, __u64 offset, char *mem)
{
	return !device_agrees(world_edu(w, nr), FAR + offset, mem + offset);
}

#endif
