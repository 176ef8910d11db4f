// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs that go away in a container of emulated devices: while these are alone a mapping of a BAR is
 * only recorded; with a real group it is a window, which goes and comes as in any other container.
 * The BAR is that of a device in a container of its own.
 */
#include "bar_fixture.h"
#include "emulated_fixture.h"

#define EMULATED bars
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

struct peer {
	int container;
	int group;
	int device;
	struct edu edu;
};

static void peer_open(struct __test_metadata *_metadata, struct world *w, struct peer *peer)
{
	struct pci_dev found[2];

	ASSERT_EQ(2, pci_find_groups(PCI_EDU, found, 2));
	peer->container = container_open();
	ASSERT_LE(0, peer->container);
	peer->group = group_open(found[1].group);
	ASSERT_LE(0, peer->group);
	ASSERT_EQ(0, group_join(peer->group, peer->container));
	ASSERT_EQ(0, container_set_iommu(peer->container, w->mode->type_id));
	peer->device = group_device(peer->group, found[1].addr);
	ASSERT_LE(0, peer->device);
	ASSERT_EQ(0, edu_open(&peer->edu, peer->device));
}

static void peer_close(struct peer *peer)
{
	edu_close(&peer->edu);
	close(peer->device);
	close(peer->group);
	close(peer->container);
}

static void off_and_on(struct __test_metadata *_metadata, struct world *w, struct peer *peer,
		       long pages)
{
	ASSERT_EQ(0, edu_command(&peer->edu, 0));
	EXPECT_EQ(pages, revoked(w));
	ASSERT_EQ(0, edu_command(&peer->edu, DECODES));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
}

static bool real_one_reaches(struct __test_metadata *_metadata, struct world *w, char *mem,
			     struct peer *peer)
{
	struct edu *edu = world_edu(w, 0);

	ASSERT_NE(NULL, edu);
	return arrives(_metadata, edu, mem, FAR + LIVENESS, &peer->edu);
}

static void leave(struct world *w)
{
	world_close_device(w, 0);
	world_close_group(w, 0);
}

TEST_F(bars, window_comes_and_goes_with_the_real_group)
{
	struct world *w = &self->w;
	struct peer peer;
	int round;

	peer_open(_metadata, w, &peer);
	ASSERT_EQ(0, dma_map(w->container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dma_map(w->container, FAR, peer.edu.bar, 16 * PAGE, DMA_RW));
	for (round = 0; round < 2; round++) {
		off_and_on(_metadata, w, &peer, 0);
		ASSERT_EQ(0, world_join(w, 0));
		EXPECT_TRUE(real_one_reaches(_metadata, w, self->mem, &peer));
		off_and_on(_metadata, w, &peer, 16);
		EXPECT_TRUE(real_one_reaches(_metadata, w, self->mem, &peer));
		leave(w);
	}
	ASSERT_EQ(0, world_join(w, 0));
	edu_close(&peer.edu);
	EXPECT_FALSE(real_one_reaches(_metadata, w, self->mem, &peer));
	leave(w);
	peer_close(&peer);
}

/* With the BAR off it cannot be entered, as by MAP_DMA: the group does not join. */
TEST_F(bars, real_group_comes_while_it_is_off)
{
	struct world *w = &self->w;
	struct peer peer;

	peer_open(_metadata, w, &peer);
	ASSERT_EQ(0, dma_map(w->container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dma_map(w->container, FAR, peer.edu.bar, 16 * PAGE, DMA_RW));
	ASSERT_EQ(0, edu_command(&peer.edu, 0));
	EXPECT_EQ(-EFAULT, world_join(w, 0));
	EXPECT_EQ(0, charged(w));
	world_close_group(w, 0);
	ASSERT_EQ(0, edu_command(&peer.edu, DECODES));
	ASSERT_EQ(0, world_join(w, 0));
	EXPECT_TRUE(real_one_reaches(_metadata, w, self->mem, &peer));
	leave(w);
	peer_close(&peer);
}

/* What an emulated device has pinned of the same mapping is memory, and stays. */
TEST_F(bars, pinned_pages_beside_a_bar_that_goes)
{
	struct world *w = &self->w;
	struct peer peer;
	char *bar = self->mem + 32 * PAGE;

	peer_open(_metadata, w, &peer);
	ASSERT_EQ(bar, mmap(bar, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    peer.device, 0));
	ASSERT_EQ(0, world_join(w, 0));
	ASSERT_EQ(0, dma_map(w->container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, emulated_pin(self->e, IOVA, 3, MOCK_WRITE));
	off_and_on(_metadata, w, &peer, 16);
	ASSERT_EQ(0, munmap(bar, 16 * PAGE));
	EXPECT_EQ(16, revoked(w));
	EXPECT_TRUE(holds(self->e, IOVA + 2 * PAGE, 2));
	EXPECT_EQ(MEM_PAGES - 16, charged(w));
	EXPECT_EQ(0, dma_unmap(w->container, IOVA, MEM_SIZE, 0, NULL));
	leave(w);
	peer_close(&peer);
}

TEST_HARNESS_MAIN
