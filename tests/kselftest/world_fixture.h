/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A template, so without a guard: each inclusion declares one fixture whose
 * tests run in every world.
 *
 *	#define WORLD name		name of the fixture
 *	#define WORLD_GROUPS 1		groups with an edu device it needs
 *	#define WORLD_BEGIN world_enter	optional: find nothing open, instead of a
 *					container that is ready for MAP_DMA
 *	#define WORLD_V2_ONLY		optional: not for type id 1
 *	#define WORLD_BATCH_ONLY	optional: nor for type1, which does not have it
 *	#define WORLD_V1_TOO		optional: with BATCH_ONLY, also for type id 1
 *	#define WORLD_ONE_ID		optional: under one type id of each backend only,
 *					for what cannot depend on it; type id 1 is not it
 *	#define WORLD_VADDR		optional: only where addresses can be taken
 *					back
 *	#include "world_fixture.h"
 *
 * Tests see self->w, and self->mem: MEM_SIZE bytes of small pages.
 */
#ifndef WORLD_BEGIN
#define WORLD_BEGIN world_open
#endif

WORLD_PARAMETERS(WORLD)
{
	enum mode_id mode;
};

WORLD_DATA(WORLD)
{
	struct world w;
	char *mem;
};

#if defined(WORLD_BATCH_ONLY) || defined(WORLD_ONE_ID)
#define WORLD_V2_ONLY
#endif

#ifndef WORLD_V2_ONLY
WORLD_PARAMETERS_ADD(WORLD, type1)
{
	.mode = MODE_TYPE1,
};

WORLD_PARAMETERS_ADD(WORLD, batch_claimed_v1)
{
	.mode = MODE_BATCH_CLAIMED_V1,
};
#endif

#ifdef WORLD_V1_TOO
WORLD_PARAMETERS_ADD(WORLD, batch_claimed_v1)
{
	.mode = MODE_BATCH_CLAIMED_V1,
};
#endif

#ifndef WORLD_BATCH_ONLY
WORLD_PARAMETERS_ADD(WORLD, type1v2)
{
	.mode = MODE_TYPE1V2,
};
#endif

WORLD_PARAMETERS_ADD(WORLD, batch)
{
	.mode = MODE_BATCH,
};

#ifndef WORLD_ONE_ID
WORLD_PARAMETERS_ADD(WORLD, batch_claimed_v2)
{
	.mode = MODE_BATCH_CLAIMED_V2,
};
#endif

WORLD_SETUP(WORLD)
{
#ifdef WORLD_VADDR
	NEED_VADDR(mode_get(variant->mode));
#endif
	self->mem = mem_small(MEM_SIZE);
	ASSERT_NE(NULL, self->mem);
	world_begin(_metadata, &self->w,
		    WORLD_BEGIN(&self->w, variant->mode, WORLD_GROUPS));
}

WORLD_TEARDOWN(WORLD)
{
	world_end(_metadata, &self->w);
}

#undef WORLD
#undef WORLD_GROUPS
#undef WORLD_BEGIN
#undef WORLD_V2_ONLY
#undef WORLD_VADDR
#undef WORLD_BATCH_ONLY
#undef WORLD_V1_TOO
#undef WORLD_ONE_ID
