/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests that make every allocation of a call fail, one after the other
 * (lib/fault.h), behind mock IOMMUs (mock_fixture.h) and with emulated devices. A
 * call is done, looked at and undone again; when it failed, everything must be as
 * before, and the same call must succeed.
 */
#ifndef VIB_TEST_FAULT_FIXTURE_H
#define VIB_TEST_FAULT_FIXTURE_H

#include "mock_fixture.h"
#include "emulated_fixture.h"
#include "lib/fault.h"

/* More failure points than any call has: beyond, something does not end. */
enum { FAULTS_MAX = 3000 };

/* What a test works on; the names are those that mock_fixture.h expects. */
struct sweep {
	struct world w;
	struct emulated e[MOCK_DEVICES];
	char *mem;
	struct state before;
	struct state after;
};

/* A call to sweep. Each function but done() returns 0 or -errno. */
struct deed {
	int (*prepare)(struct sweep *sweep);
	int (*act)(struct sweep *sweep);
	bool (*done)(struct sweep *sweep);
	int (*undo)(struct sweep *sweep);
	bool copies;		/* copies to and from user memory fail, too */
	bool pages;		/* allocations of pages do */
	bool never_fails;	/* act() has to succeed all the same */
	bool renumbers;		/* after undo() it is another domain */
	unsigned int failures;	/* how many times act() fails, at least */
};

static inline void sweep_begin(struct __test_metadata *_metadata, struct sweep *sweep)
{
	unsigned int i;

	if (!fault_present()) {
		ASSERT_FALSE(promised("faults"));
		SKIP_TEST("no fault injection in this kernel");
	}
	for (i = 0; i < MOCK_DEVICES; i++)
		sweep->e[i] = (struct emulated){ .group = -1, .device = -1 };
	sweep->mem = mem_small(MEM_SIZE);
	ASSERT_NE(NULL, sweep->mem);
	mock_begin(_metadata, &sweep->w);
}

static inline void sweep_end(struct __test_metadata *_metadata, struct sweep *sweep)
{
	unsigned int i;

	fault_fired();
	for (i = 0; i < MOCK_DEVICES; i++)
		emulated_close(&sweep->e[i]);
	backend_param_set(BACKEND_BATCH, "disable_hugepages", 0);
	mock_end(_metadata, &sweep->w);
}

/* Domains are called by their numbers: which ones these are is no state. */
static inline void strip_numbers(char *at)
{
	size_t len;

	while ((at = strstr(at, "domain"))) {
		at += strlen("domain");
		at += strspn(at, ": ");
		len = strspn(at, "0123456789");
		memmove(at, at + len, strlen(at + len) + 1);
	}
}

static inline void expect_undone(struct __test_metadata *_metadata,
				 struct sweep *self, bool renumbered)
{
	ASSERT_EQ(0, state_read(&self->w, &self->after));
	if (renumbered) {
		strip_numbers(self->before.dump);
		strip_numbers(self->before.containers);
		strip_numbers(self->after.dump);
		strip_numbers(self->after.containers);
	}
	EXPECT_SAME();
}

/* Lets the @n-th allocation of act() fail; whether there was one. */
static inline bool fault_round(struct __test_metadata *_metadata,
			       struct sweep *self, const struct deed *deed,
			       unsigned int n, unsigned int *failed)
{
	bool fired;
	int ret;

	ASSERT_EQ(0, fault_arm(n));
	ret = deed->act(self);
	fired = fault_fired();
	if (ret) {
		ASSERT_TRUE(fired && !deed->never_fails)
			TH_LOG("failure %u: %d", n, ret);
		EXPECT_TRUE(ret == -ENOMEM || (deed->copies && ret == -EFAULT))
			TH_LOG("failure %u: %d", n, ret);
		EXPECT_UNCHANGED();
		ASSERT_EQ(0, deed->act(self));
		++*failed;
	}
	ASSERT_TRUE(deed->done(self))
		TH_LOG("failure %u: %d, and it is not done", n, ret);
	ASSERT_EQ(0, deed->undo(self));
	expect_undone(_metadata, self, deed->renumbers);
	ASSERT_TRUE(_metadata->passed)
		TH_LOG("failure %u: %d", n, ret);
	return fired;
}

static inline void fault_sweep(struct __test_metadata *_metadata,
			       struct sweep *self, const struct deed *deed)
{
	unsigned int n = 1, failed = 0;

	ASSERT_EQ(0, fault_set_up(deed->copies, deed->pages));
	ASSERT_EQ(0, deed->prepare(self));
	/* What is allocated for the first time ever would shift what comes after it. */
	ASSERT_EQ(0, deed->act(self));
	ASSERT_EQ(0, deed->undo(self));
	REMEMBER();
	while (fault_round(_metadata, self, deed, n, &failed))
		ASSERT_GT(FAULTS_MAX, ++n);
	TH_LOG("%u failure points, %u calls failed", n - 1, failed);
	EXPECT_LE(deed->failures, failed);
	EXPECT_EQ(!deed->never_fails, failed > 0);
}

/* A variant is a deed; each program has a test that sweeps it. */
FIXTURE(fails)
{
	struct sweep sweep;
};

FIXTURE_VARIANT(fails)
{
	struct deed deed;
};

FIXTURE_SETUP(fails)
{
	sweep_begin(_metadata, &self->sweep);
}

FIXTURE_TEARDOWN(fails)
{
	sweep_end(_metadata, &self->sweep);
}

#endif
