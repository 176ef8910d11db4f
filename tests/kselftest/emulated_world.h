/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A template, so without a guard: each inclusion declares one fixture whose tests
 * run in every world with v2 rules; in ours alone with EMULATED_BATCH_ONLY. With
 * EMULATED_V1 those with v1 rules are added. There are EMULATED_GROUPS real groups, 1
 * unless it says otherwise.
 *
 *	#define EMULATED name
 *	#include "emulated_world.h"
 *
 * Tests see self->w, self->e (two devices) and self->mem: MEM_SIZE bytes.
 */
#ifndef EMULATED_GROUPS
#define EMULATED_GROUPS 1
#endif

WORLD_PARAMETERS(EMULATED)
{
	enum mode_id mode;
};

WORLD_DATA(EMULATED)
{
	struct world w;
	struct emulated e[MOCK_DEVICES];
	char *mem;
};

#ifndef EMULATED_BATCH_ONLY
WORLD_PARAMETERS_ADD(EMULATED, type1v2)
{
	.mode = MODE_TYPE1V2,
};
#endif

WORLD_PARAMETERS_ADD(EMULATED, batch)
{
	.mode = MODE_BATCH,
};

WORLD_PARAMETERS_ADD(EMULATED, batch_claimed_v2)
{
	.mode = MODE_BATCH_CLAIMED_V2,
};

#ifdef EMULATED_V1
WORLD_PARAMETERS_ADD(EMULATED, type1)
{
	.mode = MODE_TYPE1,
};

WORLD_PARAMETERS_ADD(EMULATED, batch_claimed_v1)
{
	.mode = MODE_BATCH_CLAIMED_V1,
};
#endif

WORLD_SETUP(EMULATED)
{
	self->mem = mem_small(MEM_SIZE);
	ASSERT_NE(NULL, self->mem);
	stamp_pages(self->mem, MEM_PAGES);
	emulated_begin(_metadata, &self->w, variant->mode, EMULATED_GROUPS, self->e);
}

WORLD_TEARDOWN(EMULATED)
{
	emulated_end(_metadata, &self->w, self->e);
}

#undef EMULATED
#undef EMULATED_GROUPS
#undef EMULATED_BATCH_ONLY
#undef EMULATED_V1
