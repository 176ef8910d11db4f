/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Binds worlds to the kselftest harness. Included once by each program, brings
 * the harness and the library with it; world_fixture.h then declares fixtures.
 */
#ifndef VIB_TEST_FIXTURE_H
#define VIB_TEST_FIXTURE_H

#include <errno.h>
#include <kselftest_harness.h>

#include "differences.h"
#include "lib/container.h"
#include "lib/dma.h"
#include "lib/info.h"
#include "lib/ledger.h"
#include "lib/mem.h"
#include "lib/util.h"
#include "lib/world.h"

/*
 * The clock of an emulated machine runs away on a busy host, so this only
 * catches what hangs for ever; the host has a limit of its own.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

/* Where tests map unless they are about the place itself. */
#define IOVA (256 * MIB)

/* Pages of self->mem. */
#define MEM_PAGES 64
#define MEM_SIZE (MEM_PAGES * PAGE)

/* For a test that cannot run here, with the reason; also leaves a setup. Not if it has failed. */
#define SKIP_TEST(...) do { \
	if (!_metadata->passed) \
		longjmp(_metadata->env, 1); \
	SKIP(longjmp(_metadata->env, 1), __VA_ARGS__); \
} while (0)

/* For a test of taking addresses back, or one that needs it. */
#define NEED_VADDR(world_mode) do { \
	const struct mode *_mode = (world_mode); \
	if (!expected(_mode, DIFF_UPDATE_VADDR)) \
		SKIP_TEST("%s of this kernel takes no addresses back", _mode->name); \
} while (0)

/* For a test of them: PREEMPT_RT has none, and with pages of 16 KiB they are larger. */
#define NEED_THP() do { \
	if (mem_thp_size() != HUGE_2M) \
		SKIP_TEST("this kernel has no transparent huge pages of 2 MiB"); \
} while (0)

static inline void world_begin(struct __test_metadata *_metadata,
			       const struct world *w, enum world_state state)
{
	if (state == WORLD_ABSENT)
		SKIP_TEST("%s", w->why);
	ASSERT_EQ(WORLD_READY, state)
		TH_LOG("%s: %s", w->mode->name, w->why);
}

static inline void world_end(struct __test_metadata *_metadata,
			     struct world *w)
{
	const char *left = world_close(w);

	/* a failed ASSERT leaves it set, and the message below would come */
	_metadata->trigger = 0;
	EXPECT_EQ(NULL, left)
		TH_LOG("%s: left behind: %s", w->mode->name, left);
}

/* For world_fixture.h: the harness's macros, with their argument expanded. */
#define WORLD_PARAMETERS(fixture) FIXTURE_VARIANT(fixture)
#define WORLD_PARAMETERS_ADD(fixture, name) FIXTURE_VARIANT_ADD(fixture, name)
#define WORLD_DATA(fixture) FIXTURE(fixture)
#define WORLD_SETUP(fixture) FIXTURE_SETUP(fixture)
#define WORLD_TEARDOWN(fixture) FIXTURE_TEARDOWN(fixture)

#endif
