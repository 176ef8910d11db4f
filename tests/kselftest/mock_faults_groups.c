// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation that attaching a group makes fails once, ours and those of the
 * cores and the driver below us; and none that detaching and closing make can keep
 * these from what they are to do.
 */
#include "fault_pieces.h"

static int join_a2(struct sweep *sweep)
{
	return world_join(&sweep->w, SLOT_A2);
}

static int leave_a2(struct sweep *sweep)
{
	return leave(&sweep->w, SLOT_A2);
}

/* The group's descriptor is open before, so that the sweep is of the attach alone. */
static int with_group_a2(struct sweep *sweep)
{
	int ret = with_pieces(sweep);

	if (!ret)
		ret = join_a2(sweep);
	return ret ? ret : leave_a2(sweep);
}

static int with_group_b(struct sweep *sweep)
{
	int ret = with_pieces(sweep);

	if (!ret)
		ret = join_b(sweep);
	return ret ? ret : leave_b(sweep);
}

/* Bitmaps and all: what is tracked may not suffer from an attach either. */
static int with_group_b_tracked(struct sweep *sweep)
{
	int ret = with_group_b_unlike(sweep);

	return ret ? ret : dirty_start(sweep->w.container);
}

static bool one_domain(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(1, MEM_PAGES);
}

static bool two_domains(struct sweep *sweep)
{
	(void)sweep;
	return domains_hold(2, MEM_PAGES);
}

FIXTURE_VARIANT_ADD(fails, attach)
{
	.deed = {
		.prepare = with_group_a2, .act = join_a2, .done = one_domain,
		.undo = leave_a2, .failures = 2,
	},
};

FIXTURE_VARIANT_ADD(fails, attach_alike)
{
	.deed = {
		.prepare = with_group_b, .act = join_b, .done = one_domain,
		.undo = leave_b, .failures = 4,
	},
};

/* A second domain, filled with what the first one has. */
FIXTURE_VARIANT_ADD(fails, attach_unlike)
{
	.deed = {
		.prepare = with_group_b_unlike, .act = join_b,
		.done = two_domains, .undo = leave_b, .failures = 4,
	},
};

FIXTURE_VARIANT_ADD(fails, attach_tracked)
{
	.deed = {
		.prepare = with_group_b_tracked, .act = join_b,
		.done = two_domains, .undo = leave_b, .failures = 4,
	},
};

FIXTURE_VARIANT_ADD(fails, detach)
{
	.deed = {
		.prepare = with_two_domains, .act = leave_b, .done = one_domain,
		.undo = join_b, .never_fails = true, .renumbers = true,
	},
};

TEST_F(fails, at_every_allocation)
{
	fault_sweep(_metadata, &self->sweep, &variant->deed);
}

FIXTURE(whole)
{
	struct sweep sweep;
};

FIXTURE_SETUP(whole)
{
	sweep_begin(_metadata, &self->sweep);
	ASSERT_EQ(0, fault_set_up(false, false));
}

FIXTURE_TEARDOWN(whole)
{
	sweep_end(_metadata, &self->sweep);
}

/* The container's own structures, and the first group's. */
TEST_F(whole, set_iommu)
{
	struct sweep *sweep = &self->sweep;
	unsigned int n = 0;
	int ret;

	ASSERT_EQ(0, world_open_container(&sweep->w));
	ASSERT_EQ(0, world_join(&sweep->w, SLOT_A));
	do {
		ASSERT_GT(FAULTS_MAX, ++n);
		ASSERT_EQ(0, fault_arm(n));
		ret = world_set_iommu(&sweep->w);
		if (!fault_fired())
			break;
		if (ret) {
			EXPECT_EQ(-ENOMEM, ret);
			expect_nothing(_metadata, &sweep->w);
			continue;
		}
		ASSERT_EQ(0, leave(&sweep->w, SLOT_A));
		expect_nothing(_metadata, &sweep->w);
		ASSERT_EQ(0, world_join(&sweep->w, SLOT_A));
	} while (_metadata->passed);
	EXPECT_EQ(0, ret);
	EXPECT_LE(5, n - 1);
	TH_LOG("%u failure points", n - 1);
	EXPECT_EQ(0, map_pieces(sweep));
}

/* How a container with two filled domains and dirty tracking may end. */
enum ending { GROUPS_FIRST, CONTAINER_FIRST, LAST_GROUP_LEAVES, ENDINGS };

static void end_container(struct world *w, enum ending ending)
{
	if (ending == LAST_GROUP_LEAVES) {
		leave(w, SLOT_A);
		leave(w, SLOT_B);
	}
	if (ending == CONTAINER_FIRST)
		world_close_container(w);
	world_close_group(w, SLOT_B);
	world_close_group(w, SLOT_A);
	world_close_container(w);
}

static bool end_round(struct __test_metadata *_metadata, struct sweep *sweep,
		      enum ending ending, unsigned int n)
{
	bool fired;

	ASSERT_EQ(0, with_two_domains(sweep));
	ASSERT_EQ(0, dirty_start(sweep->w.container));
	ASSERT_EQ(0, fault_arm(n));
	end_container(&sweep->w, ending);
	fired = fault_fired();
	expect_nothing(_metadata, &sweep->w);
	EXPECT_EQ(NULL, world_leak(&sweep->w));
	ASSERT_TRUE(_metadata->passed)
		TH_LOG("ending %d, failure %u", ending, n);
	return fired;
}

TEST_F(whole, close)
{
	enum ending ending;
	unsigned int n;

	for (ending = 0; ending < ENDINGS; ending++) {
		for (n = 1; end_round(_metadata, &self->sweep, ending, n); n++)
			ASSERT_GT(FAULTS_MAX, n);
		TH_LOG("ending %d: %u failure points", ending, n - 1);
	}
}

TEST_HARNESS_MAIN
