// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group that needs a domain of its own, in a container of many mappings: others wait no longer
 * than it takes to fill a part of it. It can be killed, or fail at any point.
 */
#include <signal.h>
#include <sys/wait.h>

#include "mock_fixture.h"

#define RUNS 40000L		/* six turns of different lengths */
#include "filling_fixture.h"

/* Each of these turns is twice as long as the one before it, for a call waits in each. */
TEST_F_TIMEOUT(filling, others_wait_for_a_part_of_it, MINUTES_S)
{
	struct call calls[] = {
		CALL(map, LOW, MEM_SIZE, self->mem), CALL(map, HIGH, MEM_SIZE, self->mem),
		CALL(unmap, HIGH, MEM_SIZE, NULL), CALL(unmap, LOW, MEM_SIZE, NULL),
	};
	unsigned int i;

	join_to(_metadata, &self->join, IN_SECOND);
	for (i = 0; i < 3; i++) {
		waits_at_the_hold(_metadata, &calls[i]);
		ends_by_the_next_hold(_metadata, &calls[i], TO_NEXT << i);
	}
	waits_at_the_hold(_metadata, &calls[3]);
	EXPECT_FALSE(self->join.done);
	join_ends(_metadata, &self->join, 0);
	EXPECT_EQ(0, call_result(&calls[3]));
	domains_have(_metadata, 2, RUNS);
}

/* And shorter again when none did. */
TEST_F_TIMEOUT(filling, turns_are_longer_only_while_others_wait, MINUTES_S)
{
	struct call calls[] = {
		CALL(map, LOW, PAGE, self->mem), CALL(unmap, LOW, PAGE, NULL),
		CALL(map, LOW, PAGE, self->mem),
	};

	join_to(_metadata, &self->join, IN_SECOND);
	waits_at_the_hold(_metadata, &calls[0]);
	/* In the first half of the third turn, which is twice as long, then in its second half. */
	ends_by_the_next_hold(_metadata, &calls[0], TO_NEXT);
	waits_at_the_hold(_metadata, &calls[1]);
	ASSERT_EQ(0, mock_order("hold %d", TURN));
	ASSERT_TRUE(comes_to_a_hold());
	EXPECT_TRUE(call_waits(&calls[1]));
	/* In the fourth, of four times TURN, nobody waits. The fifth is as short as the first. */
	ends_by_the_next_hold(_metadata, &calls[1], TURN);
	ASSERT_EQ(0, mock_order("hold %d", 4 * TURN));
	ASSERT_TRUE(comes_to_a_hold());
	waits_at_the_hold(_metadata, &calls[2]);
	ends_by_the_next_hold(_metadata, &calls[2], TO_NEXT);
	join_ends(_metadata, &self->join, 0);
	domains_have(_metadata, 2, RUNS + 1);
}

static int call_track(struct call *call)
{
	int ret = dirty_start(call->w->container);

	return ret ? ret : dirty_stop(call->w->container);
}

TEST_F_TIMEOUT(filling, tracking_is_switched_meanwhile, MINUTES_S)
{
	struct call calls[] = { CALL(track, 0, 0, NULL), CALL(map, HIGH, PAGE, self->mem) };

	BETWEEN_TURNS(calls);
	domains_have(_metadata, 2, RUNS + 1);
}

TEST_F_TIMEOUT(filling, fails_at_any_run, MINUTES_S)
{
	static const int nth[] = { 1, TURN, TURN + 1, 2 * TURN, RUNS };
	unsigned int i;

	for (i = 0; i < sizeof(nth) / sizeof(nth[0]); i++) {
		ASSERT_EQ(0, mock_order("fail map %d %d", nth[i], ENOMEM));
		EXPECT_EQ(-ENOMEM, world_join(&self->w, SLOT_B));
		domains_have(_metadata, 1, RUNS);
	}
	ASSERT_EQ(0, mock_order("fail map %d %d", RUNS + 1, ENOMEM));
	EXPECT_EQ(0, world_join(&self->w, SLOT_B));
	domains_have(_metadata, 2, RUNS);
}

TEST_F_TIMEOUT(filling, can_be_killed, MINUTES_S)
{
	long before = mock_count("maps");
	int status;
	pid_t pid;

	ASSERT_EQ(0, mock_order("hold %d", IN_SECOND));
	pid = fork();
	if (!pid) {
		world_join(&self->w, SLOT_B);
		_exit(0);
	}
	ASSERT_LT(0, pid);
	ASSERT_TRUE(comes_to_a_hold());
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(2 * TURN, mock_count("maps") - before);
	domains_have(_metadata, 1, RUNS);
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	domains_have(_metadata, 2, RUNS);
}

/*
 * The first of the two maps to enter something is held there, and the other one goes on: so neither
 * has the lock to itself, though the new domain's page table is not deep enough for one of them.
 */
TEST_F_TIMEOUT(filling, what_is_far_behind_it_does_not_need_the_lock_alone, MINUTES_S)
{
	const __u64 far = 1024 * GIB;
	struct call low = CALL(map, LOW, PAGE, self->mem), high = CALL(map, far, PAGE, self->mem);
	int ms;

	/* That of the old domain is. */
	ASSERT_EQ(0, dma_map(self->w.container, far, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_unmap(self->w.container, far, PAGE, 0, NULL));
	join_to(_metadata, &self->join, IN_SECOND);
	waits_at_the_hold(_metadata, &low);
	waits_at_the_hold(_metadata, &high);
	ASSERT_EQ(0, mock_order("hold %d", 2 * TURN - IN_SECOND + 1));
	ASSERT_TRUE(comes_to_a_hold());
	for (ms = 0; ms < 10000 && low.done == high.done; ms++)
		usleep(1000);
	EXPECT_NE(low.done, high.done);
	join_ends(_metadata, &self->join, 0);
	EXPECT_EQ(0, call_result(&low));
	EXPECT_EQ(0, call_result(&high));
	domains_have(_metadata, 2, RUNS + 2);
}

static int call_look(struct call *call)
{
	static char text[MOCK_TEXT];
	int ret = containers_read(text, sizeof(text));

	(void)call;
	if (ret < 0)
		return ret;
	return strstr(text, " filling\n") ? 0 : -ENOENT;
}

TEST_F_TIMEOUT(filling, can_be_seen, MINUTES_S)
{
	struct call calls[] = { CALL(look, 0, 0, NULL) };

	BETWEEN_TURNS(calls);
	EXPECT_EQ(-ENOENT, call_look(&calls[0]));
}

TEST_HARNESS_MAIN
