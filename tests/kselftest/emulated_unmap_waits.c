// SPDX-License-Identifier: GPL-2.0-only
/*
 * An unmap that meets a device's pin on its way. A device can let go only of what
 * it knows, and it knows of a page when its call has returned, or a little later: so
 * an unmap waits for calls that have pinned there, and tells a device again that
 * does not let go at once.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulated_fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

/* type1 does not wait for such memory, and stops the machine where a device is slow. */
#define EMULATED waits
#define EMULATED_BATCH_ONLY
#include "emulated_world.h"

enum { HALF_PAGES = 2, HALF = HALF_PAGES * PAGE, PIN_PAGES = 2 * HALF_PAGES };

/*
 * Two mappings that a call pins at once, one half of it each. The memory of the half
 * that it comes to last is missing: up to 5.15 the driver pins the second half first.
 */
struct halves {
	struct blocking_mem b;
	__u64 there;
	__u64 missing;
};

static void map_halves(struct __test_metadata *_metadata, struct world *w,
		       char *mem, struct halves *halves)
{
	bool swapped = kernel_running() < KERNEL(5, 16);

	halves->there = IOVA + swapped * HALF;
	halves->missing = IOVA + !swapped * HALF;
	ASSERT_EQ(0, blocking_mem_open(&halves->b, HALF));
	ASSERT_EQ(0, dma_map(w->container, halves->there, mem, HALF, DMA_RW));
	ASSERT_EQ(0, dma_map(w->container, halves->missing, halves->b.mem, HALF,
			     DMA_RW));
}

#define PIN(e_) { .body = call_emulated_pin, .e = (e_), .iova = IOVA, \
		  .size = 2 * HALF, .prot = MOCK_READ }
#define UNMAP(w_, iova_) { .body = call_unmap, .w = (w_), .iova = (iova_), .size = HALF }

/* The unmap of what the call has pinned so far waits for it, and is done. */
static void unmap_waits(struct __test_metadata *_metadata, struct world *w,
			struct emulated *e, struct halves *halves)
{
	struct call pin = PIN(e), unmap = UNMAP(w, halves->there);
	struct mock_told told;

	ASSERT_EQ(0, call_begin_blocked(&pin, &halves->b));
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(0, blocking_mem_provide(&halves->b));
	EXPECT_EQ(0, call_result(&pin));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(HALF, unmap.unmapped);
	ASSERT_EQ(0, emulated_told(e, &told));
	EXPECT_LE(1, told.calls);
	EXPECT_EQ(HALF_PAGES, told.held);
	EXPECT_EQ(HALF_PAGES, charged(w));
	blocking_mem_close(&halves->b);
}

TEST_F(waits, for_a_pin_that_goes_on_in_another_mapping)
{
	struct halves halves;

	map_halves(_metadata, &self->w, self->mem, &halves);
	unmap_waits(_metadata, &self->w, self->e, &halves);
}

/* What another device has pinned takes no time to pin, but is to be told all the same. */
TEST_F(waits, for_a_pin_of_what_is_pinned_already)
{
	struct halves halves;

	ASSERT_EQ(0, add_second(&self->w, self->e));
	map_halves(_metadata, &self->w, self->mem, &halves);
	ASSERT_EQ(0, emulated_pin(&self->e[1], halves.there, HALF_PAGES, MOCK_READ));
	unmap_waits(_metadata, &self->w, &self->e[0], &halves);
}

/* The rest cannot be pinned: the device gets nothing, and is not told either. */
TEST_F(waits, for_a_pin_that_fails)
{
	struct call pin = PIN(self->e);
	struct call unmap = { .body = call_unmap_all, .w = &self->w };
	struct mock_told told;
	struct halves halves;

	map_halves(_metadata, &self->w, self->mem, &halves);
	ASSERT_EQ(0, call_begin_blocked(&pin, &halves.b));
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(0, blocking_mem_withdraw(&halves.b));
	EXPECT_EQ(-EFAULT, call_result(&pin));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(2 * HALF, unmap.unmapped);
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_EQ(0, told.calls);
	EXPECT_EQ(0, told.held);
	EXPECT_EQ(0, charged(&self->w));
	blocking_mem_close(&halves.b);
}

/* A call that comes to a mapping which is being unmapped gives all back at once. */
TEST_F(waits, for_a_pin_that_has_come_too_late)
{
	struct call pin = PIN(self->e);
	struct call unmap = { .body = call_unmap_all, .w = &self->w };
	struct halves halves;

	map_halves(_metadata, &self->w, self->mem, &halves);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA + 2 * HALF, self->mem, PAGE,
			     DMA_RW));
	pin.size += kernel_running() < KERNEL(5, 16) ? 0 : PAGE;
	ASSERT_EQ(0, call_begin_blocked(&pin, &halves.b));
	ASSERT_EQ(0, call_begin(&unmap));
	EXPECT_TRUE(call_waits(&unmap));
	EXPECT_EQ(0, blocking_mem_provide(&halves.b));
	EXPECT_EQ(pin.size == 2 * HALF ? 0 : -EINVAL, call_result(&pin));
	EXPECT_EQ(0, call_result(&unmap));
	EXPECT_EQ(2 * HALF + PAGE, unmap.unmapped);
	EXPECT_EQ(0, charged(&self->w));
	blocking_mem_close(&halves.b);
}

/* Has the device pinned @pages pages, be they known to it or not? */
static bool soon_charged(struct world *w, long pages)
{
	unsigned int ms;

	for (ms = 0; charged(w) != pages && ms < 20000; ms++)
		usleep(1000);
	return charged(w) == pages;
}

TEST_F(waits, until_the_device_knows_what_it_has_pinned)
{
	struct call pin = PIN(self->e);
	struct mock_told told;
	__u64 unmapped;

	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, 2 * HALF, DMA_RW));
	ASSERT_EQ(0, emulated_react(self->e, MOCK_SLOW, 0));
	ASSERT_EQ(0, call_begin(&pin));
	EXPECT_TRUE(soon_charged(&self->w, PIN_PAGES));
	EXPECT_EQ(0, dma_unmap(self->w.container, IOVA, 2 * HALF, 0, &unmapped));
	EXPECT_EQ(2 * HALF, unmapped);
	EXPECT_EQ(0, call_result(&pin));
	ASSERT_EQ(0, emulated_told(self->e, &told));
	EXPECT_LE(2, told.calls);
	EXPECT_EQ(0, told.held);
	EXPECT_EQ(0, charged(&self->w));
}

/* In the child, which is killed. */
static void unmap_all_and_exit(struct world *w)
{
	_exit(dma_unmap_all(w->container, NULL) ? 1 : 2);
}

/* Who waits can be killed: everything stays mapped. */
TEST_F(waits, and_can_be_killed)
{
	struct call pin = PIN(self->e);
	struct halves halves;
	__u64 unmapped;
	int status;
	pid_t pid;

	map_halves(_metadata, &self->w, self->mem, &halves);
	ASSERT_EQ(0, call_begin_blocked(&pin, &halves.b));
	pid = fork();
	if (!pid)
		unmap_all_and_exit(&self->w);
	ASSERT_LT(0, pid);
	usleep(200000);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, blocking_mem_provide(&halves.b));
	EXPECT_EQ(0, call_result(&pin));
	EXPECT_EQ(PIN_PAGES, charged(&self->w));
	EXPECT_EQ(0, dma_unmap_all(self->w.container, &unmapped));
	EXPECT_EQ(2 * HALF, unmapped);
	EXPECT_EQ(0, charged(&self->w));
	blocking_mem_close(&halves.b);
}

TEST_HARNESS_MAIN
