// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the turns of a filling may get, and that it pauses. What is filled is a huge page over
 * and over, where the new domain has none of that size: each counts for 512 entries of its page
 * table, and is one call of the driver.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "mock_fixture.h"

#define RUNS 1L
#include "filling_fixture.h"

enum {
	ENTRIES = 512,			/* of a huge page */
	CALLS = TURN / ENTRIES,		/* in a turn */
	LONGEST = 32 * CALLS,		/* in the longest one (attach/fill_turns.c) */
	TURNS = 98,			/* as long as the first one */
	WAITING = 7,			/* the second to the eighth turn have somebody who waits */
	PAUSE_MS = 150,			/* more than it goes on without a pause */
	PAUSE_EVERY = 16,		/* turns */
};

#define PLACE (IOVA + GIB)
#define HUGE_SIZE ((size_t)TURNS * TURN * PAGE)

/* One huge page over and over. */
static char *huge_repeated(size_t size)
{
	long before = hugepages_get();
	char *mem = mem_aligned(size);
	int fd;

	if (!mem || before < 0 || hugepages_set(before + 1))
		return NULL;
	fd = memfd_create("vib-test", MFD_CLOEXEC | MFD_HUGETLB);
	if (fd < 0 || ftruncate(fd, HUGE_2M) || mem_repeat(mem, size, fd, HUGE_2M))
		mem = NULL;
	close(fd);
	hugepages_set(before);
	return mem;
}

/* The mock remembers each page of whatever size by one entry. */
static void map_much(struct __test_metadata *_metadata, struct world *w)
{
	char *mem = huge_repeated(HUGE_SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mock_order("coarse 1"));
	ASSERT_EQ(0, mock_order("instance 1 pgsizes 0x101000"));
	ASSERT_EQ(0, dma_unmap_all(w->container, NULL));
	ASSERT_EQ(0, dma_map(w->container, PLACE, mem, HUGE_SIZE, DMA_RW));
}

static void is_in_both(struct __test_metadata *_metadata)
{
	ASSERT_EQ(2, mock_domains());
	EXPECT_EQ((long)TURNS * TURN, mock_domain_count(0, "mapped"));
	EXPECT_EQ((long)TURNS * TURN, mock_domain_count(1, "mapped"));
}

/* What goes behind all that is being filled is no call of the new domain. */
TEST_F_TIMEOUT(filling, turns_do_not_get_longer_for_ever, MINUTES_S)
{
	struct call unmap = CALL(unmap, PLACE + HUGE_SIZE, PAGE, NULL);
	int i;

	map_much(_metadata, &self->w);
	for (i = 0; i < WAITING; i++)
		ASSERT_EQ(0, dma_map(self->w.container, unmap.iova + i * PAGE, self->mem, PAGE,
				     DMA_RW));
	join_to(_metadata, &self->join, CALLS + CALLS / 2);
	for (i = 0; i < WAITING; i++, unmap.iova += PAGE) {
		waits_at_the_hold(_metadata, &unmap);
		/* The eighth turn is no longer than the seventh. */
		ends_by_the_next_hold(_metadata, &unmap, i < 5 ? CALLS << i : LONGEST);
	}
	join_ends(_metadata, &self->join, 0);
	is_in_both(_metadata);
}

/*
 * The filling has the only CPU to itself, so nobody comes as far as to wait for its lock. Whoever
 * gives an order finds it at the next hold, unless it pauses before: that is so in the sixteenth
 * turn, and in no other. Looked at more than once, as a pause is short on a busy host.
 */
TEST_F_TIMEOUT(filling, pauses_though_nobody_is_seen_to_wait, MINUTES_S)
{
	int turn, pauses = 0;

	ASSERT_EQ(0, on_one_cpu(false));
	self->join.body = call_join_first;
	map_much(_metadata, &self->w);
	join_to(_metadata, &self->join, CALLS + CALLS / 2);
	usleep(PAUSE_MS * 1000);
	ASSERT_EQ(0, mock_order("hold %d", (PAUSE_EVERY - 2) * CALLS));
	EXPECT_EQ(1, mock_count("held"));
	for (turn = 2 * PAUSE_EVERY; turn < TURNS; turn += PAUSE_EVERY) {
		usleep(PAUSE_MS * 1000);
		ASSERT_EQ(0, mock_order("hold %d", PAUSE_EVERY * CALLS));
		pauses += !mock_count("held");
		ASSERT_TRUE(comes_to_a_hold());
	}
	EXPECT_LT(0, pauses);
	join_ends(_metadata, &self->join, 0);
	is_in_both(_metadata);
}

TEST_HARNESS_MAIN
