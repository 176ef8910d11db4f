/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of emulated devices; emulated_world.h declares the fixtures. A test finds
 * a container with the first emulated group in it, its device open, and nothing
 * mapped. Each page of self->mem begins with its number, plus STAMP.
 */
#ifndef VIB_TEST_EMULATED_FIXTURE_H
#define VIB_TEST_EMULATED_FIXTURE_H

#include "fixture.h"
#include "lib/emulated.h"

#define STAMP 0x5642000000000000ULL

static inline void stamp_pages(char *mem, unsigned int npages)
{
	unsigned int i;

	for (i = 0; i < npages; i++)
		*(__u64 *)(mem + i * PAGE) = STAMP + i;
}

/* The container, served by @w's mode; the first device is in @e[0]. There are @groups real ones. */
static inline void emulated_begin(struct __test_metadata *_metadata,
				  struct world *w, enum mode_id mode,
				  unsigned int groups, struct emulated *e)
{
	unsigned int i;

	if (!emulated_present()) {
		ASSERT_FALSE(promised("emulated"));
		SKIP_TEST("no emulated devices");
	}
	for (i = 0; i < MOCK_DEVICES; i++) {
		e[i].group = -1;
		e[i].device = -1;
	}
	world_begin(_metadata, w, world_enter(w, mode, groups));
	ASSERT_EQ(0, world_open_container(w));
	ASSERT_EQ(0, emulated_join(&e[0], 0, w->container));
	ASSERT_EQ(0, world_select(w))
		TH_LOG("%s: %s", w->mode->name, w->why);
	ASSERT_EQ(0, emulated_open(&e[0], 0));
}

static inline void emulated_end(struct __test_metadata *_metadata,
				struct world *w, struct emulated *e)
{
	unsigned int i;

	for (i = 0; i < MOCK_DEVICES; i++)
		emulated_close(&e[i]);
	world_end(_metadata, w);
}

/* The second device joins. */
static inline int add_second(struct world *w, struct emulated *e)
{
	int ret = emulated_join(&e[1], 1, w->container);

	return ret ? ret : emulated_open(&e[1], 1);
}

/* Pages charged since the test began. */
static inline long charged(const struct world *w)
{
	return locked_pages() - w->locked;
}

/* Has the device pinned a page at @iova that begins with @value? */
static inline bool holds_value(const struct emulated *e, __u64 iova, __u64 value)
{
	__u64 seen;

	return !emulated_get_word(e, iova, &seen) && seen == value;
}

/* Is page @page of self->mem what the device has pinned at @iova? */
static inline bool holds(const struct emulated *e, __u64 iova,
			 unsigned int page)
{
	return holds_value(e, iova, STAMP + page);
}

#endif
