// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs in several domains: what the kernel takes leaves each of them with one flush, what comes
 * back comes to all, and a domain that is made or freed meanwhile has what the others have.
 */
#include "bar_fixture.h"
#include "lib/call.h"
#include "lib/trace.h"
#include "mock_fixture.h"

enum {
	ATTACH_MS = 400,
};

FIXTURE_VARIANT(bars)
{
	const char *order;	/* about instance 1 */
	int domains;
};

#define MOCK bars
#include "mock_world.h"

FIXTURE_VARIANT_ADD(bars, joined)
{
	.order = "fail any 0 0",
	.domains = 1,
};

FIXTURE_VARIANT_ADD(bars, unlike)
{
	.order = "instance 1 aperture 0 0x7fffffffff",
	.domains = 2,
};

FIXTURE_VARIANT_ADD(bars, unlike_in_page_sizes)
{
	.order = "instance 1 pgsizes 0x201000",
	.domains = 2,
};

/* Groups of two instances, and a page of memory; the device with the BAR is of the first. */
static struct edu *begin_bars(struct __test_metadata *_metadata, struct world *w,
			      const char *order, char *mem)
{
	struct edu *peer;

	ASSERT_EQ(0, mock_order(order));
	ASSERT_EQ(0, begin_with(w, SLOT_A));
	ASSERT_EQ(0, world_join(w, SLOT_B));
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, PAGE, DMA_RW));
	peer = world_edu(w, SLOT_A);
	ASSERT_NE(NULL, peer);
	return peer;
}

static long flushes(unsigned int nth)
{
	return mock_domain_count(nth, "syncs") + mock_domain_count(nth, "flushes");
}

/* Every domain has @pages, the same in all. */
static void expect_mapped(struct __test_metadata *_metadata, int domains, long pages)
{
	int nth;

	EXPECT_EQ(domains, mock_domains());
	for (nth = 0; nth < domains; nth++)
		EXPECT_EQ(pages, mock_domain_count(nth, "mapped"));
	EXPECT_TRUE(mock_domains_agree());
}

/*
 * Switches the peer off. Up to 6.9 vfio-pci takes its entries away before it switches the memory
 * off: if the window comes back between the two, it takes them once more. Return: how often the
 * kernel took the window; -errno.
 */
static int taken_by_switching_off(struct edu *peer)
{
	int ret = trace_start(), restores;

	if (!ret)
		ret = edu_command(peer, 0);
	if (ret)
		return ret;
	restores = trace_count("vib_restore:", "");
	ret = trace_count("vib_revoke:", "");
	if (trace_stop())
		return -EIO;
	return ret == restores + 1 ? ret : -EPROTO;
}

TEST_F(bars, revocation_is_one_flush_a_domain)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	__u64 pages = peer->bar_size / PAGE;
	int nth, taken;
	long before[2];

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	expect_mapped(_metadata, variant->domains, 1 + pages);
	for (nth = 0; nth < variant->domains; nth++)
		before[nth] = flushes(nth);
	taken = taken_by_switching_off(peer);
	ASSERT_LE(1, taken);
	expect_mapped(_metadata, variant->domains, 1);
	for (nth = 0; nth < variant->domains; nth++)
		EXPECT_EQ(before[nth] + taken, flushes(nth));
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
	expect_mapped(_metadata, variant->domains, 1 + pages);
	ASSERT_EQ(0, dma_unmap(w->container, FAR, peer->bar_size, 0, NULL));
	expect_mapped(_metadata, variant->domains, 1);
}

TEST_F(bars, end_of_the_address_is_one_flush_a_domain)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	long before[2];
	int nth;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	for (nth = 0; nth < variant->domains; nth++)
		before[nth] = flushes(nth);
	edu_close(peer);
	expect_mapped(_metadata, variant->domains, 1);
	for (nth = 0; nth < variant->domains; nth++)
		EXPECT_EQ(before[nth] + 1, flushes(nth));
	usleep(COME_BACK_MS * 1000);
	expect_mapped(_metadata, variant->domains, 1);
}

TEST_F(bars, part_that_goes_leaves_the_rest_in_all)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	__u64 pages = peer->bar_size / PAGE;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, munmap(peer->bar + 8 * PAGE, 3 * PAGE));
	usleep(COME_BACK_MS * 1000);
	EXPECT_EQ(3, revoked(w));
	expect_mapped(_metadata, variant->domains, 1 + pages - 3);
}

/* What the domains translate, once @lost pages are out of them and no others. */
static void settled_dump(struct __test_metadata *_metadata, struct world *w, long lost, char *dump)
{
	int ms;

	for (ms = 0; ms < 20 * COME_BACK_MS && revoked(w) != lost; ms += 5)
		usleep(5000);
	EXPECT_EQ(lost, revoked(w));
	EXPECT_TRUE(mock_domains_agree());
	ASSERT_LE(0, mock_dump(dump));
}

static void off_and_on(struct __test_metadata *_metadata, struct edu *peer)
{
	ASSERT_EQ(0, edu_command(peer, 0));
	ASSERT_EQ(0, edu_command(peer, DECODES));
}

/* With every second page gone, the others are where they were, however often they come back. */
TEST_F(bars, pieces_come_back_in_their_places)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	long pages = peer->bar_size / PAGE, i;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, edu_command(peer, 0));
	for (i = 1; i < pages; i += 2)
		ASSERT_EQ(0, munmap(peer->bar + i * PAGE, PAGE));
	ASSERT_EQ(0, edu_command(peer, DECODES));
	settled_dump(_metadata, w, pages / 2, self->before.dump);
	expect_mapped(_metadata, variant->domains, 1 + pages / 2);
	for (i = 0; i < 3; i++) {
		off_and_on(_metadata, peer);
		settled_dump(_metadata, w, pages / 2, self->after.dump);
		EXPECT_STREQ(self->before.dump, self->after.dump);
	}
}

/* Every second page cannot be had for a while, so that each is a hole of its own. */
TEST_F(bars, holes_between_windows_are_filled_one_by_one)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	long pages = peer->bar_size / PAGE, i;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_LE(0, mock_dump(self->before.dump));
	for (i = 1; i < pages; i += 2)
		ASSERT_EQ(0, mprotect(peer->bar + i * PAGE, PAGE, PROT_READ));
	off_and_on(_metadata, peer);
	settled_dump(_metadata, w, pages / 2, self->after.dump);
	expect_mapped(_metadata, variant->domains, 1 + pages / 2);
	for (i = 1; i < pages; i += 2)
		ASSERT_EQ(0, mprotect(peer->bar + i * PAGE, PAGE, PROT_READ | PROT_WRITE));
	settled_dump(_metadata, w, 0, self->after.dump);
	EXPECT_STREQ(self->before.dump, self->after.dump);
	off_and_on(_metadata, peer);
	settled_dump(_metadata, w, 0, self->after.dump);
	EXPECT_STREQ(self->before.dump, self->after.dump);
}

/* A domain that is made while the BAR is off has a hole there, as the others. */
TEST_F(bars, groups_come_while_it_is_off)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	__u64 pages = peer->bar_size / PAGE;

	ASSERT_EQ(0, leave(w, SLOT_B));
	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, edu_command(peer, 0));
	ASSERT_EQ(0, world_join(w, SLOT_B));
	expect_mapped(_metadata, variant->domains, 1);
	ASSERT_EQ(0, world_join(w, SLOT_A2));
	expect_mapped(_metadata, variant->domains, 1);
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
	expect_mapped(_metadata, variant->domains, 1 + pages);
}

TEST_F(bars, groups_go_while_it_is_off)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	__u64 pages = peer->bar_size / PAGE;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, edu_command(peer, 0));
	ASSERT_EQ(0, leave(w, SLOT_B));
	expect_mapped(_metadata, 1, 1);
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
	expect_mapped(_metadata, 1, 1 + pages);
}

/* No driver finds its page table changed by a revocation while it attaches a device. */
TEST_F(bars, goes_while_a_group_comes)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	struct call join = { .body = call_join, .w = w, .slot = SLOT_A2 };
	__u64 pages = peer->bar_size / PAGE;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, mock_order("attach_ms %d", ATTACH_MS));
	ASSERT_EQ(0, call_begin(&join));
	usleep(ATTACH_MS / 4 * 1000);
	EXPECT_FALSE(join.done);
	ASSERT_EQ(0, edu_command(peer, 0));
	EXPECT_TRUE(call_ends(&join));
	ASSERT_EQ(0, call_result(&join));
	expect_mapped(_metadata, variant->domains, 1);
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
	expect_mapped(_metadata, variant->domains, 1 + pages);
}

/* What a driver refuses to enter stays out of all domains, and is tried again. */
TEST_F(bars, driver_that_refuses_is_asked_again)
{
	struct world *w = &self->w;
	struct edu *peer = begin_bars(_metadata, w, variant->order, self->mem);
	__u64 pages = peer->bar_size / PAGE;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, edu_command(peer, 0));
	ASSERT_EQ(0, mock_order("fail map 1 12"));
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_GE(2 * COME_BACK_MS, comes_back(w));
	EXPECT_LE(1, mock_count("fired"));
	expect_mapped(_metadata, variant->domains, 1 + pages);
}

TEST_HARNESS_MAIN
