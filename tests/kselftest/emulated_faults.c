// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of the calls that emulated devices add fails once: their
 * attach, pin_pages, dma_rw, dirty bitmaps, and the first real group that joins
 * them. None can stop unpin_pages, an unmap or a real group's leaving.
 */
#include <sys/mman.h>

#include "fault_pieces.h"

/* A container with one emulated device and eight mappings. */
static int with_device(struct sweep *sweep)
{
	int ret = world_open_container(&sweep->w);

	if (!ret)
		ret = emulated_join(&sweep->e[0], 0, sweep->w.container);
	if (!ret)
		ret = world_set_iommu(&sweep->w);
	if (!ret)
		ret = emulated_open(&sweep->e[0], 0);
	return ret ? ret : map_pieces(sweep);
}

static int with_real_group(struct sweep *sweep)
{
	int ret = with_device(sweep);

	return ret ? ret : world_join(&sweep->w, SLOT_A);
}

static int nothing(struct sweep *sweep)
{
	(void)sweep;
	return 0;
}

static bool always(struct sweep *sweep)
{
	(void)sweep;
	return true;
}

/* A further emulated group. */

static int join_second(struct sweep *sweep)
{
	return group_join(sweep->e[1].group, sweep->w.container);
}

static int leave_second(struct sweep *sweep)
{
	return group_leave(sweep->e[1].group);
}

static int with_second_group(struct sweep *sweep)
{
	int ret = with_device(sweep);

	if (!ret)
		ret = emulated_join(&sweep->e[1], 1, sweep->w.container);
	return ret ? ret : leave_second(sweep);
}

/* What has joined can leave, so undo() tells whether it is done. */
FIXTURE_VARIANT_ADD(fails, attach_emulated)
{
	.deed = {
		.prepare = with_second_group, .act = join_second,
		.done = always, .undo = leave_second, .failures = 1,
	},
};

/* pin_pages: each page is an entry of its own */

static int pin(struct sweep *sweep)
{
	return emulated_pin(&sweep->e[0], IOVA, PIECE_PAGES, MOCK_WRITE);
}

static int unpin(struct sweep *sweep)
{
	return emulated_unpin(&sweep->e[0], IOVA, PIECE_PAGES);
}

/* Some of the pages are pinned already. */
static int with_some_pinned(struct sweep *sweep)
{
	int ret = with_device(sweep);

	if (!ret)
		ret = emulated_pin(&sweep->e[0], IOVA + PAGE, 2, MOCK_READ);
	return ret ? ret : emulated_pin(&sweep->e[0], IOVA + 5 * PAGE, 1, MOCK_READ);
}

static int pin_untouched(struct sweep *sweep)
{
	if (madvise(sweep->mem, PIECE_PAGES * PAGE, MADV_DONTNEED))
		return -errno;
	return pin(sweep);
}

static bool holds_pages(struct sweep *sweep, unsigned int pages, long locked)
{
	struct mock_told told;

	return !emulated_told(&sweep->e[0], &told) && told.held == pages &&
	       charged(&sweep->w) == locked;
}

static bool pinned(struct sweep *sweep)
{
	return holds_pages(sweep, PIECE_PAGES, PIECE_PAGES);
}

/* Three of them twice, which charges once. */
static bool pinned_again(struct sweep *sweep)
{
	return holds_pages(sweep, PIECE_PAGES + 3, PIECE_PAGES);
}

static bool pinned_in_domain(struct sweep *sweep)
{
	return holds_pages(sweep, PIECE_PAGES, MEM_PAGES);
}

static bool unpinned(struct sweep *sweep)
{
	return holds_pages(sweep, 0, 0);
}

static int with_pins(struct sweep *sweep)
{
	int ret = with_device(sweep);

	return ret ? ret : pin(sweep);
}

FIXTURE_VARIANT_ADD(fails, pin)
{
	.deed = {
		.prepare = with_device, .act = pin, .done = pinned,
		.undo = unpin, .copies = true, .failures = PIECE_PAGES + 1,
	},
};

FIXTURE_VARIANT_ADD(fails, pin_untouched)
{
	.deed = {
		.prepare = with_device, .act = pin_untouched, .done = pinned,
		.undo = unpin, .pages = true, .failures = PIECE_PAGES,
	},
};

FIXTURE_VARIANT_ADD(fails, pin_again)
{
	.deed = {
		.prepare = with_some_pinned, .act = pin, .done = pinned_again,
		.undo = unpin, .failures = PIECE_PAGES - 3,
	},
};

FIXTURE_VARIANT_ADD(fails, pin_in_domain)
{
	.deed = {
		.prepare = with_real_group, .act = pin,
		.done = pinned_in_domain, .undo = unpin,
		.failures = PIECE_PAGES + 1,
	},
};

FIXTURE_VARIANT_ADD(fails, unpin)
{
	.deed = {
		.prepare = with_pins, .act = unpin, .done = unpinned,
		.undo = pin, .never_fails = true,
	},
};

/* dma_rw */

static int rw(struct sweep *sweep)
{
	char buf[3 * PAGE] = "";
	int ret = emulated_read(&sweep->e[0], IOVA + PAGE, buf, sizeof(buf));

	return ret ? ret : emulated_write(&sweep->e[0], IOVA + PAGE, buf, sizeof(buf));
}

FIXTURE_VARIANT_ADD(fails, dma_rw)
{
	.deed = {
		.prepare = with_device, .act = rw, .done = always,
		.undo = nothing, .copies = true, .failures = 2,
	},
};

/* An unmap: the device is told, and lets go */

static int unmap_first(struct sweep *sweep)
{
	return dma_unmap(sweep->w.container, IOVA, PIECE_PAGES * PAGE, 0, NULL);
}

static int map_and_pin(struct sweep *sweep)
{
	int ret = dma_map(sweep->w.container, IOVA, sweep->mem, PIECE_PAGES * PAGE,
			  DMA_RW);

	return ret ? ret : pin(sweep);
}

FIXTURE_VARIANT_ADD(fails, unmap)
{
	.deed = {
		.prepare = with_pins, .act = unmap_first, .done = unpinned,
		.undo = map_and_pin, .never_fails = true,
	},
};

/* The first real group: what was recorded is pinned as a whole; and the way back */

static int join_real(struct sweep *sweep)
{
	return world_join(&sweep->w, SLOT_A);
}

static int leave_real(struct sweep *sweep)
{
	return leave(&sweep->w, SLOT_A);
}

static int with_pins_and_group(struct sweep *sweep)
{
	int ret = with_pins(sweep);

	return ret ? ret : join_real(sweep);
}

static int with_pins_and_open_group(struct sweep *sweep)
{
	int ret = with_pins_and_group(sweep);

	return ret ? ret : leave_real(sweep);
}

static bool whole(struct sweep *sweep)
{
	return domains_hold(1, MEM_PAGES) &&
	       holds_pages(sweep, PIECE_PAGES, MEM_PAGES);
}

static bool recorded(struct sweep *sweep)
{
	return !mock_domains() && holds_pages(sweep, PIECE_PAGES, PIECE_PAGES);
}

FIXTURE_VARIANT_ADD(fails, attach_real)
{
	.deed = {
		.prepare = with_pins_and_open_group, .act = join_real,
		.done = whole, .undo = leave_real, .failures = 8,
	},
};

FIXTURE_VARIANT_ADD(fails, detach_real)
{
	.deed = {
		.prepare = with_pins_and_group, .act = leave_real,
		.done = recorded, .undo = join_real, .never_fails = true, .renumbers = true,
	},
};

TEST_F(fails, at_every_allocation)
{
	if (!emulated_present()) {
		ASSERT_FALSE(promised("emulated"));
		SKIP(return, "no emulated devices");
	}
	fault_sweep(_metadata, &self->sweep, &variant->deed);
}

/* A dirty bitmap that cannot be handed over loses none of its bits. */

FIXTURE(bitmap)
{
	struct sweep sweep;
};

FIXTURE_SETUP(bitmap)
{
	sweep_begin(_metadata, &self->sweep);
	ASSERT_EQ(0, fault_set_up(true, false));
	ASSERT_EQ(0, with_device(&self->sweep));
	ASSERT_EQ(0, dirty_start(self->sweep.w.container));
}

FIXTURE_TEARDOWN(bitmap)
{
	sweep_end(_metadata, &self->sweep);
}

/* Asks for @ahead pages before the mapping, too: its bits begin behind theirs. */
static int get(struct sweep *sweep, unsigned int ahead, __u64 *word)
{
	struct vfio_bitmap bitmap = bitmap_words(word, 1);

	*word = 0;
	return dirty_get(sweep->w.container, IOVA - ahead * PAGE,
			 (ahead + PIECE_PAGES) * PAGE, &bitmap);
}

/* How many queries failed. */
static unsigned int sweep_get(struct __test_metadata *_metadata,
			      struct sweep *sweep, unsigned int ahead)
{
	unsigned int n = 0, failed = 0;
	__u64 word;
	bool fired;
	int ret;

	ASSERT_EQ(0, get(sweep, ahead, &word));
	do {
		ASSERT_GT(FAULTS_MAX, ++n);
		ASSERT_EQ(0, emulated_write(&sweep->e[0], IOVA + 3 * PAGE, &n,
					    sizeof(n)));
		ASSERT_EQ(0, fault_arm(n));
		ret = get(sweep, ahead, &word);
		fired = fault_fired();
		if (ret) {
			/* Never for want of memory: type1 cannot meet that in a migration. */
			ASSERT_EQ(-EFAULT, ret);
			failed++;
			ASSERT_EQ(0, get(sweep, ahead, &word));
		}
		EXPECT_EQ(8ULL << ahead, word)
			TH_LOG("failure %u: %d", n, ret);
		ASSERT_EQ(0, get(sweep, ahead, &word));
		EXPECT_EQ(0, word);
	} while (fired);
	return failed;
}

TEST_F(bitmap, keeps_what_it_cannot_report)
{
	EXPECT_LE(3, sweep_get(_metadata, &self->sweep, 0));
	/* In the middle of a word what the user had there is read first. */
	EXPECT_LE(4, sweep_get(_metadata, &self->sweep, 5));
}

/* The end of a container with pins of a device, and with a real group beside it. */

FIXTURE(ending)
{
	struct sweep sweep;
};

FIXTURE_SETUP(ending)
{
	sweep_begin(_metadata, &self->sweep);
	ASSERT_EQ(0, fault_set_up(false, false));
}

FIXTURE_TEARDOWN(ending)
{
	sweep_end(_metadata, &self->sweep);
}

static bool end_round(struct __test_metadata *_metadata, struct sweep *sweep,
		      bool real, unsigned int n)
{
	bool fired;

	ASSERT_EQ(0, real ? with_pins_and_group(sweep) : with_pins(sweep));
	ASSERT_EQ(0, fault_arm(n));
	emulated_close(&sweep->e[0]);
	world_close_group(&sweep->w, SLOT_A);
	world_close_container(&sweep->w);
	fired = fault_fired();
	EXPECT_EQ(0, mock_domains());
	EXPECT_EQ(NULL, world_leak(&sweep->w));
	ASSERT_TRUE(_metadata->passed)
		TH_LOG("%s real group, failure %u", real ? "with" : "without", n);
	return fired;
}

TEST_F(ending, leaves_nothing)
{
	unsigned int n, real;

	for (real = 0; real < 2; real++) {
		for (n = 1; end_round(_metadata, &self->sweep, real, n); n++)
			ASSERT_GT(FAULTS_MAX, n);
		TH_LOG("%s real group: %u failure points",
		       real ? "with" : "without", n - 1);
	}
}

TEST_HARNESS_MAIN
