/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worlds of shared.c, shared_parts.c and shared_thp.c. A template as world_fixture.h is, so
 * without a guard.
 */
#define WORLD shared
#define WORLD_GROUPS 4
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

/* For what type1 does not have at all. */
#define WORLD shared_only
#define WORLD_GROUPS 4
#define WORLD_BATCH_ONLY
#define WORLD_ONE_ID
#define WORLD_BEGIN world_enter
#include "world_fixture.h"
