// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows onto BARs that are mapped in part, several times, page by page or in two containers, and
 * groups that come and go while the BAR is off. And what watching costs: a process that maps no BAR
 * registers nothing. What is revoked by debugfs is asked of our backend only.
 */
#include <stdio.h>

#include "bar_fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"
#include "lib/cgroup.h"
#include "lib/probe.h"

/* What one call pins at once (VIB_PIN_BUDGET of mm/pin.h). */
#define BATCH_SIZE (128 * MIB)

enum {
	SOON_MS = 20000,
	CROWD = 500,			/* mappings of one BAR */
	BITMAP_WORDS = 4,
};

#define WORLD bar_windows
#define WORLD_GROUPS 3
#define WORLD_ONE_ID
#include "world_fixture.h"

static struct edu *peer_of(struct __test_metadata *_metadata, struct world *w)
{
	return peer_in(_metadata, w, 1);
}

TEST_F(bar_windows, parts_of_a_bar)
{
	struct world *w = &self->w;
	struct edu *edu = writer(_metadata, w, self->mem);
	struct edu *peer = peer_of(_metadata, w);

	ASSERT_EQ(0, dma_map(w->container, FAR + 3 * PAGE, peer->bar + 8 * PAGE, 5 * PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(w->container, FAR + 8 * PAGE, peer->bar, PAGE, DMA_RW));
	off(_metadata, peer);
	expect_revoked(_metadata, w, 6);
	back(_metadata, w, peer);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + 8 * PAGE + LIVENESS, peer));
	/* Pages of the vma that no mapping has. */
	ASSERT_EQ(0, munmap(peer->bar + 16 * PAGE, 4 * PAGE));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + 8 * PAGE + LIVENESS, peer));
	ASSERT_EQ(0, munmap(peer->bar, PAGE));
	EXPECT_EQ(stays(w),
		  arrives(_metadata, edu, self->mem, FAR + 8 * PAGE + LIVENESS, peer));
}

TEST_F(bar_windows, several_mappings_of_a_bar)
{
	struct world *w = &self->w;
	struct edu *edu = writer(_metadata, w, self->mem);
	struct edu *peer = peer_of(_metadata, w);
	__u64 i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, dma_map(w->container, FAR + i * GIB, peer->bar, 4 * PAGE, DMA_RW));
	off(_metadata, peer);
	expect_revoked(_metadata, w, 12);
	ASSERT_EQ(0, dma_unmap(w->container, FAR + GIB, 4 * PAGE, 0, NULL));
	expect_revoked(_metadata, w, 8);
	back(_metadata, w, peer);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	EXPECT_FALSE(arrives(_metadata, edu, self->mem, FAR + GIB + LIVENESS, peer));
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + 2 * GIB + LIVENESS, peer));
	edu_close(peer);
	EXPECT_EQ(stays(w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	EXPECT_EQ(stays(w), arrives(_metadata, edu, self->mem, FAR + 2 * GIB + LIVENESS, peer));
}

TEST_F(bar_windows, page_by_page)
{
	struct world *w = &self->w;
	struct edu *edu = writer(_metadata, w, self->mem);
	struct edu *peer = peer_of(_metadata, w);
	enum backend backend = w->mode->backend;

	ASSERT_EQ(0, backend_param_set(backend, "disable_hugepages", 1));
	EXPECT_EQ(0, dma_map(w->container, FAR, peer->bar, 32 * PAGE, DMA_RW));
	ASSERT_EQ(0, backend_param_set(backend, "disable_hugepages", 0));
	off(_metadata, peer);
	expect_revoked(_metadata, w, 32);
	back(_metadata, w, peer);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	ASSERT_EQ(0, munmap(peer->bar, 2 * PAGE));
	EXPECT_EQ(stays(w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
}

/* A container of its own for the third group, made by hand. */
struct other {
	int container;
	int group;
	int device;
	struct edu edu;
};

static void other_open(struct __test_metadata *_metadata, struct world *w, struct other *o,
		       char *mem)
{
	const struct pci_dev *pci = &w->slot[2].pci;

	o->container = container_open();
	ASSERT_LE(0, o->container);
	ASSERT_EQ(0, group_leave(w->slot[2].group));
	ASSERT_EQ(0, group_join(w->slot[2].group, o->container));
	ASSERT_EQ(0, container_set_iommu(o->container, w->mode->type_id));
	o->device = group_device(w->slot[2].group, pci->addr);
	ASSERT_LE(0, o->device);
	ASSERT_EQ(0, edu_open(&o->edu, o->device));
	ASSERT_EQ(0, dma_map(o->container, IOVA, mem, PAGE, DMA_RW));
}

static void other_close(struct world *w, struct other *o)
{
	edu_close(&o->edu);
	close(o->device);
	world_close_group(w, 2);
	close(o->container);
}

TEST_F(bar_windows, two_containers)
{
	struct world *w = &self->w;
	struct edu *edu = writer(_metadata, w, self->mem);
	struct edu *peer = peer_of(_metadata, w);
	struct other o;

	other_open(_metadata, w, &o, self->mem);
	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(o.container, FAR, peer->bar, PAGE, DMA_RW));
	off(_metadata, peer);
	ASSERT_EQ(0, edu_command(peer, DECODES));
	usleep(COME_BACK_MS * 1000);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	EXPECT_TRUE(arrives(_metadata, &o.edu, self->mem, FAR + LIVENESS, peer));
	edu_close(peer);
	EXPECT_EQ(stays(w), arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
	EXPECT_EQ(stays(w), arrives(_metadata, &o.edu, self->mem, FAR + LIVENESS, peer));
	other_close(w, &o);
}

/* A group that comes while the BAR is off shares the window that comes back. */
TEST_F(bar_windows, groups_come_and_go_while_it_is_off)
{
	struct world *w = &self->w;
	struct edu *edu = writer(_metadata, w, self->mem);
	struct edu *peer = peer_of(_metadata, w), *late;

	ASSERT_EQ(0, dma_map(w->container, FAR, peer->bar, peer->bar_size, DMA_RW));
	ASSERT_EQ(0, group_leave(w->slot[2].group));
	off(_metadata, peer);
	ASSERT_EQ(0, world_join(w, 2));
	late = world_edu(w, 2);
	ASSERT_NE(NULL, late);
	expect_revoked(_metadata, w, peer->bar_size / PAGE);
	back(_metadata, w, peer);
	EXPECT_TRUE(arrives(_metadata, late, self->mem, FAR + LIVENESS, peer));
	off(_metadata, peer);
	world_close_device(w, 2);
	ASSERT_EQ(0, group_leave(w->slot[2].group));
	back(_metadata, w, peer);
	EXPECT_TRUE(arrives(_metadata, edu, self->mem, FAR + LIVENESS, peer));
}

/*
 * A large map reads the BAR at its end long after it has begun to watch. A vma that ends meanwhile
 * is forgotten when another one stands there.
 */
TEST_F(bar_windows, vma_that_ends_before_it_is_read)
{
	const __u64 tail = 2 * PAGE + BATCH_SIZE, size = tail + 2 * PAGE;
	struct call map = {
		.body = call_map_read_only, .w = &self->w, .iova = FAR, .size = size,
	};
	struct edu *peer = peer_of(_metadata, &self->w);
	struct blocking_mem b;
	char *end;

	if (stays(&self->w))
		SKIP_TEST("type1 does not watch");
	ASSERT_EQ(0, blocking_mem_open_part(&b, size, PAGE, PAGE));
	end = b.mem + tail;
	ASSERT_EQ(0, madvise(b.mem + 2 * PAGE, BATCH_SIZE, MADV_DONTNEED));
	ASSERT_EQ(b.mem, mmap(b.mem, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			      peer->device, 0));
	ASSERT_EQ(end, mmap(end, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    peer->device, 8 * PAGE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	ASSERT_EQ(end, mmap(end, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    peer->device, 4 * PAGE));
	EXPECT_EQ(0, blocking_mem_provide(&b));
	ASSERT_EQ(0, call_result(&map));
	EXPECT_GE(COME_BACK_MS, comes_back(&self->w));
	off(_metadata, peer);
	expect_revoked(_metadata, &self->w, 3);
	back(_metadata, &self->w, peer);
	EXPECT_EQ(0, revoked(&self->w));
	blocking_mem_close(&b);
}

/* Until half of the BAR is back in each of the mappings. */
static void half_comes_back(struct __test_metadata *_metadata, struct world *w, struct edu *peer)
{
	long half = CROWD * (long)(peer->bar_size / PAGE / 2);
	int ms;

	ASSERT_EQ(0, edu_command(peer, DECODES));
	for (ms = 0; ms < SOON_MS && revoked(w) > half; ms += 5)
		usleep(5000);
	EXPECT_EQ(half, revoked(w));
}

/*
 * What comes back takes memory of the client's: with every second page unmapped, an extent a page.
 * Half of that would be enough.
 */
TEST_F(bar_windows, extents_of_what_comes_back_are_charged)
{
	struct edu *peer = peer_of(_metadata, &self->w);
	long before, least = CROWD * (peer->bar_size / PAGE) * sizeof(__u64) / 2;
	__u64 i;

	if (stays(&self->w))
		SKIP_TEST("on type1 nothing goes");
	/* Of an earlier run in this guest, which could not remove what it was in. */
	cgroup_remove();
	if (cgroup_make())
		SKIP_TEST("no memory cgroups");
	ASSERT_EQ(0, cgroup_enter());
	for (i = 0; i < CROWD; i++)
		ASSERT_EQ(0, dma_map(self->w.container, FAR + i * peer->bar_size, peer->bar,
				     peer->bar_size, DMA_RW));
	off(_metadata, peer);
	for (i = PAGE; i < peer->bar_size; i += 2 * PAGE)
		ASSERT_EQ(0, munmap(peer->bar + i, PAGE));
	before = cgroup_current();
	ASSERT_LE(0, before);
	half_comes_back(_metadata, &self->w, peer);
	EXPECT_LE(before + least, cgroup_current());
	EXPECT_EQ(0, dma_unmap_all(self->w.container, NULL));
}

static void expect_all_dirty(struct __test_metadata *_metadata, __u64 *bits)
{
	unsigned int i;

	for (i = 0; i < BITMAP_WORDS; i++)
		EXPECT_EQ(~0ULL, bits[i]);
	memset(bits, 0, BITMAP_WORDS * sizeof(*bits));
}

/* A window that is out of the IOMMU is as dirty as one that is there, which type1 tells. */
TEST_F(bar_windows, dirty_bits_of_what_is_off)
{
	__u64 bits[BITMAP_WORDS] = {}, size = BITMAP_WORDS * 64 * PAGE, done;
	struct vfio_bitmap bitmap = bitmap_words(bits, BITMAP_WORDS);
	struct edu *peer = peer_of(_metadata, &self->w);
	int container = self->w.container;

	ASSERT_LE(size, peer->bar_size);
	ASSERT_EQ(0, dma_map(container, FAR, peer->bar, size, DMA_RW));
	ASSERT_EQ(0, dirty_start(container));
	off(_metadata, peer);
	EXPECT_EQ(0, dirty_get(container, FAR, size, &bitmap));
	expect_all_dirty(_metadata, bits);
	EXPECT_EQ(0, dma_unmap_dirty(container, FAR, size, &bitmap, &done));
	EXPECT_EQ(size, done);
	expect_all_dirty(_metadata, bits);
	EXPECT_EQ(0, dirty_stop(container));
	ASSERT_EQ(0, edu_command(peer, DECODES));
}

TEST_F(bar_windows, who_maps_no_bar_registers_nothing)
{
	struct world *w = &self->w;
	struct edu *peer = peer_of(_metadata, w);

	if (probe_set("p:vib/one mmu_interval_notifier_insert"))
		SKIP_TEST("this kernel has no kprobes");
	EXPECT_EQ(0, dma_map(w->container, FAR, self->mem, MEM_SIZE, DMA_RW));
	EXPECT_EQ(0, probe_hits());
	EXPECT_EQ(0, dma_map(w->container, FAR + GIB, peer->bar, peer->bar_size, DMA_RW));
	EXPECT_EQ(stays(w) ? 0 : 1, probe_hits());
	probe_remove();
}

TEST_HARNESS_MAIN
