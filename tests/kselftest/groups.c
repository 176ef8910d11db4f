// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several groups in one container: each reaches what is mapped, whenever it
 * joined, and only while it is a member; the last one to leave ends it all.
 *
 * Joining and leaving knows nothing of v1 and v2, which saves transfers here.
 * Page i of self->mem is read by device i, page 8 + i is written by it.
 */
#include <unistd.h>

#include "fixture.h"
#include "lib/container.h"

enum { GROUPS = 4, WRITTEN = 8 };

#define WORLD groups
#define WORLD_GROUPS GROUPS
#define WORLD_V2_ONLY
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

static char *page(char *mem, unsigned int nr)
{
	return mem + nr * PAGE;
}

static int map_all(struct world *w, char *mem)
{
	return dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW);
}

/*
 * Lets the devices of @mask copy their page, all at the same time; a mask of
 * those whose copy arrived.
 */
static unsigned int copies(struct world *w, char *mem, unsigned int mask)
{
	unsigned int i, arrived = 0;

	for (i = 0; i < GROUPS; i++) {
		mem_fill(page(mem, i), PAGE, i);
		mem_fill(page(mem, WRITTEN + i), PAGE, 0xee);
		if (mask & 1 << i && world_edu(w, i))
			edu_start_fetch(&w->slot[i].edu, IOVA + i * PAGE);
	}
	for (i = 0; i < GROUPS; i++) {
		if (w->slot[i].edu.bar && mask & 1 << i &&
		    !edu_wait(&w->slot[i].edu))
			edu_start_store(&w->slot[i].edu,
					IOVA + (WRITTEN + i) * PAGE);
	}
	for (i = 0; i < GROUPS; i++) {
		if (w->slot[i].edu.bar && mask & 1 << i)
			edu_wait(&w->slot[i].edu);
		if (mem_is(page(mem, WRITTEN + i), EDU_CHUNK, i))
			arrived |= 1 << i;
	}
	return arrived;
}

static int leave(struct world *w, unsigned int slot)
{
	world_close_device(w, slot);
	return group_leave(w->slot[slot].group);
}

TEST_F(groups, joined_before_set_iommu_all_reach_the_memory)
{
	ASSERT_EQ(0, world_set_up(&self->w, GROUPS));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	EXPECT_EQ(0xf, copies(&self->w, self->mem, 0xf));
}

TEST_F(groups, joined_after_the_mapping_all_reach_it)
{
	unsigned int i;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	for (i = 1; i < GROUPS; i++)
		ASSERT_EQ(0, world_join(&self->w, i));
	EXPECT_EQ(0xf, copies(&self->w, self->mem, 0xf));
}

TEST_F(groups, a_further_group_costs_no_memory)
{
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	ASSERT_EQ(0, world_join(&self->w, 1));
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	ASSERT_EQ(0, leave(&self->w, 1));
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
}

TEST_F(groups, unmap_takes_the_memory_from_all)
{
	ASSERT_EQ(0, world_set_up(&self->w, GROUPS));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	ASSERT_EQ(0xf, copies(&self->w, self->mem, 0xf));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(0, copies(&self->w, self->mem, 0xf));
}

TEST_F(groups, the_others_stay_when_one_leaves)
{
	ASSERT_EQ(0, world_set_up(&self->w, GROUPS));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	ASSERT_EQ(0, leave(&self->w, 2));
	EXPECT_EQ(0xb, copies(&self->w, self->mem, 0xb));
}

TEST_F(groups, the_others_stay_when_the_first_leaves)
{
	ASSERT_EQ(0, world_set_up(&self->w, GROUPS));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	ASSERT_EQ(0, leave(&self->w, 0));
	EXPECT_EQ(0xe, copies(&self->w, self->mem, 0xe));
}

TEST_F(groups, one_that_left_may_come_back)
{
	ASSERT_EQ(0, world_set_up(&self->w, 2));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	ASSERT_EQ(0, leave(&self->w, 0));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(0x3, copies(&self->w, self->mem, 0x3));
}

/* It goes to a container of its own, where nothing is mapped. */
TEST_F(groups, one_that_left_reaches_nothing)
{
	int other;

	ASSERT_EQ(0, world_set_up(&self->w, 2));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	ASSERT_EQ(0x3, copies(&self->w, self->mem, 0x3));
	ASSERT_EQ(0, leave(&self->w, 1));

	other = container_open();
	ASSERT_LT(0, other);
	ASSERT_EQ(0, group_join(self->w.slot[1].group, other));
	ASSERT_EQ(0, container_set_iommu(other, self->w.mode->type_id));
	EXPECT_EQ(0x1, copies(&self->w, self->mem, 0x3));
	close(other);
}

TEST_F(groups, leaving_with_an_open_device_is_ebusy)
{
	ASSERT_EQ(0, world_set_up(&self->w, 2));
	ASSERT_NE(NULL, world_edu(&self->w, 1));
	EXPECT_EQ(-EBUSY, group_leave(self->w.slot[1].group));
}

TEST_F(groups, joining_twice_is_einval)
{
	ASSERT_EQ(0, world_set_up(&self->w, 2));
	EXPECT_EQ(-EINVAL, world_join(&self->w, 1));
}

TEST_F(groups, the_last_to_leave_ends_the_mappings)
{
	struct info info;

	ASSERT_EQ(0, world_set_up(&self->w, 2));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	ASSERT_EQ(0, leave(&self->w, 0));
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	ASSERT_EQ(0, leave(&self->w, 1));
	EXPECT_EQ(NULL, world_leak(&self->w));
	/* the container is as it was before SET_IOMMU */
	EXPECT_EQ(-EINVAL, info_get(self->w.container, &info));
	EXPECT_EQ(-EINVAL, map_all(&self->w, self->mem));
}

TEST_F(groups, an_emptied_container_can_be_used_again)
{
	int i;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, map_all(&self->w, self->mem));
		ASSERT_EQ(0, leave(&self->w, 0));
		ASSERT_EQ(0, world_join(&self->w, 0));
		ASSERT_EQ(0, world_select(&self->w));
	}
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	EXPECT_EQ(0x1, copies(&self->w, self->mem, 0x1));
}

TEST_F(groups, windows_do_not_change_with_equal_groups)
{
	struct info one, two, again;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, info_get(self->w.container, &one));
	ASSERT_EQ(0, world_join(&self->w, 1));
	ASSERT_EQ(0, info_get(self->w.container, &two));
	ASSERT_EQ(0, leave(&self->w, 0));
	ASSERT_EQ(0, info_get(self->w.container, &again));
	EXPECT_EQ(0, memcmp(&one, &two, sizeof(one)));
	EXPECT_EQ(0, memcmp(&one, &again, sizeof(one)));
}

/*
 * Calls find their container by a number that grows with each: here, until every slot of
 * a table of numbers was shared with another container that is open, too.
 */
TEST_F(groups, a_call_finds_its_own_container_among_others)
{
	enum { OTHERS = 150 };
	int group, other;
	__u64 size;
	unsigned int i;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	group = group_open(self->w.slot[1].pci.group);
	ASSERT_LT(0, group);
	for (i = 0; i < OTHERS; i++) {
		other = container_open();
		ASSERT_EQ(0, group_join(group, other));
		ASSERT_EQ(0, container_set_iommu(other, self->w.mode->type_id));
		ASSERT_EQ(0, dma_map(other, IOVA, self->mem, PAGE, DMA_RW));
		EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, PAGE, 0, &size));
		ASSERT_EQ(0, size);
		EXPECT_EQ(0, dma_unmap(other, IOVA, PAGE, 0, &size));
		ASSERT_EQ(PAGE, size);
		ASSERT_EQ(0, group_leave(group));
		close(other);
	}
	close(group);
}

/*
 * Two devices behind one bridge are one group: both are opened through it and
 * both reach the memory.
 */
static int find_pair(struct pci_dev pair[2])
{
	struct pci_dev found[16];
	int n, i, k;

	n = pci_find(PCI_EDU, found, 16);
	for (i = 0; i < n; i++) {
		for (k = i + 1; k < n; k++) {
			if (found[i].group != found[k].group)
				continue;
			pair[0] = found[i];
			pair[1] = found[k];
			return 0;
		}
	}
	return -ENOENT;
}

TEST_F(groups, two_devices_of_one_group_reach_the_memory)
{
	struct pci_dev pair[2];
	struct edu edu[2];
	int i, device[2];

	if (find_pair(pair)) {
		ASSERT_FALSE(promised("pair"));
		SKIP(return, "no two edu devices share a group");
	}
	self->w.slot[0].pci = pair[0];
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, map_all(&self->w, self->mem));
	for (i = 0; i < 2; i++) {
		device[i] = group_device(self->w.slot[0].group, pair[i].addr);
		ASSERT_LT(0, device[i]);
		ASSERT_EQ(0, edu_open(&edu[i], device[i]));
		mem_fill(page(self->mem, i), PAGE, i + 1);
		ASSERT_EQ(0, edu_copy(&edu[i], IOVA + (WRITTEN + i) * PAGE,
				      IOVA + i * PAGE));
		EXPECT_TRUE(mem_is(page(self->mem, WRITTEN + i), EDU_CHUNK, i + 1));
	}
	for (i = 0; i < 2; i++) {
		edu_close(&edu[i]);
		close(device[i]);
	}
}

TEST_HARNESS_MAIN
