// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that does not unmap a page of what goes while a new domain is being filled, below the
 * place to which that has come, and above it. A kernel warning, once, as in mock_stuck.
 */
#include "mock_fixture.h"
#include "filling_fixture.h"

static int make_stuck(__u64 iova)
{
	return mock_order("stuck 0x%llx", iova);
}

/* Pages pinned since the test began. */
static long held(const struct world *w)
{
	return pinned_pages() - w->pinned;
}

/* What is still translated is pinned, until the groups have left that @slots says. */
static void goes_with(struct __test_metadata *_metadata, struct world *w, unsigned int first,
		      unsigned int second)
{
	EXPECT_LE(1, held(w));
	ASSERT_EQ(0, leave(w, first));
	ASSERT_EQ(0, leave(w, second));
	EXPECT_EQ(0, held(w));
}

TEST_F_TIMEOUT(filling, what_is_stuck_below_stays_in_both, MINUTES_S)
{
	struct call calls[] = { CALL(unmap, IOVA, RUNS_SIZE, NULL) };

	ASSERT_EQ(0, make_stuck(IOVA + 100 * PAGE));
	BETWEEN_TURNS(calls);
	domains_have(_metadata, 2, 1);
	goes_with(_metadata, &self->w, SLOT_A, SLOT_B);
}

TEST_F_TIMEOUT(filling, what_is_stuck_above_does_not_come, MINUTES_S)
{
	struct call calls[] = { CALL(unmap, IOVA, RUNS_SIZE, NULL) };

	ASSERT_EQ(0, make_stuck(IOVA + (RUNS - 100) * PAGE));
	BETWEEN_TURNS(calls);
	ASSERT_EQ(2, mock_domains());
	EXPECT_EQ(1, mock_domain_count(0, "mapped"));
	EXPECT_EQ(0, mock_domain_count(1, "mapped"));
	goes_with(_metadata, &self->w, SLOT_B, SLOT_A);
}

/* A map that fails in the new domain, which then does not come: nothing is let go too soon. */
TEST_F_TIMEOUT(filling, what_is_stuck_stays_though_it_fails, MINUTES_S)
{
	struct call map = CALL(map, LOW, MEM_SIZE, self->runs);

	ASSERT_EQ(0, make_stuck(LOW + PAGE));
	join_to(_metadata, &self->join, IN_SECOND);
	ASSERT_EQ(0, call_begin(&map));
	EXPECT_TRUE(call_sleeps(&map));
	/* What is left of the turn, all of it in the old domain, and a part in the new one. */
	ASSERT_EQ(0, mock_order("fail map %ld %d", 2 * TURN - IN_SECOND + 1 + MEM_PAGES + 10,
				ENOMEM));
	ASSERT_EQ(0, mock_order("hold %d", TO_NEXT));
	EXPECT_EQ(-ENOMEM, call_result(&map));
	ASSERT_TRUE(comes_to_a_hold());
	ASSERT_EQ(0, mock_order("fail map 1 %d", ENOMEM));
	join_ends(_metadata, &self->join, -ENOMEM);
	EXPECT_EQ(-EEXIST, dma_map(self->w.container, LOW, self->mem, MEM_SIZE, DMA_RW));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_LE(1, held(&self->w));
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_EQ(0, held(&self->w));
}

TEST_HARNESS_MAIN
