// SPDX-License-Identifier: GPL-2.0-only
/*
 * An attach to VT-d fails at each of its devices in turn: the group is on no domain of
 * ours afterwards, none of its devices is left behind on one, and the next attach
 * succeeds. For kernels that the mock IOMMUs do not build for; they have more such tests.
 */
#include "fixture.h"

#define PROBE "/sys/kernel/debug/attach_probe/"

enum { GROUPS = 2, ATTACHES_MAX = 50 };

#define WORLD attach_fails
#define WORLD_GROUPS GROUPS
#define WORLD_ONE_ID
#define WORLD_BATCH_ONLY
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

static int fail_at(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	return file_write(PROBE "fail", text);
}

/* Slot 0 is a group of two devices; or -ENOENT. */
static int take_pair(struct world *w)
{
	struct pci_dev found[16];
	int n = pci_find(PCI_EDU, found, 16), i, k;

	for (i = 0; i < n; i++)
		for (k = i + 1; k < n; k++)
			if (found[i].group == found[k].group) {
				w->slot[0].pci = found[i];
				return 0;
			}
	return -ENOENT;
}

/* Lets @attach fail at every device, until it is through; how often it failed. */
static unsigned int sweep(struct __test_metadata *_metadata, struct world *w,
			  int (*attach)(struct world *w))
{
	unsigned int n;
	int ret;

	for (n = 1; n < ATTACHES_MAX; n++) {
		ASSERT_EQ(0, fail_at(n));
		ret = attach(w);
		if (file_read_long(PROBE "fail"))
			break;
		EXPECT_EQ(-ENOMEM, ret)
			TH_LOG("device %u", n);
		EXPECT_EQ(0, file_read_long(PROBE "strays"))
			TH_LOG("device %u", n);
		EXPECT_EQ(w->pinned, pinned_pages());
	}
	ASSERT_EQ(0, fail_at(0));
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, file_read_long(PROBE "strays"));
	return n - 1;
}

#define NEED_PROBE() do { \
	if (access(PROBE "fail", W_OK)) { \
		ASSERT_FALSE(promised("attach")); \
		SKIP_TEST("attaches are not probed"); \
	} \
} while (0)

TEST_F(attach_fails, of_two_devices_none_stays_behind)
{
	NEED_PROBE();
	ASSERT_EQ(0, take_pair(&self->w));
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_LE(2, sweep(_metadata, &self->w, world_set_iommu));
	EXPECT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
}

static int join_one(struct world *w)
{
	int ret = world_join(w, 1);

	if (ret)
		world_close_group(w, 1);
	return ret;
}

/* It would have joined the domain of the first one, which keeps what it has. */
TEST_F(attach_fails, of_a_further_group_the_first_is_untouched)
{
	NEED_PROBE();
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	self->w.pinned += MEM_PAGES;
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_LE(1, sweep(_metadata, &self->w, join_one));
	self->w.pinned -= MEM_PAGES;
	ASSERT_NE(NULL, world_edu(&self->w, 0));
	EXPECT_EQ(0, edu_copy(&self->w.slot[0].edu, IOVA, IOVA + 8 * PAGE));
}

TEST_HARNESS_MAIN
