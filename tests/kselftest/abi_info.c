// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_GET_INFO: how much is written for which argsz, the capability
 * chain, and what it says of this machine.
 */
#include "fixture.h"

#define BAD_POINTER ((void *)8)
#define CANARY 0xc7

enum { INFO_SIZE = 24, MIGRATION_AT = 24, AVAIL_AT = 56 };

#define WORLD abi_info
#define WORLD_GROUPS 1
#include "world_fixture.h"

/* Asks with @argsz; the answer is in @buf, whose rest keeps the canary. */
static int ask(struct world *w, unsigned char *buf, size_t size, __u32 argsz)
{
	memset(buf, CANARY, size);
	memcpy(buf, &argsz, sizeof(argsz));
	return vfio_ioctl(w->container, VFIO_IOMMU_GET_INFO, buf);
}

/* Index behind the last byte that is not the canary. */
static size_t written(const unsigned char *buf, size_t size)
{
	while (size && buf[size - 1] == CANARY)
		size--;
	return size;
}

TEST_F(abi_info, fault_on_the_argument_is_efault)
{
	EXPECT_EQ(-EFAULT, vfio_ioctl(self->w.container, VFIO_IOMMU_GET_INFO,
				      BAD_POINTER));
}

TEST_F(abi_info, argsz_below_16_is_einval_and_writes_nothing)
{
	unsigned char buf[256];

	EXPECT_EQ(-EINVAL, ask(&self->w, buf, sizeof(buf), 0));
	EXPECT_EQ(-EINVAL, ask(&self->w, buf, sizeof(buf), 15));
	EXPECT_EQ(sizeof(__u32), written(buf, sizeof(buf)));
}

TEST_F(abi_info, argsz_16_writes_16)
{
	unsigned char buf[256];

	ASSERT_EQ(0, ask(&self->w, buf, sizeof(buf), 16));
	EXPECT_EQ(16, written(buf, sizeof(buf)));
}

TEST_F(abi_info, argsz_20_writes_20)
{
	unsigned char buf[256];

	ASSERT_EQ(0, ask(&self->w, buf, sizeof(buf), 20));
	EXPECT_EQ(20, written(buf, sizeof(buf)));
}

TEST_F(abi_info, argsz_24_writes_the_structure)
{
	unsigned char buf[256];

	ASSERT_EQ(0, ask(&self->w, buf, sizeof(buf), INFO_SIZE));
	EXPECT_EQ(expected(self->w.mode, DIFF_INFO_WRITTEN),
		  written(buf, sizeof(buf)));
}

/* Too small for the chain: the size it needs, and no offset. */
TEST_F(abi_info, short_argsz_says_how_much_is_needed)
{
	struct vfio_iommu_type1_info head;
	unsigned char buf[4096];
	struct info info;
	__u32 argsz, needed;

	ASSERT_EQ(0, ask(&self->w, buf, sizeof(buf), INFO_SIZE));
	memcpy(&needed, buf, sizeof(needed));
	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_LT(info.cap[info.ncaps - 1].offset, needed);

	for (argsz = 16; argsz < needed; argsz++) {
		ASSERT_EQ(0, ask(&self->w, buf, sizeof(buf), argsz));
		memcpy(&head, buf, sizeof(head));
		ASSERT_EQ(needed, head.argsz);
		ASSERT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
			  head.flags);
		if (argsz >= 20)
			ASSERT_EQ(0, head.cap_offset);
	}
	ASSERT_EQ(0, ask(&self->w, buf, sizeof(buf), needed));
	memcpy(&head, buf, sizeof(head));
	EXPECT_EQ(INFO_SIZE, head.cap_offset);
	EXPECT_EQ(needed, written(buf, sizeof(buf)));
}

TEST_F(abi_info, flags_given_are_ignored)
{
	struct vfio_iommu_type1_info head = {
		.argsz = sizeof(head),
		.flags = ~0u,
	};

	ASSERT_EQ(0, vfio_ioctl(self->w.container, VFIO_IOMMU_GET_INFO,
				&head));
	EXPECT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS, head.flags);
}

TEST_F(abi_info, smallest_page_is_4k)
{
	struct info info;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(PAGE, info.pgsizes & -info.pgsizes);
}

TEST_F(abi_info, chain_begins_with_migration_avail_and_windows)
{
	struct info info;
	unsigned int i;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_EQ(expected(self->w.mode, DIFF_CAPABILITIES), info.ncaps);
	EXPECT_EQ(VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, info.cap[0].id);
	EXPECT_EQ(VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, info.cap[1].id);
	EXPECT_EQ(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, info.cap[2].id);
	for (i = 0; i < info.ncaps; i++)
		EXPECT_EQ(1, info.cap[i].version);
}

TEST_F(abi_info, capabilities_lie_where_the_newest_kernel_puts_them)
{
	struct info info;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_EQ(expected(self->w.mode, DIFF_CAPABILITIES), info.ncaps);
	EXPECT_EQ(MIGRATION_AT, info.cap[0].offset);
	EXPECT_EQ(AVAIL_AT, info.cap[1].offset);
	EXPECT_EQ(expected(self->w.mode, DIFF_INFO_WINDOWS_OFFSET),
		  info.cap[2].offset);
}

TEST_F(abi_info, migration_speaks_of_4k_and_256_mib)
{
	struct info info;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	EXPECT_EQ(0, info.migration.flags);
	EXPECT_EQ(PAGE, info.migration.pgsize_bitmap);
	EXPECT_EQ(256 * MIB, info.migration.max_dirty_bitmap_size);
}

/* What the structures leave unused must not show what the kernel had there. */
TEST_F(abi_info, what_capabilities_do_not_use_is_0)
{
	const struct vfio_iommu_type1_info_cap_migration *migration;
	const struct vfio_iommu_type1_info_cap_iova_range *windows;
	unsigned char buf[1024];
	struct info info;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_LE(info.cap[2].offset + sizeof(*windows), sizeof(buf));
	ASSERT_EQ(0, ask(&self->w, buf, sizeof(buf), sizeof(buf)));
	migration = (void *)(buf + info.cap[0].offset);
	EXPECT_EQ(0, migration->flags);
	EXPECT_EQ(0, *(&migration->flags + 1));
	windows = (void *)(buf + info.cap[2].offset);
	EXPECT_EQ(0, windows->reserved);
}

TEST_F(abi_info, avail)
{
	EXPECT_EQ(expected(self->w.mode, DIFF_DMA_AVAIL),
		  info_avail(self->w.container));
	EXPECT_EQ(backend_param(self->w.mode->backend, "dma_entry_limit"),
		  entries_room(self->w.mode->backend, self->w.container));
}

TEST_F(abi_info, windows_are_sorted_disjoint_and_page_aligned)
{
	struct info info;
	unsigned int i;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	ASSERT_LT(0, info.nwindows);
	for (i = 0; i < info.nwindows; i++) {
		EXPECT_LT(info.window[i].start, info.window[i].last);
		EXPECT_EQ(0, info.window[i].start % PAGE);
		EXPECT_EQ(0, (info.window[i].last + 1) % PAGE);
		if (i)
			EXPECT_LT(info.window[i - 1].last,
				  info.window[i].start);
	}
}

TEST_F(abi_info, msi_window_is_a_hole)
{
	struct info info;

	ASSERT_EQ(0, info_get(self->w.container, &info));
	EXPECT_TRUE(info_inside(&info, MSI_WINDOW - PAGE, MSI_WINDOW - 1));
	EXPECT_FALSE(info_inside(&info, MSI_WINDOW, MSI_WINDOW));
	EXPECT_FALSE(info_inside(&info, MSI_WINDOW + MIB - 1,
				 MSI_WINDOW + MIB - 1));
	EXPECT_TRUE(info_inside(&info, MSI_WINDOW + MIB,
				MSI_WINDOW + MIB + PAGE - 1));
}

/* What both backends know of the same devices must be the same. */
struct facts {
	struct info info;
	int coherent;
};

static enum world_state collect(struct world *w, enum mode_id mode,
				struct facts *facts)
{
	enum world_state state;

	state = world_open(w, mode, 1);
	if (state != WORLD_READY)
		return state;
	facts->coherent = container_extension(w->container, VFIO_DMA_CC_IOMMU);
	if (info_get(w->container, &facts->info) || world_close(w))
		return WORLD_BROKEN;
	return WORLD_READY;
}

TEST(both_backends_say_the_same_of_the_same_device)
{
	struct facts ours = { 0 }, type1 = { 0 };
	struct world w;

	world_begin(_metadata, &w, collect(&w, MODE_TYPE1V2, &type1));
	world_begin(_metadata, &w, collect(&w, MODE_BATCH, &ours));
	EXPECT_EQ(type1.coherent, ours.coherent);
	EXPECT_EQ(type1.info.pgsizes, ours.info.pgsizes);
	ASSERT_EQ(type1.info.nwindows, ours.info.nwindows);
	EXPECT_EQ(0, memcmp(type1.info.window, ours.info.window,
			    sizeof(ours.info.window)));
}

TEST_HARNESS_MAIN
