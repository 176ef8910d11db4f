// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a backend is found and chosen: CHECK_EXTENSION, SET_IOMMU, and what the
 * container says to ioctls that come too early or that nobody knows.
 */
#include <linux/vfio_iommu_batch.h>

#include "fixture.h"

enum { NESTING = 6, UNKNOWN_EXTENSION = 0x4242 };

TEST(own_type_id_is_0x5642)
{
	ASSERT_EQ(0x5642, VFIO_BATCH_IOMMU);
}

#define WORLD unset
#define WORLD_GROUPS 1
#define WORLD_BEGIN world_enter
#include "world_fixture.h"

TEST_F(unset, api_version_is_0)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(VFIO_API_VERSION, vfio_ioctl(self->w.container,
					       VFIO_GET_API_VERSION, NULL));
}

TEST_F(unset, answers_for_its_type_id)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(1, container_extension(self->w.container,
					 self->w.mode->type_id));
}

/* Who serves the container is open: what all who may come to serve it can do. */
static bool all_unmap_all(const struct mode *mode)
{
	return mode->claim || (backend_loaded(BACKEND_TYPE1) &&
		expected(mode_get(MODE_TYPE1), DIFF_UNMAP_ALL));
}

TEST_F(unset, says_what_needs_no_container)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	EXPECT_EQ(all_unmap_all(self->w.mode),
		  container_extension(self->w.container, VFIO_UNMAP_ALL));
	EXPECT_EQ(0, container_extension(self->w.container, VFIO_UPDATE_VADDR));
	EXPECT_EQ(0, container_extension(self->w.container, VFIO_DMA_CC_IOMMU));
	EXPECT_EQ(0, container_extension(self->w.container,
					 UNKNOWN_EXTENSION));
}

TEST_F(unset, set_iommu_without_group_is_einval)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(-EINVAL, world_select(&self->w));
}

TEST_F(unset, set_iommu_with_an_id_of_nobody_is_enodev)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(-ENODEV, container_set_iommu(self->w.container,
					       UNKNOWN_EXTENSION));
}

/* crosvm's id for ChromeOS's backend: v2 rules, with claim_type1. */
TEST_F(unset, id_of_chromeos_is_served_if_claimed)
{
	bool claim = self->w.mode->claim;

	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(claim, container_extension(self->w.container,
					     VFIO_BATCH_CHROMEOS_IOMMU));
	ASSERT_EQ(claim ? 0 : -ENODEV,
		  container_set_iommu(self->w.container, VFIO_BATCH_CHROMEOS_IOMMU));
	if (!claim)
		return;
	EXPECT_EQ(1, container_extension(self->w.container,
					 VFIO_BATCH_CHROMEOS_IOMMU));
	EXPECT_EQ(0, dma_map(self->w.container, IOVA, self->mem, MEM_SIZE,
			     DMA_RW));
	EXPECT_EQ(-EINVAL, dma_unmap(self->w.container, IOVA, PAGE, 0, NULL));
	EXPECT_EQ(0, dirty_start(self->w.container));
}

/* What is an extension to ask for is no backend to choose. */
TEST_F(unset, set_iommu_with_an_extension_is_einval)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	/* -ENODEV where nobody has it either. */
	EXPECT_EQ(all_unmap_all(self->w.mode) ? -EINVAL : -ENODEV,
		  container_set_iommu(self->w.container, VFIO_UNMAP_ALL));
	ASSERT_EQ(0, world_select(&self->w));
}

TEST_F(unset, id_refused_leaves_the_container_open_to_another)
{
	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	ASSERT_EQ(-ENODEV, container_set_iommu(self->w.container,
					       UNKNOWN_EXTENSION));
	ASSERT_EQ(0, world_select(&self->w));
}

TEST_F(unset, dma_ioctls_before_set_iommu_are_einval)
{
	struct info info;

	ASSERT_EQ(0, world_open_container(&self->w));
	ASSERT_EQ(0, world_join(&self->w, 0));
	EXPECT_EQ(-EINVAL, info_get(self->w.container, &info));
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, IOVA, self->mem, PAGE,
				   DMA_RW));
	EXPECT_EQ(-EINVAL, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(-EINVAL, dirty_start(self->w.container));
}

/*
 * claim_type1 decides for the type ids of type1 while no container is bound.
 * With both backends loaded somebody always answers for them.
 */
TEST_F(unset, ids_of_type1_are_answered_only_if_claimed)
{
	bool answered = self->w.mode->claim ||
			backend_loaded(BACKEND_TYPE1);

	ASSERT_EQ(0, world_open_container(&self->w));
	EXPECT_EQ(answered, container_extension(self->w.container,
						VFIO_TYPE1_IOMMU));
	EXPECT_EQ(answered, container_extension(self->w.container,
						VFIO_TYPE1v2_IOMMU));
}

#define WORLD set
#define WORLD_GROUPS 1
#include "world_fixture.h"

TEST_F(set, set_iommu_twice_is_einval)
{
	ASSERT_EQ(-EINVAL, world_select(&self->w));
}

TEST_F(set, has_unmap_all_and_update_vaddr)
{
	EXPECT_EQ(expected(self->w.mode, DIFF_UNMAP_ALL),
		  container_extension(self->w.container, VFIO_UNMAP_ALL));
	EXPECT_EQ(expected(self->w.mode, DIFF_UPDATE_VADDR),
		  container_extension(self->w.container, VFIO_UPDATE_VADDR));
}

TEST_F(set, answers_for_the_id_it_was_set_to)
{
	ASSERT_EQ(1, container_extension(self->w.container,
					 self->w.mode->type_id));
}

TEST_F(set, id_1_and_3_come_together)
{
	bool both = self->w.mode->type_id <= VFIO_TYPE1v2_IOMMU;

	EXPECT_EQ(both, container_extension(self->w.container,
					    VFIO_TYPE1_IOMMU));
	EXPECT_EQ(both, container_extension(self->w.container,
					    VFIO_TYPE1v2_IOMMU));
}

TEST_F(set, own_id_is_ours_alone)
{
	ASSERT_EQ(self->w.mode->backend == BACKEND_BATCH,
		  container_extension(self->w.container, VFIO_BATCH_IOMMU));
}

TEST_F(set, nesting_as_in_the_newest_kernel)
{
	ASSERT_EQ(expected(self->w.mode, DIFF_NESTING),
		  container_extension(self->w.container, NESTING));
}

TEST_F(set, has_nothing_of_other_backends)
{
	EXPECT_EQ(0, container_extension(self->w.container,
					 VFIO_SPAPR_TCE_IOMMU));
	EXPECT_EQ(0, container_extension(self->w.container, VFIO_EEH));
	EXPECT_EQ(0, container_extension(self->w.container,
					 VFIO_SPAPR_TCE_v2_IOMMU));
	EXPECT_EQ(0, container_extension(self->w.container,
					 VFIO_NOIOMMU_IOMMU));
	EXPECT_EQ(0, container_extension(self->w.container,
					 UNKNOWN_EXTENSION));
}

TEST_F(set, unknown_ioctl_is_enotty)
{
	unsigned long unknown = _IO(VFIO_TYPE, VFIO_BASE + 99);
	__u32 arg[16] = { sizeof(arg) };

	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->w.container, unknown, arg));
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->w.container, VFIO_IOMMU_ENABLE,
				      arg));
	EXPECT_EQ(-ENOTTY, vfio_ioctl(self->w.container, VFIO_IOMMU_DISABLE,
				      arg));
}

TEST_F(set, read_and_write_are_einval)
{
	char byte = 0;

	EXPECT_EQ(-EINVAL, neg_errno(read(self->w.container, &byte, 1)));
	EXPECT_EQ(-EINVAL, neg_errno(write(self->w.container, &byte, 1)));
}

TEST_HARNESS_MAIN
