/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that map the same memory in several containers at the same moment. Behind the worlds of
 * shared_at_once.c and shared_limit.c.
 */
#ifndef VIB_TEST_SHARED_MAPPERS_H
#define VIB_TEST_SHARED_MAPPERS_H

#include <pthread.h>

#include "lib/blocking_mem.h"

enum { MAPPERS = 3, ROUNDS = 20 };
enum { SOON_MS = 20000 };

struct mapper {
	pthread_t thread;
	int container;
	char *mem;
	__u64 size;
	__u32 flags;
	pthread_barrier_t *gate;	/* what all wait at before they begin, or NULL */
	volatile bool done;
	int ret;
};

#define MAPPER(nr, at, bytes, access) \
	((struct mapper){ .container = nr, .mem = at, .size = bytes, .flags = access })
#define RW_MAPPER(nr, at, bytes) MAPPER(nr, at, bytes, DMA_RW)

static inline void *map_in_thread(void *arg)
{
	struct mapper *me = arg;

	if (me->gate)
		pthread_barrier_wait(me->gate);
	me->ret = map(me->container, me->mem, me->size, me->flags);
	me->done = true;
	return NULL;
}

static inline int mapper_begin(struct mapper *me)
{
	return -pthread_create(&me->thread, NULL, map_in_thread, me);
}

static inline int mapper_end(struct mapper *me)
{
	pthread_join(me->thread, NULL);
	return me->ret;
}

/* Begins a map that waits for the last page, which is missing; it has pinned all before that. */
static inline int mapper_begin_blocked(struct mapper *me, int container, struct blocking_mem *b)
{
	int ret;

	*me = RW_MAPPER(container, b->mem, b->size);
	ret = mapper_begin(me);
	return ret ? ret : blocking_mem_awaited(b, SOON_MS);
}

#define EXPECT_HELD(pages) do { \
	long _pages = pages; \
\
	EXPECT_EQ(self->w.locked + _pages, locked_pages()); \
	EXPECT_EQ(self->w.pinned + _pages, pinned_pages()); \
} while (0)

/* What is charged when all are done does not depend on who came first; @pins for all of it. */
static inline void map_all_at_once(struct __test_metadata *_metadata, struct world *w, char *mem,
				   long pins)
{
	struct mapper mapper[MAPPERS] = {};
	pthread_barrier_t gate;
	int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, pthread_barrier_init(&gate, NULL, MAPPERS));
	for (i = 0; i < MAPPERS; i++) {
		mapper[i] = RW_MAPPER(i, mem, SOME);
		mapper[i].gate = &gate;
		ASSERT_EQ(0, mapper_begin(&mapper[i]));
	}
	for (i = 0; i < MAPPERS; i++)
		EXPECT_EQ(0, mapper_end(&mapper[i]));
	EXPECT_EQ(w->locked + PAGES, locked_pages());
	EXPECT_EQ(w->pinned + pins, pinned_pages());
	ASSERT_EQ(0, unmap(0, SOME));
	EXPECT_TRUE(device_sees(w, 1, SOME / 2, mem));
	EXPECT_EQ(w->locked + PAGES, locked_pages());
	ASSERT_EQ(0, unmap(1, SOME));
	EXPECT_EQ(w->pinned + pins, pinned_pages());
	ASSERT_EQ(0, unmap(2, SOME));
	EXPECT_EQ(w->locked, locked_pages());
	EXPECT_EQ(w->pinned, pinned_pages());
}

#endif
