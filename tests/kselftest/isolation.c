// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine without interrupt remapping, where a device could raise any interrupt by
 * DMA: a group is refused, unless the administrator allows it with the backend's own
 * parameter. For a guest with --no-intremap.
 */
#include "fixture.h"

#define ALLOW "allow_unsafe_interrupts"

#define WORLD isolation
#define WORLD_GROUPS 2
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* Sets the parameter of @w's backend, and the opposite at the other one. */
static void allow(struct __test_metadata *_metadata, const struct world *w, bool on)
{
	enum backend mine = w->mode->backend, other = BACKENDS - 1 - mine;

	if (!promised("no-intremap"))
		SKIP_TEST("interrupts are remapped here");
	ASSERT_EQ(0, backend_param_set(mine, ALLOW, on));
	if (backend_loaded(other))
		ASSERT_EQ(0, backend_param_set(other, ALLOW, !on));
}

/* When ours is asked first and refuses, the VFIO core asks type1, which allows it now. */
static bool falls_back(const struct world *w)
{
	return w->mode->claim && backend_loaded(BACKEND_TYPE1);
}

TEST_F(isolation, first_group_is_eperm)
{
	allow(_metadata, &self->w, false);
	if (falls_back(&self->w)) {
		EXPECT_EQ(-EPROTO, world_set_up(&self->w, 1));
		EXPECT_EQ(1, backend_count(BACKEND_TYPE1) -
			     self->w.use.count[BACKEND_TYPE1]);
	} else {
		EXPECT_EQ(-EPERM, world_set_up(&self->w, 1));
	}
	EXPECT_EQ(self->w.use.count[BACKEND_BATCH], backend_count(BACKEND_BATCH));
}

TEST_F(isolation, group_is_taken_where_that_is_allowed)
{
	allow(_metadata, &self->w, true);
	ASSERT_EQ(0, world_set_up(&self->w, 2));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, MEM_SIZE, 0, NULL));
}

/* The parameter is looked at when a group comes, not when the container is opened. */
TEST_F(isolation, further_group_is_eperm_when_it_is_forbidden_meanwhile)
{
	allow(_metadata, &self->w, true);
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	allow(_metadata, &self->w, false);
	EXPECT_EQ(-EPERM, world_join(&self->w, 1));
	EXPECT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
}

TEST_HARNESS_MAIN
