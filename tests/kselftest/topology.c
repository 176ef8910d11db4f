// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups as machines have them: one of three devices (the chipset's LPC, SATA and
 * SMBus functions), one of two behind a bridge, and as many as sixty-four in one
 * container, all of which reach the memory and leave nothing behind.
 */
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"

enum { MANY = 64 };

/* How many groups there are to be: 64, or VIB_GROUPS where there is no room. */
static int many(void)
{
	const char *groups = getenv("VIB_GROUPS");

	return groups ? atoi(groups) : MANY;
}

#define PCI_SATA 0x80862922	/* ICH9, as q35 has it */

#define WORLD topology
#define WORLD_GROUPS 1
#define WORLD_V2_ONLY
#include "world_fixture.h"

struct member {
	struct pci_dev pci;
	int group;		/* descriptor or -1 */
	int device;
	struct edu edu;
};

static int members_in_group(int group)
{
	char path[64];
	int count = 0;
	char link[16];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		static const char * const function[] = { "1f.0", "1f.2", "1f.3" };

		snprintf(path, sizeof(path),
			 "/sys/kernel/iommu_groups/%d/devices/0000:00:%s",
			 group, function[i]);
		count += readlink(path, link, sizeof(link)) > 0;
	}
	return count;
}

static int join_new(struct world *w, struct member *member)
{
	member->group = group_open(member->pci.group);
	if (member->group < 0)
		return member->group;
	return group_join(member->group, w->container);
}

TEST_F(topology, three_chipset_functions_are_one_group)
{
	struct member chipset = { .group = -1 };

	if (pci_find(PCI_SATA, &chipset.pci, 1) != 1) {
		ASSERT_FALSE(promised("chipset"));
		SKIP(return, "the chipset's functions are not bound to vfio-pci");
	}
	ASSERT_EQ(3, members_in_group(chipset.pci.group));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, join_new(&self->w, &chipset));
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());

	/* the first goes, the three keep the container and its mappings */
	ASSERT_EQ(0, group_leave(self->w.slot[0].group));
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(self->w.pinned, pinned_pages());
	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(0, group_leave(chipset.group));
	close(chipset.group);
}

/* All groups but that of the world, each with an edu device in it. */
static int find_many(struct world *w, struct member *member, int max)
{
	struct pci_dev found[MANY + 1];
	int n, i, count = 0;

	n = pci_find_groups(PCI_EDU, found, MANY + 1);
	for (i = 0; i < n && count < max; i++) {
		if (found[i].group == w->slot[0].pci.group)
			continue;
		member[count].pci = found[i];
		member[count].group = -1;
		member[count++].device = -1;
	}
	return count;
}

static int open_member(struct member *member)
{
	member->device = group_device(member->group, member->pci.addr);
	if (member->device < 0)
		return member->device;
	return edu_open(&member->edu, member->device);
}

static void close_member(struct member *member)
{
	edu_close(&member->edu);
	if (member->device >= 0)
		close(member->device);
	if (member->group >= 0)
		close(member->group);
	member->device = -1;
	member->group = -1;
}

/* Each device stores a page that it was given before; how many arrived. */
static int all_store(struct member *member, int count, char *mem)
{
	int i, arrived = 0;

	mem_fill(mem, PAGE, 7);
	for (i = 0; i < count; i++)
		edu_start_fetch(&member[i].edu, IOVA);
	for (i = 0; i < count; i++)
		if (!edu_wait(&member[i].edu))
			edu_start_store(&member[i].edu, IOVA + (1 + i) * PAGE);
	for (i = 0; i < count; i++) {
		edu_wait(&member[i].edu);
		arrived += mem_is(mem + (1 + i) * PAGE, EDU_CHUNK, 7);
	}
	return arrived;
}

TEST_F(topology, many_groups_reach_the_memory)
{
	static struct member member[MANY];
	const __u64 size = (MANY + 1) * PAGE;
	char *mem = mem_small(size);
	int i, count;

	ASSERT_GE(MANY, many());
	count = find_many(&self->w, member, many() - 1);
	if (count < many() - 1) {
		ASSERT_FALSE(promised("many"));
		SKIP(return, "%d groups of %d", count + 1, many());
	}
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, mem, size, DMA_RW));
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, join_new(&self->w, &member[i]));
	EXPECT_EQ(self->w.pinned + MANY + 1, pinned_pages());
	if (self->w.mode->backend == BACKEND_BATCH) {
		EXPECT_EQ(count + 1, containers_count("group:"));
		EXPECT_EQ(1, containers_count("domain:"));
	}
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, open_member(&member[i]));
	EXPECT_EQ(count, all_store(member, count, mem));

	/* every second one goes; the others still reach it */
	for (i = 0; i < count; i += 2)
		close_member(&member[i]);
	for (i = 1; i < count; i += 2)
		member[i / 2] = member[i];
	EXPECT_EQ(count / 2, all_store(member, count / 2, mem));
	for (i = 0; i < count / 2; i++)
		close_member(&member[i]);
	EXPECT_EQ(self->w.pinned + MANY + 1, pinned_pages());
}

TEST_HARNESS_MAIN
