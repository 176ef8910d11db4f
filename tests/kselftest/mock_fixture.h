/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of groups behind mock IOMMUs; mock_world.h declares the fixtures. A test
 * finds nothing open, and every mock as after loading. Its end demands that no
 * domain is left and that we never broke a rule of the IOMMU API. No device may
 * do DMA here: a mock translates nothing.
 *
 * Slots (tests/lib/rooms.sh puts them there): 0, 1, 2 behind instance 0; 3, 4 behind
 * 1; 5 behind 2; 6 behind 3; 7 is a group of three devices behind 0.
 */
#ifndef VIB_TEST_MOCK_FIXTURE_H
#define VIB_TEST_MOCK_FIXTURE_H

#include "fixture.h"
#include "lib/mock.h"

enum {
	SLOT_A, SLOT_A2, SLOT_A3, SLOT_B, SLOT_B2, SLOT_C, SLOT_D, SLOT_MANY,
	SLOTS,
};

/* Instances of the slots above. */
enum { INST_A, INST_B, INST_C, INST_D };

/* Devices in the group of SLOT_MANY: two and their bridge. */
enum { MANY = 3 };

/* Everything about us that a failed call must leave as it was. */
struct state {
	char dump[MOCK_TEXT];
	char containers[MOCK_TEXT];
	struct info info;
	long pinned;
	long locked;
};

static inline void mock_begin(struct __test_metadata *_metadata,
			      struct world *w)
{
	enum world_state state;

	if (!mock_present()) {
		ASSERT_FALSE(promised("mock"));
		SKIP_TEST("no mock IOMMU");
	}
	ASSERT_EQ(0, mock_domains());
	ASSERT_EQ(0, mock_order("reset"));
	state = world_enter(w, MODE_BATCH, SLOTS);
	world_begin(_metadata, w, state);
}

static inline void mock_end(struct __test_metadata *_metadata, struct world *w)
{
	const char *complaint;

	world_end(_metadata, w);
	EXPECT_EQ(0, mock_domains());
	complaint = mock_complaint();
	EXPECT_EQ(NULL, complaint)
		TH_LOG("broken rules: %s", complaint);
}

/* A container whose first group is @slot; 0 or -errno. */
static inline int begin_with(struct world *w, unsigned int slot)
{
	int ret = world_open_container(w);

	ret = ret ? ret : world_join(w, slot);
	return ret ? ret : world_set_iommu(w);
}

/* As begin_with(), with all of @mem mapped at IOVA. */
static inline int begin_mapped(struct world *w, unsigned int slot, char *mem)
{
	int ret = begin_with(w, slot);

	return ret ? ret : dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW);
}

static inline int leave(struct world *w, unsigned int slot)
{
	return group_leave(w->slot[slot].group);
}

/*
 * A group with devices behind instances 0 and 1, which no slot is: the last group
 * of all. 0 or -errno.
 */
static inline int mixed_slot(struct pci_dev *pci)
{
	struct pci_dev found[SLOTS + 1];

	if (pci_find_groups(PCI_EDU, found, SLOTS + 1) != SLOTS + 1)
		return -ENODEV;
	*pci = found[SLOTS];
	return 0;
}

/* 0 or -errno. */
static inline int state_read(struct world *w, struct state *state)
{
	int ret = mock_dump(state->dump);

	if (ret >= 0)
		ret = containers_read(state->containers, MOCK_TEXT);
	if (ret >= 0)
		ret = info_get(w->container, &state->info);
	state->pinned = pinned_pages();
	state->locked = locked_pages();
	return ret < 0 ? ret : 0;
}

/* Nothing of ours is there: no domain, no container, no page pinned or charged. */
static inline void expect_nothing(struct __test_metadata *_metadata, struct world *w)
{
	static char containers[MOCK_TEXT];

	EXPECT_EQ(0, mock_domains());
	ASSERT_LE(0, containers_read(containers, MOCK_TEXT));
	EXPECT_STREQ("", containers);
	EXPECT_EQ(w->pinned, pinned_pages());
	EXPECT_EQ(w->locked, locked_pages());
}

/* Counters of work done are no state; the account is compared on its own. */
static inline void strip_counters(char *text)
{
	static const char * const keys[] = { "\nmaps:", "\nunmaps:", "\nsyncs:",
					     "\nlocked_pages:", "\nlocked_limit_pages:" };
	unsigned int i;
	char *at, *end;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		while ((at = strstr(text, keys[i]))) {
			end = strchr(at + 1, '\n');
			memmove(at, end ? end : at + strlen(at), end ? strlen(end) + 1 : 1);
		}
	}
}

/* Are @before and @after the same? */
#define EXPECT_SAME() do {						\
	strip_counters(self->before.containers);			\
	strip_counters(self->after.containers);				\
	EXPECT_STREQ(self->before.dump, self->after.dump);		\
	EXPECT_STREQ(self->before.containers, self->after.containers);	\
	EXPECT_EQ(0, memcmp(&self->before.info, &self->after.info,	\
			    sizeof(self->before.info)));		\
	EXPECT_EQ(self->before.pinned, self->after.pinned);		\
	EXPECT_EQ(self->before.locked, self->after.locked);		\
} while (0)

#define EXPECT_UNCHANGED() do {						\
	ASSERT_EQ(0, state_read(&self->w, &self->after));		\
	EXPECT_SAME();							\
} while (0)

#define REMEMBER() ASSERT_EQ(0, state_read(&self->w, &self->before))

#endif
