// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every failure point, not the ones somebody thought of: the n-th call of the
 * IOMMU driver fails, for n from 1 until nothing fails any more. After each
 * failure everything is as before; after the first success, as it should be. An
 * allocation by bus (kernels before 6.7) fails as EIO, whatever the driver said.
 */
#include "mock_fixture.h"
#include "lib/batch.h"

enum { SWEEP_MAX = 300 };

FIXTURE_VARIANT(sweep)
{
	const char *order;	/* before the group joins */
	unsigned int slot;	/* which joins a container with SLOT_A */
	unsigned int points;	/* failure points there are, at least */
	int domains;		/* in the end */
};

#define MOCK sweep
#define sweep_data _test_data_sweep	/* the harness's name for what self is */
#include "mock_world.h"

FIXTURE_VARIANT_ADD(sweep, direct)
{
	.order = "fail any 0 0",
	.slot = SLOT_A2,
	.points = 1,
	.domains = 1,
};

FIXTURE_VARIANT_ADD(sweep, direct_three_devices)
{
	.order = "fail any 0 0",
	.slot = SLOT_MANY,
	.points = MANY,
	.domains = 1,
};

FIXTURE_VARIANT_ADD(sweep, alike)
{
	.order = "fail any 0 0",
	.slot = SLOT_B,
	.points = 3,
	.domains = 1,
};

FIXTURE_VARIANT_ADD(sweep, alike_but_refused)
{
	.order = "instance 1 foreign 22",
	.slot = SLOT_B,
	.points = 4 + 8,
	.domains = 2,
};

FIXTURE_VARIANT_ADD(sweep, unlike)
{
	.order = "instance 1 aperture 0 0x7fffffffff",
	.slot = SLOT_B,
	.points = 2 + 8,
	.domains = 2,
};

/* Eight mappings of eight pages, one of which cannot be merged with the next. */
static int map_pieces(struct world *w, char *mem)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < 8; i++)
		ret = dma_map(w->container, IOVA + 2 * i * MIB,
			      mem + i * 8 * PAGE, 8 * PAGE, DMA_RW);
	return ret;
}

/* Page by page: a failure point for each page. */
static int set_pagewise(bool on)
{
	return backend_param_set(BACKEND_BATCH, "disable_hugepages", on);
}

static bool is_failure(int ret)
{
	return ret == -ENOMEM || ret == -EIO;
}

TEST_F(sweep, attach_fails_at_every_call)
{
	unsigned int n;
	int ret;

	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, map_pieces(&self->w, self->mem));
	ASSERT_EQ(0, mock_order(variant->order));
	REMEMBER();
	for (n = 1; n < SWEEP_MAX; n++) {
		ASSERT_EQ(0, mock_order("fail any %u %d", n, ENOMEM));
		ret = world_join(&self->w, variant->slot);
		if (mock_count("fired") != n)
			break;
		ASSERT_TRUE(is_failure(ret))
			TH_LOG("failure %u: %d", n, ret);
		EXPECT_UNCHANGED();
	}
	ASSERT_EQ(0, mock_order("fail any 0 0"));
	EXPECT_EQ(0, ret);
	EXPECT_LE(variant->points, n - 1);
	TH_LOG("%u failure points", n - 1);
	EXPECT_EQ(variant->domains, mock_domains());
	EXPECT_TRUE(mock_domains_agree());
	EXPECT_EQ(MEM_PAGES, mock_domain_count(0, "mapped"));
	ASSERT_EQ(0, leave(&self->w, variant->slot));
	ASSERT_EQ(0, mock_order("instance 1 foreign 0"));
	EXPECT_UNCHANGED();
}

/* The first group of all: nothing to lose, nothing to be left. */
TEST_F(sweep, the_first_attach_fails_at_every_call)
{
	unsigned int n;
	int ret;

	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, variant->slot));
	for (n = 1; n < SWEEP_MAX; n++) {
		ASSERT_EQ(0, mock_order("fail any %u %d", n, ENOMEM));
		ret = world_set_iommu(&self->w);
		if (mock_count("fired") != n)
			break;
		ASSERT_TRUE(is_failure(ret));
		expect_nothing(_metadata, &self->w);
	}
	EXPECT_EQ(0, ret);
	EXPECT_LE(2, n - 1);
}

/*
 * Two groups or one domain, a MAP of many calls: it is in all domains or in none.
 */
static unsigned int sweep_map(struct __test_metadata *_metadata,
			      struct sweep_data *self, __u64 size)
{
	unsigned int n;
	int ret;

	REMEMBER();
	for (n = 1; n < SWEEP_MAX; n++) {
		ASSERT_EQ(0, mock_order("fail map %u %d", n, ENOMEM));
		ret = dma_map(self->w.container, IOVA + GIB, self->mem, size, DMA_RW);
		if (mock_count("fired") != n)
			break;
		ASSERT_EQ(-ENOMEM, ret);
		EXPECT_UNCHANGED();
	}
	EXPECT_EQ(0, ret);
	EXPECT_TRUE(mock_domains_agree());
	EXPECT_EQ(MEM_PAGES + size / PAGE, mock_domain_count(0, "mapped"));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA + GIB, size, 0, NULL));
	EXPECT_UNCHANGED();
	return n - 1;
}

TEST_F(sweep, map_fails_at_every_call)
{
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, map_pieces(&self->w, self->mem));
	ASSERT_EQ(0, mock_order(variant->order));
	ASSERT_EQ(0, world_join(&self->w, variant->slot));
	EXPECT_LE(variant->domains, (int)sweep_map(_metadata, self, MEM_SIZE));
}

/* The most frequent MAP has a way of its own. */
TEST_F(sweep, map_of_a_page_fails_at_every_call)
{
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, map_pieces(&self->w, self->mem));
	ASSERT_EQ(0, mock_order(variant->order));
	ASSERT_EQ(0, world_join(&self->w, variant->slot));
	EXPECT_EQ(variant->domains, (int)sweep_map(_metadata, self, PAGE));
}

/*
 * Many maps in one call: what fails once in a group of them is done again alone, and so all of them
 * are there in the end.
 */
TEST_F(sweep, batch_fails_at_every_call)
{
	static struct batch batch;
	unsigned int n, i;

	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, map_pieces(&self->w, self->mem));
	ASSERT_EQ(0, mock_order(variant->order));
	ASSERT_EQ(0, world_join(&self->w, variant->slot));
	batch.flags = VFIO_IOMMU_BATCH_DMA_WHOLE;
	for (i = 0; i < MEM_PAGES; i++)
		batch_map(&batch, IOVA + GIB + i * PAGE, self->mem + i * PAGE, PAGE);
	REMEMBER();
	for (n = 1; n < SWEEP_MAX; n++) {
		ASSERT_EQ(0, mock_order("fail map %u %d", n, ENOMEM));
		ASSERT_EQ(0, batch_run(self->w.container, &batch));
		EXPECT_TRUE(mock_domains_agree());
		EXPECT_EQ(2 * MEM_PAGES, mock_domain_count(0, "mapped"));
		EXPECT_EQ(0, dma_unmap(self->w.container, IOVA + GIB, MEM_SIZE, 0, NULL));
		EXPECT_UNCHANGED();
		if (mock_count("fired") != n)
			break;
	}
	ASSERT_EQ(0, mock_order("fail map 0 0"));
	EXPECT_EQ(variant->domains * MEM_PAGES, n - 1);
}

TEST_F(sweep, map_fails_at_every_page)
{
	unsigned int points;

	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, map_pieces(&self->w, self->mem));
	ASSERT_EQ(0, mock_order(variant->order));
	ASSERT_EQ(0, world_join(&self->w, variant->slot));
	ASSERT_EQ(0, set_pagewise(true));
	points = sweep_map(_metadata, self, MEM_SIZE);
	ASSERT_EQ(0, set_pagewise(false));
	EXPECT_EQ(variant->domains * MEM_PAGES, points);
}

TEST_HARNESS_MAIN
