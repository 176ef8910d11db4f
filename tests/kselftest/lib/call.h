/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A call in a thread of its own, for tests of the form "A blocks here, and B does
 * this meanwhile":
 *
 *	struct call get = { .body = call_dirty_get, .w = &self->w, .iova = IOVA,
 *			    .size = MEM_SIZE, .data = b.mem };
 *
 *	ASSERT_EQ(0, blocking_mem_open(&b, PAGE));
 *	ASSERT_EQ(0, call_begin_blocked(&get, &b));
 *	... what may go on, in this thread; what must wait, as another call:
 *	ASSERT_EQ(0, call_begin(&unmap));
 *	EXPECT_TRUE(call_waits(&unmap));
 *	EXPECT_EQ(0, blocking_mem_provide(&b));
 *	EXPECT_EQ(0, call_result(&get));
 *	EXPECT_EQ(0, call_result(&unmap));
 */
#ifndef VIB_TEST_CALL_H
#define VIB_TEST_CALL_H

#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct blocking_mem;
struct emulated;
struct world;

struct call {
	int (*body)(struct call *call);
	struct world *w;
	const struct emulated *e;	/* call_emulated_*() */
	__u64 iova;
	__u64 size;
	void *data;			/* memory to map, bitmap, what is copied */
	unsigned int slot;		/* call_join(), call_leave() */
	int prot;			/* call_emulated_pin(): MOCK_READ and the like */
	__u64 unmapped;			/* what an unmap says that it has unmapped */

	pthread_t thread;
	volatile int tid;
	volatile bool done;
	int ret;
};

/* Bodies: what the function of dma.h, world.h or emulated.h of that name does. */
int call_map(struct call *call);
int call_map_read_only(struct call *call);
int call_unmap(struct call *call);
int call_unmap_all(struct call *call);
int call_unmap_dirty(struct call *call);
int call_dirty_get(struct call *call);
int call_take_vaddr(struct call *call);
int call_give_vaddr(struct call *call);
int call_join(struct call *call);
int call_leave(struct call *call);
int call_emulated_pin(struct call *call);
int call_emulated_read(struct call *call);
int call_emulated_write(struct call *call);

/* 0 or -errno. */
int call_begin(struct call *call);

/* Begins it, and waits until it blocks on a missing page of @b; 0 or -errno. */
int call_begin_blocked(struct call *call, struct blocking_mem *b);

/* Is the call still on its way after a while? Takes that while if so. */
bool call_waits(const struct call *call);

/* Does it come to sleep as who waits for a lock of the kernel does? Takes long if not. */
bool call_sleeps(const struct call *call);

/* Has the call ended, or does it soon? Takes long if not. */
bool call_ends(const struct call *call);

/* Waits for the end of the call, and says what it returned. */
int call_result(struct call *call);

#endif
