// SPDX-License-Identifier: GPL-2.0-only
/*
 * Twenty devices write to a BAR that their client has lost, in 1,000 transfers for each way to lose
 * it: none arrives, and each is a fault of the IOMMU. On type1 none is a fault. The faults are
 * counted outside of the guest, between two marks in the trace of the machine (faults.awk).
 */
#include <limits.h>
#include <pthread.h>

#include "bar_fixture.h"
#include "lib/mark.h"
#include "lib/plug.h"

#define WORD 0x56420000u

enum {
	WRITERS = 20,
	PEER = WRITERS,
	RESET_PEER,			/* alone with its group on a bus that can be reset */
	TRANSFERS = 1000,
	ROUNDS = TRANSFERS / WRITERS,
	ROUNDS_A_RESET = 5,		/* as it takes a second on most kernels */
	TRANSFER_MS = 100,
	RESET_BEGINS_MS = 40,		/* after the transfers have begun */
	ZAP_MS = 20,			/* what the kernel may take until it removes the BAR */
};

#define WORLD bar_faults
#define WORLD_GROUPS (RESET_PEER + 1)
#define WORLD_ONE_ID
#include "world_fixture.h"

/* Gives each writer a word of its own. */
static void load_words(struct __test_metadata *_metadata, struct world *w, char *mem)
{
	unsigned int i;

	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, MEM_SIZE, DMA_RW));
	for (i = 0; i < WRITERS; i++) {
		struct edu *edu = world_edu(w, i);

		ASSERT_NE(NULL, edu);
		*(__u32 *)(mem + i * PAGE) = WORD + i;
		edu_start_fetch(edu, IOVA + i * PAGE);
	}
	for (i = 0; i < WRITERS; i++)
		ASSERT_EQ(0, edu_wait(&w->slot[i].edu));
}

/* All write at once. */
static void write_round(struct __test_metadata *_metadata, struct world *w)
{
	unsigned int i;

	for (i = 0; i < WRITERS; i++)
		edu_start_store_bytes(&w->slot[i].edu, FAR + LIVENESS, sizeof(__u32));
	for (i = 0; i < WRITERS; i++)
		ASSERT_EQ(0, edu_wait(&w->slot[i].edu));
}

/* Has a word of some writer arrived since the last call? */
static bool has_arrived(struct __test_metadata *_metadata, struct edu *peer)
{
	__u32 zero = 0, word = ~liveness_of(_metadata, peer);

	ASSERT_EQ((ssize_t)sizeof(zero), pwrite(peer->device, &zero, sizeof(zero), LIVENESS));
	return word - WORD < WRITERS;
}

static bool one_round_arrives(struct __test_metadata *_metadata, struct world *w,
			      struct edu *peer)
{
	write_round(_metadata, w);
	return has_arrived(_metadata, peer);
}

static void begin_count(struct __test_metadata *_metadata, struct world *w, const char *how)
{
	ASSERT_EQ(0, mark_trace("begin %s.%s", w->mode->name, how));
}

/* @transfers were made since: each is a fault, on type1 none. */
static void end_count(struct __test_metadata *_metadata, struct world *w, const char *how,
		      int transfers)
{
	ASSERT_EQ(0, mark_trace("end %s.%s %d", w->mode->name, how, stays(w) ? 0 : transfers));
}

static void all_rounds(struct __test_metadata *_metadata, struct world *w, const char *how)
{
	int i;

	begin_count(_metadata, w, how);
	for (i = 0; i < ROUNDS; i++)
		write_round(_metadata, w);
	end_count(_metadata, w, how, TRANSFERS);
}

/* A peer with its BAR mapped, which the writers reach. */
static struct edu *reached_peer(struct __test_metadata *_metadata, struct world *w, char *mem,
				unsigned int slot)
{
	struct edu *peer = peer_in(_metadata, w, slot);

	load_words(_metadata, w, mem);
	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	EXPECT_TRUE(one_round_arrives(_metadata, w, peer));
	return peer;
}

TEST_F(bar_faults, decode_off)
{
	struct edu *peer = reached_peer(_metadata, &self->w, self->mem, PEER);

	ASSERT_EQ(0, edu_command(peer, 0));
	all_rounds(_metadata, &self->w, "decode_off");
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_FALSE(has_arrived(_metadata, peer));
	/* And back, without a call. */
	EXPECT_GE(COME_BACK_MS, comes_back(&self->w));
	EXPECT_TRUE(one_round_arrives(_metadata, &self->w, peer));
}

/* A hot reset of the peer's bus, which its group is alone on. */
struct resetter {
	int device;
	int group;
	volatile long began;
	volatile bool done;
	int ret;
};

static void *reset_bus(void *arg)
{
	struct resetter *me = arg;
	struct {
		struct vfio_pci_hot_reset head;
		__s32 group;
	} reset = {
		.head.argsz = sizeof(reset),
		.head.count = 1,
		.group = me->group,
	};

	usleep(RESET_BEGINS_MS * 1000);
	me->began = now_ms();
	me->ret = vfio_ioctl(me->device, VFIO_DEVICE_PCI_HOT_RESET, &reset);
	me->done = true;
	return NULL;
}

/*
 * Rounds while the device is reset. The first one begins before, in case that the kernel takes
 * little more than 100 ms. Return: @most, and they are marked; or fewer, and the rest may arrive.
 */
static int rounds_in_a_reset(struct __test_metadata *_metadata, struct world *w, int most)
{
	struct resetter job = {
		.device = w->slot[RESET_PEER].device,
		.group = w->slot[RESET_PEER].group,
		.began = LONG_MAX,
	};
	pthread_t thread;
	int rounds;

	begin_count(_metadata, w, "reset_in_progress");
	ASSERT_EQ(0, pthread_create(&thread, NULL, reset_bus, &job));
	for (rounds = 0; rounds < most; rounds++) {
		long begun = now_ms();

		write_round(_metadata, w);
		if (job.done || job.began > begun + TRANSFER_MS - ZAP_MS)
			break;
	}
	if (rounds == most)
		end_count(_metadata, w, "reset_in_progress", most * WRITERS);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, job.ret);
	return rounds;
}

TEST_F(bar_faults, reset_in_progress)
{
	struct world *w = &self->w;
	struct edu *peer = reached_peer(_metadata, w, self->mem, RESET_PEER);
	int tries, fit, most = ROUNDS_A_RESET, rounds = 0;

	for (tries = 0; rounds < ROUNDS && tries < 4 * ROUNDS; tries++) {
		fit = rounds_in_a_reset(_metadata, w, most);
		if (fit == most) {
			EXPECT_FALSE(has_arrived(_metadata, peer));
			rounds += most;
		} else {
			most = fit > 1 ? fit : 1;
		}
		EXPECT_GE(COME_BACK_MS, comes_back(w));
		EXPECT_TRUE(one_round_arrives(_metadata, w, peer));
	}
	EXPECT_LE(ROUNDS, rounds);
}

TEST_F(bar_faults, unmapped)
{
	struct edu *peer = reached_peer(_metadata, &self->w, self->mem, PEER);

	edu_close(peer);
	all_rounds(_metadata, &self->w, "munmap");
	EXPECT_EQ(stays(&self->w), has_arrived(_metadata, peer));
}

TEST_F(bar_faults, owner_killed)
{
	struct world *w = &self->w;
	struct edu *peer = peer_in(_metadata, w, PEER);
	pid_t pid = view_of_a_child(_metadata, w, peer, PAGE);

	load_words(_metadata, w, self->mem);
	EXPECT_TRUE(one_round_arrives(_metadata, w, peer));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	all_rounds(_metadata, w, "owner_killed");
	EXPECT_EQ(stays(w), has_arrived(_metadata, peer));
}

/* Closed, and opened again: now it is somebody else's. */
TEST_F(bar_faults, closed)
{
	struct world *w = &self->w;
	struct edu *peer = reached_peer(_metadata, w, self->mem, PEER);

	world_close_device(w, PEER);
	ASSERT_EQ(0, world_open_edu(w, PEER));
	all_rounds(_metadata, w, "close");
	EXPECT_EQ(stays(w), has_arrived(_metadata, peer));
}

struct unplugger {
	struct pci_dev pci;
	bool by_machine;
	int ret;
};

static void *take_away(void *arg)
{
	struct unplugger *me = arg;

	me->ret = me->by_machine ? unplug(&me->pci) : unplug_by_sysfs(&me->pci);
	return NULL;
}

/* The peer goes when its user lets go. */
static void lose_peer(struct __test_metadata *_metadata, struct world *w, bool by_machine)
{
	struct unplugger job = { .pci = w->slot[PEER].pci, .by_machine = by_machine };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, take_away, &job));
	usleep(200000);
	world_close_device(w, PEER);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, job.ret);
	world_close_group(w, PEER);
}

static void get_peer_back(struct __test_metadata *_metadata, struct world *w, bool by_machine)
{
	struct pci_dev *pci = &w->slot[PEER].pci;

	ASSERT_EQ(0, by_machine ? plug(pci) : plug_by_sysfs(pci));
	ASSERT_EQ(0, world_join(w, PEER));
	ASSERT_EQ(0, world_open_edu(w, PEER));
}

/* Half of the transfers while nothing is there, half when the place is taken again. */
static void unplugged(struct __test_metadata *_metadata, struct world *w, char *mem,
		      bool by_machine)
{
	const char *how = by_machine ? "unplug" : "sysfs_removal";
	struct edu *peer = reached_peer(_metadata, w, mem, PEER);
	int i;

	begin_count(_metadata, w, how);
	lose_peer(_metadata, w, by_machine);
	for (i = 0; i < ROUNDS / 2; i++)
		write_round(_metadata, w);
	get_peer_back(_metadata, w, by_machine);
	for (i = 0; i < ROUNDS / 2; i++)
		write_round(_metadata, w);
	end_count(_metadata, w, how, TRANSFERS);
	EXPECT_EQ(stays(w), has_arrived(_metadata, peer));
}

TEST_F(bar_faults, removed_through_sysfs)
{
	unplugged(_metadata, &self->w, self->mem, false);
}

TEST_F(bar_faults, unplugged_by_the_machine)
{
	ASSERT_TRUE(plug_by_machine());
	unplugged(_metadata, &self->w, self->mem, true);
}

TEST_HARNESS_MAIN
