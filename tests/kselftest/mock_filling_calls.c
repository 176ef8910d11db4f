// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mapped and unmapped while a new domain is being filled, below the place to which that has
 * come, above it and across: in the end the domain has what the other one has.
 */
#include <sched.h>

#include "bar_fixture.h"
#include "lib/blocking_mem.h"
#include "mock_fixture.h"
#include "batch_fixture.h"
#include "filling_fixture.h"

TEST_F_TIMEOUT(filling, what_comes_and_goes_meanwhile_is_in_both, MINUTES_S)
{
	struct call calls[] = {
		CALL(unmap, LOW, MEM_SIZE, NULL), CALL(unmap, HIGH, MEM_SIZE, NULL),
		CALL(map, LOW + MIB, MEM_SIZE / 2, self->mem),
		CALL(map, HIGH + MIB, MEM_SIZE / 4, self->mem),
	};

	ASSERT_EQ(0, dma_map(self->w.container, LOW, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, HIGH, self->mem, MEM_SIZE, DMA_RW));
	BETWEEN_TURNS(calls);
	domains_have(_metadata, 2, RUNS + MEM_PAGES / 2 + MEM_PAGES / 4);
}

/* It is in the domain in part. */
TEST_F_TIMEOUT(filling, mapping_that_is_being_filled_goes, MINUTES_S)
{
	struct call calls[] = { CALL(unmap, IOVA, RUNS_SIZE, NULL) };

	ASSERT_EQ(0, dma_map(self->w.container, HIGH, self->mem, MEM_SIZE, DMA_RW));
	BETWEEN_TURNS(calls);
	domains_have(_metadata, 2, MEM_PAGES);
}

TEST_F_TIMEOUT(filling, all_goes, MINUTES_S)
{
	struct call calls[] = { CALL(unmap, 0, 1ULL << 62, NULL) };

	BETWEEN_TURNS(calls);
	domains_have(_metadata, 2, 0);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	domains_have(_metadata, 2, MEM_PAGES);
}

enum { FLYING = 4 * TURN, FLYING_BLOCKS = 3 * TURN };

#define FLIGHT (IOVA - 128 * MIB)

/* Puts one page over and over in the place of what is at @mem. */
static int repeat_page(char *mem, size_t size)
{
	int fd, ret;

	if (!mem_memfd(PAGE, &fd))
		return -ENOMEM;
	ret = mem_repeat(mem, size, fd, PAGE);
	close(fd);
	return ret;
}

/* A map that has filled a part, and waits for a page when the domain comes. */
static void map_in_flight(struct __test_metadata *_metadata, struct call *map,
			  struct blocking_mem *b)
{
	ASSERT_EQ(0, blocking_mem_open_part(b, FLYING * PAGE, FLYING_BLOCKS * PAGE, PAGE));
	ASSERT_EQ(0, repeat_page(b->mem, FLYING_BLOCKS * PAGE));
	map->data = b->mem;
	ASSERT_EQ(0, call_begin_blocked(map, b));
	EXPECT_LT(RUNS + 2 * TURN - 1, mock_domain_count(0, "mapped"));
}

TEST_F_TIMEOUT(filling, map_in_flight_goes_on, MINUTES_S)
{
	struct call map = CALL(map, FLIGHT, FLYING * PAGE, NULL);
	struct blocking_mem b;

	map_in_flight(_metadata, &map, &b);
	join_to(_metadata, &self->join, IN_SECOND);
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_TRUE(call_sleeps(&map));
	join_ends(_metadata, &self->join, 0);
	EXPECT_EQ(0, call_result(&map));
	domains_have(_metadata, 2, RUNS + FLYING);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	domains_have(_metadata, 2, 0);
	blocking_mem_close(&b);
}

TEST_F_TIMEOUT(filling, map_in_flight_fails, MINUTES_S)
{
	struct call map = CALL(map, FLIGHT, FLYING * PAGE, NULL);
	struct blocking_mem b;

	map_in_flight(_metadata, &map, &b);
	join_to(_metadata, &self->join, IN_SECOND);
	ASSERT_EQ(0, blocking_mem_withdraw(&b));
	EXPECT_TRUE(call_sleeps(&map));
	join_ends(_metadata, &self->join, 0);
	EXPECT_EQ(-EFAULT, call_result(&map));
	domains_have(_metadata, 2, RUNS);
	blocking_mem_close(&b);
}

/* A page alone goes another way through the module than many. */
TEST_F_TIMEOUT(filling, pages_below_and_above_go, MINUTES_S)
{
	struct call calls[] = {
		CALL(unmap, LOW, PAGE, NULL), CALL(unmap, HIGH, PAGE, NULL),
		CALL(map, LOW + PAGE, PAGE, self->mem), CALL(map, HIGH + PAGE, PAGE, self->mem),
	};

	ASSERT_EQ(0, dma_map(self->w.container, LOW, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, HIGH, self->mem, PAGE, DMA_RW));
	BETWEEN_TURNS(calls);
	domains_have(_metadata, 2, RUNS + 2);
}

static int call_batch(struct call *call)
{
	return run(call->w);
}

/* Maps of one call take the lock together. */
TEST_F_TIMEOUT(filling, many_operations_of_one_call_are_in_both, MINUTES_S)
{
	struct call calls[] = { CALL(batch, 0, 0, NULL) };
	unsigned int i;

	ASSERT_EQ(0, dma_map(self->w.container, LOW, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, HIGH, self->mem, PAGE, DMA_RW));
	batch_unmap(&batch, HIGH, PAGE);
	batch_unmap(&batch, LOW, PAGE);
	for (i = 1; i <= 10; i++) {
		batch_map(&batch, HIGH + i * PAGE, self->mem, PAGE);
		batch_map(&batch, LOW + 2 * i * PAGE, self->mem, 2 * PAGE);
	}
	BETWEEN_TURNS(calls);
	domains_have(_metadata, 2, RUNS + 30);
}

/* Far above all runs, where the new domain's page table is not deep enough. */
#define BAR_PLACE (1024 * GIB)
#define BELOW_BAR (600 * GIB)
#define ABOVE_BAR (2048 * GIB)

/*
 * The second turn ends behind a BAR that is off, of which there is nothing to fill: so the place is
 * beyond what the page table is deep enough for, and a map below it adds a level. The same call has
 * a map above it, too, which adds none. It has the lock alone nevertheless: the mock counts maps
 * that run beside one that adds a level, and the other map is held in this domain.
 */
TEST_F_TIMEOUT(filling, maps_below_and_above_of_one_call_have_the_lock_alone, MINUTES_S)
{
	struct call low = CALL(map, LOW, PAGE, self->mem), maps = CALL(batch, 0, 0, NULL);
	struct edu *peer = world_edu(&self->w, SLOT_A);
	const __u64 runs = 2 * TURN - 1;

	ASSERT_NE(NULL, peer);
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->runs, runs * PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->w.container, BAR_PLACE, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, edu_command(peer, 0));
	domains_have(_metadata, 1, runs);
	batch_map(&batch, BELOW_BAR, self->mem, PAGE);
	batch_map(&batch, ABOVE_BAR, self->mem, PAGE);
	join_to(_metadata, &self->join, IN_SECOND);
	ASSERT_EQ(0, call_begin(&low));
	EXPECT_TRUE(call_sleeps(&low));
	ASSERT_EQ(0, call_begin(&maps));
	EXPECT_TRUE(call_sleeps(&maps));
	/* Each enters its first page into the old domain, and then into the new one. */
	ASSERT_EQ(0, mock_order("hold %ld", runs - IN_SECOND + 2));
	ASSERT_TRUE(comes_to_a_hold());
	/* One is held, and the other waits for it. */
	EXPECT_TRUE(call_waits(&low));
	EXPECT_TRUE(call_waits(&maps));
	join_ends(_metadata, &self->join, 0);
	EXPECT_EQ(0, call_result(&low));
	EXPECT_EQ(0, call_result(&maps));
	domains_have(_metadata, 2, runs + 3);
}

static int call_switch_off(struct call *call)
{
	int ret = on_one_cpu(false);

	return ret ? ret : edu_command(call->data, 0);
}

static int call_switch_on(struct call *call)
{
	return edu_command(call->data, DECODES);
}

/*
 * Ends with one of the next turns: what comes back while the kernel takes the BAR away, it takes
 * once more, and waits for a turn again though there is nothing left of it in any domain. A filling
 * that did not wait for the kernel would begin each turn before that runs.
 */
static void ends_before_the_filling(struct __test_metadata *_metadata, struct call *off)
{
	unsigned int turns;

	for (turns = 0; turns < 3 && call_waits(off); turns++) {
		ASSERT_EQ(0, mock_order("hold %d", TO_NEXT));
		ASSERT_TRUE(comes_to_a_hold());
	}
	ASSERT_TRUE(call_ends(off));
	EXPECT_EQ(0, call_result(off));
	EXPECT_EQ(1, mock_count("held"));
}

TEST_F_TIMEOUT(filling, bars_below_and_above_go_and_come_back, MINUTES_S)
{
	struct world *w = &self->w;
	static const __u64 places[] = { LOW, HIGH };
	struct edu *peer = world_edu(w, SLOT_A);
	struct call off = CALL(switch_off, 0, 0, peer);
	struct call on = CALL(switch_on, 0, 0, peer);
	unsigned int i;
	long pages;

	ASSERT_NE(NULL, peer);
	self->join.body = call_join_first;
	pages = peer->bar_size / PAGE;
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, dma_map(w->container, places[i], peer->bar, peer->bar_size, DMA_RW));
		join_to(_metadata, &self->join, IN_SECOND);
		ASSERT_EQ(0, call_begin(&off));
		EXPECT_TRUE(call_sleeps(&off));
		ends_before_the_filling(_metadata, &off);
		join_ends(_metadata, &self->join, 0);
		domains_have(_metadata, 2, RUNS);
		ASSERT_EQ(0, leave(w, SLOT_B));
		join_to(_metadata, &self->join, IN_SECOND);
		ASSERT_EQ(0, call_begin(&on));
		join_ends(_metadata, &self->join, 0);
		EXPECT_EQ(0, call_result(&on));
		EXPECT_GE(20 * COME_BACK_MS, comes_back(w));
		domains_have(_metadata, 2, RUNS + pages);
		ASSERT_EQ(0, dma_unmap(w->container, places[i], peer->bar_size, 0, NULL));
		ASSERT_EQ(0, leave(w, SLOT_B));
	}
}

/* Every second page of the peer's BAR, so that no two make one extent; 0 or -errno. */
static int put_every_second(char *mem, unsigned int nr, struct edu *peer)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (mmap(mem + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 peer->device, 2 * i * PAGE) == MAP_FAILED)
			return -errno;
	return 0;
}

/*
 * Device memory has gone again when its map comes to fill it, which fails behind that. What is
 * undone is what was entered, without the hole: the mock counts unmaps of what was never mapped.
 */
TEST_F_TIMEOUT(filling, map_of_a_bar_fails_behind_a_hole, MINUTES_S)
{
	struct edu *peer = world_edu(&self->w, SLOT_A);
	struct call map = CALL(map, HIGH, 4 * PAGE, NULL);
	struct blocking_mem b;

	ASSERT_NE(NULL, peer);
	ASSERT_EQ(0, blocking_mem_open_part(&b, 4 * PAGE, 3 * PAGE, PAGE));
	ASSERT_EQ(0, put_every_second(b.mem, 3, peer));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	join_to(_metadata, &self->join, IN_SECOND);
	ASSERT_EQ(0, munmap(b.mem + PAGE, PAGE));
	ASSERT_EQ(0, blocking_mem_provide(&b));
	EXPECT_TRUE(call_waits(&map));
	EXPECT_TRUE(call_sleeps(&map));
	/* What is left of the turn, the held call too, and the first page. */
	ASSERT_EQ(0, mock_order("fail map %d %d", 2 * TURN - IN_SECOND + 1 + 2, ENOMEM));
	join_ends(_metadata, &self->join, 0);
	EXPECT_EQ(-ENOMEM, call_result(&map));
	domains_have(_metadata, 2, RUNS);
	blocking_mem_close(&b);
}

TEST_F_TIMEOUT(filling, that_fails_leaves_what_others_did, MINUTES_S)
{
	struct call map = CALL(map, LOW, MEM_SIZE, self->mem);

	join_to(_metadata, &self->join, IN_SECOND);
	ASSERT_EQ(0, call_begin(&map));
	EXPECT_TRUE(call_sleeps(&map));
	ASSERT_EQ(0, mock_order("fail map %d %d", TO_NEXT, ENOMEM));
	join_ends(_metadata, &self->join, -ENOMEM);
	EXPECT_EQ(0, call_result(&map));
	domains_have(_metadata, 1, RUNS + MEM_PAGES);
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	domains_have(_metadata, 2, RUNS + MEM_PAGES);
}

/* A map that the domain refuses before it is whole fails as it would later: in both. */
TEST_F_TIMEOUT(filling, map_that_it_refuses_fails, MINUTES_S)
{
	struct call map = CALL(map, LOW, PAGE, self->mem);

	join_to(_metadata, &self->join, IN_SECOND);
	ASSERT_EQ(0, call_begin(&map));
	EXPECT_TRUE(call_sleeps(&map));
	/* What is left of the turn, the held call too, and the map's call in the first domain. */
	ASSERT_EQ(0, mock_order("fail map %d %d", 2 * TURN - IN_SECOND + 1 + 2, ENOMEM));
	join_ends(_metadata, &self->join, 0);
	EXPECT_EQ(-ENOMEM, call_result(&map));
	domains_have(_metadata, 2, RUNS);
	EXPECT_EQ(self->w.pinned + RUNS, pinned_pages());
}

TEST_HARNESS_MAIN
