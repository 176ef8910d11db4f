/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A template, so without a guard: each inclusion declares one fixture.
 *
 *	#define MOCK name
 *	#include "mock_world.h"
 *
 * Tests see self->w, self->mem (MEM_SIZE bytes of small pages), and room for two
 * states.
 */
WORLD_DATA(MOCK)
{
	struct world w;
	char *mem;
	struct state before;
	struct state after;
};

WORLD_SETUP(MOCK)
{
	self->mem = mem_small(MEM_SIZE);
	ASSERT_NE(NULL, self->mem);
	mock_begin(_metadata, &self->w);
}

WORLD_TEARDOWN(MOCK)
{
	mock_end(_metadata, &self->w);
}

#undef MOCK
