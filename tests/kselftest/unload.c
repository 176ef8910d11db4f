// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a full run: after all the other programs the module goes without
 * a trace. Runs last, because nothing loads it again.
 */
#include <unistd.h>

#include "fixture.h"

TEST(batch_can_be_removed_when_idle)
{
	const char *module = backend_name(BACKEND_BATCH);

	if (!backend_loaded(BACKEND_BATCH)) {
		ASSERT_FALSE(backend_expected(BACKEND_BATCH));
		SKIP(return, "%s is not loaded", module);
	}
	EXPECT_EQ(0, backend_count(BACKEND_BATCH));
	ASSERT_EQ(0, backend_remove(BACKEND_BATCH));
	EXPECT_FALSE(backend_loaded(BACKEND_BATCH));
	EXPECT_NE(0, access("/sys/kernel/debug/vfio_iommu_batch", F_OK));
}

TEST(its_type_id_is_gone_with_it)
{
	int container;

	ASSERT_FALSE(backend_loaded(BACKEND_BATCH));
	container = container_open();
	ASSERT_LE(0, container);
	EXPECT_EQ(0, container_extension(container, 0x5642));
	EXPECT_EQ(backend_loaded(BACKEND_TYPE1),
		  container_extension(container, VFIO_TYPE1v2_IOMMU));
	close(container);
}

TEST_HARNESS_MAIN
