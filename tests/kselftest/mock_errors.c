// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an errno of the IOMMU core means. EINVAL of an attach: not this domain, try
 * the next. Anything else is returned as it is, with all state as before. Kernels
 * before 6.2 say "not this domain" with other codes, too; there, only ENOMEM,
 * EBUSY and EINTR are certain (module/compat/attach.h).
 */
#include "mock_fixture.h"

FIXTURE_VARIANT(error)
{
	int error;
	bool certain;		/* on kernels before 6.2, too */
};

#define MOCK error
#include "mock_world.h"

FIXTURE_VARIANT_ADD(error, enomem)
{
	.error = ENOMEM,
	.certain = true,
};

FIXTURE_VARIANT_ADD(error, ebusy)
{
	.error = EBUSY,
	.certain = true,
};

FIXTURE_VARIANT_ADD(error, eintr)
{
	.error = EINTR,
	.certain = true,
};

FIXTURE_VARIANT_ADD(error, eio)
{
	.error = EIO,
};

FIXTURE_VARIANT_ADD(error, enodev)
{
	.error = ENODEV,
};

FIXTURE_VARIANT_ADD(error, eperm)
{
	.error = EPERM,
};

/* Does this kernel let us tell that error from "not this domain"? */
static bool tells(bool certain)
{
	return certain || kernel_running() >= KERNEL(6, 2);
}

static int fail_attach(unsigned int nth, int error)
{
	return mock_order("fail attach %u %d", nth, error);
}

TEST_F(error, of_the_first_attach_is_returned)
{
	ASSERT_EQ(0, fail_attach(1, variant->error));
	EXPECT_EQ(-variant->error, begin_with(&self->w, SLOT_A));
	EXPECT_EQ(1, mock_count("fired"));
	EXPECT_EQ(0, mock_domains());
	/* and the next try is not burdened by it */
	EXPECT_EQ(0, world_set_iommu(&self->w));
}

TEST_F(error, of_a_direct_join_is_returned)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	ASSERT_EQ(0, fail_attach(1, variant->error));
	if (tells(variant->certain)) {
		EXPECT_EQ(-variant->error, world_join(&self->w, SLOT_A2));
		EXPECT_UNCHANGED();
		EXPECT_EQ(0, world_join(&self->w, SLOT_A2));
		EXPECT_EQ(1, mock_domains());
	} else {
		EXPECT_EQ(0, world_join(&self->w, SLOT_A2));
		EXPECT_EQ(2, mock_domains());
		EXPECT_TRUE(mock_domains_agree());
	}
	EXPECT_EQ(1, mock_count("fired"));
}

/* The second device of the group is the one that fails. */
TEST_F(error, of_one_member_of_a_group_is_returned)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	ASSERT_EQ(0, fail_attach(2, variant->error));
	if (tells(variant->certain)) {
		EXPECT_EQ(-variant->error, world_join(&self->w, SLOT_MANY));
		EXPECT_UNCHANGED();
	} else {
		EXPECT_EQ(0, world_join(&self->w, SLOT_MANY));
		EXPECT_TRUE(mock_domains_agree());
	}
	EXPECT_EQ(1, mock_count("fired"));
}

/* First of a further instance: attach 1 is to the fresh domain. */
TEST_F(error, of_a_fresh_domain_is_returned)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	ASSERT_EQ(0, fail_attach(1, variant->error));
	EXPECT_EQ(-variant->error, world_join(&self->w, SLOT_B));
	EXPECT_UNCHANGED();
}

/* Attach 2 is to the domain that is alike. */
TEST_F(error, of_moving_to_a_like_domain_is_returned)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	ASSERT_EQ(0, fail_attach(2, variant->error));
	if (tells(variant->certain)) {
		EXPECT_EQ(-variant->error, world_join(&self->w, SLOT_B));
		EXPECT_UNCHANGED();
	} else {
		EXPECT_EQ(0, world_join(&self->w, SLOT_B));
		EXPECT_EQ(2, mock_domains());
		EXPECT_TRUE(mock_domains_agree());
	}
	EXPECT_EQ(1, mock_count("fired"));
}

#define MOCK einval
#include "mock_world.h"

TEST_F(einval, of_a_direct_join_leads_to_a_domain_of_its_own)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, fail_attach(1, EINVAL));
	EXPECT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_EQ(2, mock_domains());
	EXPECT_TRUE(mock_domains_agree());
	/* the next one of the instance has two to try, and takes the first */
	ASSERT_EQ(0, fail_attach(1, EINVAL));
	EXPECT_EQ(0, world_join(&self->w, SLOT_A3));
	EXPECT_EQ(2, mock_domains());
}

TEST_F(einval, of_a_like_domain_leads_back_to_the_fresh_one)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, fail_attach(2, EINVAL));
	EXPECT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_EQ(2, mock_domains());
	EXPECT_EQ(2, mock_count("allocs"));
	EXPECT_TRUE(mock_domains_agree());
}

/* There and back again: the way back fails, and the group is nowhere. */
TEST_F(einval, and_then_a_failing_way_back_is_returned)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	ASSERT_EQ(0, mock_order("instance 1 foreign 22"));
	ASSERT_EQ(0, fail_attach(3, ENOMEM));
	EXPECT_EQ(-ENOMEM, world_join(&self->w, SLOT_B));
	EXPECT_EQ(1, mock_count("fired"));
	EXPECT_UNCHANGED();
	EXPECT_EQ(0, world_join(&self->w, SLOT_B));
}

TEST_F(einval, of_every_domain_is_returned)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	ASSERT_EQ(0, fail_attach(1, EINVAL));
	EXPECT_EQ(-EINVAL, world_join(&self->w, SLOT_B));
	EXPECT_UNCHANGED();
}

TEST_HARNESS_MAIN
