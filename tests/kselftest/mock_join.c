// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which domain does a group join, and what does it cost? Behind mock IOMMUs that
 * count: the same instance is joined directly, a further one learns its limits on
 * a fresh domain, and shares an existing domain only when they are equal.
 */
#include "mock_fixture.h"
#include "lib/blocking_mem.h"
#include "lib/call.h"

#define MOCK join
#include "mock_world.h"

TEST_F(join, the_first_group_takes_one_domain_and_one_attach)
{
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	EXPECT_EQ(1, mock_count("allocs"));
	EXPECT_EQ(1, mock_domains());
	EXPECT_EQ(1, mock_instance_count(INST_A, "attaches"));
	EXPECT_EQ(0, mock_instance_count(INST_A, "detaches"));
}

TEST_F(join, a_further_group_of_the_instance_joins_with_one_attach)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("reset"));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_EQ(1, mock_instance_count(INST_A, "attaches"));
	EXPECT_EQ(0, mock_instance_count(INST_A, "detaches"));
	EXPECT_EQ(0, mock_count("allocs"));
	EXPECT_EQ(0, mock_count("maps"));
	EXPECT_EQ(0, mock_count("syncs") + mock_count("flushes"));
	EXPECT_EQ(1, mock_domains());
}

TEST_F(join, a_group_of_three_devices_joins_with_one_attach_each)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("reset"));
	ASSERT_EQ(0, world_join(&self->w, SLOT_MANY));
	EXPECT_EQ(MANY, mock_instance_count(INST_A, "attaches"));
	EXPECT_EQ(0, mock_count("allocs"));
	EXPECT_EQ(1, mock_domains());
}

/* A fresh domain shows the limits; they are equal, so the group moves over. */
TEST_F(join, a_like_instance_shares_the_domain)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("reset"));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_EQ(1, mock_domains());
	EXPECT_EQ(1, mock_count("allocs"));
	EXPECT_EQ(1, mock_count("frees"));
	EXPECT_EQ(2, mock_instance_count(INST_B, "attaches"));
	EXPECT_EQ(0, mock_count("maps"));

	/* from here on the instance is known on that domain */
	ASSERT_EQ(0, mock_order("reset"));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B2));
	EXPECT_EQ(1, mock_instance_count(INST_B, "attaches"));
	EXPECT_EQ(0, mock_count("allocs"));
}

/* What makes instance 1 unlike instance 0. */
FIXTURE_VARIANT(unlike)
{
	const char *order;
};

#define MOCK unlike
#include "mock_world.h"

FIXTURE_VARIANT_ADD(unlike, aperture)
{
	.order = "instance 1 aperture 0 0x7fffffffff",
};

FIXTURE_VARIANT_ADD(unlike, aperture_start)
{
	.order = "instance 1 aperture 0x1000000 0xffffffffffff",
};

FIXTURE_VARIANT_ADD(unlike, page_sizes)
{
	.order = "instance 1 pgsizes 0x201000",
};

FIXTURE_VARIANT_ADD(unlike, not_coherent)
{
	.order = "instance 1 coherent 0",
};

FIXTURE_VARIANT_ADD(unlike, the_only_coherent_one)
{
	.order = "instance 0 coherent 0",
};

FIXTURE_VARIANT_ADD(unlike, operations)
{
	.order = "instance 1 ops 1",
};

FIXTURE_VARIANT_ADD(unlike, refusing)
{
	.order = "instance 1 foreign 22",
};

/* A group of each instance, with everything mapped before the second came. */
static int begin_unlike(struct world *w, const char *order, char *mem)
{
	int ret = mock_order(order);

	ret = ret ? ret : begin_mapped(w, SLOT_A, mem);
	return ret ? ret : world_join(w, SLOT_B);
}

TEST_F(unlike, has_a_domain_of_its_own_with_everything_in_it)
{
	ASSERT_EQ(0, begin_unlike(&self->w, variant->order, self->mem));
	ASSERT_EQ(2, mock_domains());
	EXPECT_EQ(2, mock_count("allocs"));
	EXPECT_EQ(MEM_PAGES, mock_domain_count(0, "mapped"));
	EXPECT_EQ(MEM_PAGES, mock_domain_count(1, "mapped"));
	EXPECT_TRUE(mock_domains_agree());
	/* filled from memory, not pinned again */
	EXPECT_EQ(self->w.pinned + MEM_PAGES, pinned_pages());
	EXPECT_EQ(self->w.locked + MEM_PAGES, locked_pages());
}

TEST_F(unlike, is_joined_directly_by_its_next_group)
{
	ASSERT_EQ(0, begin_unlike(&self->w, variant->order, self->mem));
	long before = mock_instance_count(INST_B, "attaches");

	ASSERT_EQ(0, world_join(&self->w, SLOT_B2));
	EXPECT_EQ(2, mock_domains());
	EXPECT_EQ(2, mock_count("allocs"));
	EXPECT_EQ(before + 1, mock_instance_count(INST_B, "attaches"));
}

TEST_F(unlike, maps_and_unmaps_with_the_other)
{
	__u64 more = IOVA + MEM_SIZE;

	ASSERT_EQ(0, begin_unlike(&self->w, variant->order, self->mem));
	ASSERT_EQ(0, dma_map(self->w.container, more, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(MEM_PAGES + 1, mock_domain_count(0, "mapped"));
	EXPECT_TRUE(mock_domains_agree());
	ASSERT_EQ(0, dma_unmap(self->w.container, more, PAGE, 0, NULL));
	EXPECT_EQ(MEM_PAGES, mock_domain_count(0, "mapped"));
	EXPECT_TRUE(mock_domains_agree());
}

TEST_F(unlike, leaves_the_mappings_of_the_other_when_it_goes)
{
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	REMEMBER();
	ASSERT_EQ(0, mock_order(variant->order));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	ASSERT_EQ(0, leave(&self->w, SLOT_B));
	EXPECT_UNCHANGED();
	/* the domain went as a whole */
	EXPECT_EQ(0, mock_count("unmaps"));
}

TEST_F(unlike, keeps_its_mappings_when_the_other_goes)
{
	ASSERT_EQ(0, begin_unlike(&self->w, variant->order, self->mem));
	ASSERT_EQ(0, leave(&self->w, SLOT_A));
	EXPECT_EQ(1, mock_domains());
	EXPECT_EQ(MEM_PAGES, mock_domain_count(0, "mapped"));
	EXPECT_EQ(0, mock_count("unmaps"));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	EXPECT_EQ(0, mock_domain_count(0, "mapped"));
	EXPECT_EQ(self->w.pinned, pinned_pages());
}

/* The domain is freed, so it does not matter what its driver has left in it. */
TEST_F(unlike, is_not_looked_through_when_it_cannot_be_filled)
{
	ASSERT_EQ(0, mock_order(variant->order));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("fail map 1 %d", ENOMEM));
	EXPECT_EQ(-ENOMEM, world_join(&self->w, SLOT_B));
	EXPECT_EQ(1, mock_count("fired"));
	EXPECT_EQ(0, mock_count("lookups"));
	EXPECT_EQ(1, mock_domains());
}

/* The members of a group may be behind different instances: it has to learn what both can do. */
TEST_F(join, a_group_of_two_instances_gets_a_domain_and_its_mappings)
{
	struct world *w = &self->w;

	ASSERT_EQ(0, mixed_slot(&w->slot[SLOT_MANY].pci));
	ASSERT_EQ(0, begin_mapped(w, SLOT_A, self->mem));
	ASSERT_EQ(0, mock_order("reset"));
	ASSERT_EQ(0, world_join(w, SLOT_MANY));
	EXPECT_EQ(1, mock_count("allocs"));
	EXPECT_TRUE(mock_domains_agree());
	ASSERT_EQ(0, leave(w, SLOT_A));
	EXPECT_EQ(MEM_PAGES, mock_domain_count(0, "mapped"));
}

/* All four instances unlike each other, then away in the order they came. */
TEST_F(join, four_unlike_instances_have_four_domains)
{
	static const unsigned int slots[] = { SLOT_A, SLOT_B, SLOT_C, SLOT_D };
	unsigned int i;

	for (i = 1; i < 4; i++)
		ASSERT_EQ(0, mock_order("instance %u aperture 0 0x%llx", i,
					(1ULL << (48 - i)) - 1));
	ASSERT_EQ(0, begin_mapped(&self->w, SLOT_A, self->mem));
	for (i = 1; i < 4; i++)
		ASSERT_EQ(0, world_join(&self->w, slots[i]));
	EXPECT_EQ(4, mock_domains());
	EXPECT_TRUE(mock_domains_agree());
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, leave(&self->w, slots[i]));
		EXPECT_EQ(3 - i, mock_domains());
		EXPECT_TRUE(mock_domains_agree());
		EXPECT_EQ(MEM_PAGES, mock_domain_count(0, "mapped"));
	}
	EXPECT_EQ(4, mock_count("allocs"));
}

/* Where the kernel asks devices, not only instances, whether they can be made to snoop. */
static bool devices_tell(void)
{
	return kernel_running() >= KERNEL(6, 7);
}

/* Devices of one instance, of which the first cannot be made to snoop. */
static int begin_uncoherent(struct world *w)
{
	int ret = mock_order("uncoherent %s", w->slot[SLOT_A].pci.addr);

	return ret ? ret : begin_with(w, SLOT_A);
}

/* KVM believes that a device which can be made to snoop does so. */
TEST_F(join, a_device_that_can_snoop_does_not_join_one_that_cannot)
{
	if (!devices_tell())
		SKIP_TEST("this kernel asks no device");
	ASSERT_EQ(0, begin_uncoherent(&self->w));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_EQ(2, mock_domains());
	/* each has its like */
	ASSERT_EQ(0, world_join(&self->w, SLOT_A3));
	EXPECT_EQ(2, mock_domains());
}

TEST_F(join, a_device_that_can_snoop_does_not_join_a_group_of_which_one_cannot)
{
	if (!devices_tell())
		SKIP_TEST("this kernel asks no device");
	ASSERT_EQ(0, mock_order("uncoherent %s", self->w.slot[SLOT_MANY].pci.addr));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_MANY));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A));
	EXPECT_EQ(2, mock_domains());
}

TEST_F(join, a_device_that_cannot_snoop_does_not_join_one_that_can)
{
	ASSERT_EQ(0, mock_order("uncoherent %s", self->w.slot[SLOT_A2].pci.addr));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_EQ(2, mock_domains());
	ASSERT_EQ(0, world_join(&self->w, SLOT_A3));
	EXPECT_EQ(2, mock_domains());
}

/*
 * More than one batch of a map, the end of which comes late: the first batch is in all
 * domains when the group joins.
 */
enum { THERE = 144 * MIB, LATE = 2 * MIB };

TEST_F(join, an_unlike_group_gets_what_a_map_in_flight_has_filled)
{
	struct call map = { .body = call_map, .w = &self->w, .iova = IOVA, .size = THERE + LATE };
	struct blocking_mem b;
	long early;

	ASSERT_EQ(0, mock_order("instance 1 aperture 0 0x7fffffffff"));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, blocking_mem_open_part(&b, THERE + LATE, THERE, LATE));
	map.data = b.mem;
	ASSERT_EQ(0, call_begin_blocked(&map, &b));
	early = mock_domain_count(0, "mapped");
	ASSERT_LT(0, early);
	EXPECT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_EQ(early, mock_domain_count(1, "mapped"));
	EXPECT_TRUE(mock_domains_agree());
	EXPECT_EQ(0, blocking_mem_provide(&b));
	EXPECT_EQ(0, call_result(&map));
	EXPECT_EQ((long)((THERE + LATE) / PAGE), mock_domain_count(1, "mapped"));
	EXPECT_TRUE(mock_domains_agree());
	blocking_mem_close(&b);
}

/* What the @nth domain lets devices do at @iova: "rwc" (c: snooping), "r-c"; "" if nothing. */
static const char *access_at(unsigned int nth, __u64 iova)
{
	static char text[MOCK_TEXT], access[4];
	char key[64], *line;

	access[0] = '\0';
	snprintf(key, sizeof(key), "\n0x%llx +0x1000 ", iova);
	if (mock_dump(text) < 0)
		return access;
	line = strstr(text, "domain ");
	while (line && nth--)
		line = strstr(line + 1, "\ndomain ");
	line = line ? strstr(line, key) : NULL;
	if (line)
		snprintf(access, sizeof(access), "%.3s", line + strlen(key));
	return access;
}

/* Mapped before the second domain came, and after. */
TEST_F(unlike, has_the_same_access_in_both_domains)
{
	static const __u32 asked[] = {
		DMA_READ, DMA_WRITE, DMA_RW, DMA_READ, DMA_WRITE, DMA_RW,
	};
	static const char *const seen[] = { "r-c", "-wc", "rwc" };
	unsigned int i;

	ASSERT_EQ(0, mock_order(variant->order));
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	for (i = 0; i < 6; i++) {
		if (i == 3)
			ASSERT_EQ(0, world_join(&self->w, SLOT_B));
		ASSERT_EQ(0, dma_map(self->w.container, IOVA + i * 2 * PAGE, self->mem,
				     PAGE, asked[i]));
	}
	EXPECT_TRUE(mock_domains_agree());
	for (i = 0; i < 6; i++)
		EXPECT_STREQ(seen[i % 3], access_at(1, IOVA + i * 2 * PAGE));
}

static bool listed(const char *words)
{
	return strstr(containers_text(), words);
}

TEST_F(join, the_list_tells_why_a_group_found_its_domain)
{
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_TRUE(listed(" domain 0 new (first group) "));
	EXPECT_TRUE(listed(" domain 0 joined (same instance "));
	ASSERT_EQ(0, world_join(&self->w, SLOT_B));
	EXPECT_TRUE(listed(" domain 0 joined (its instance can do "))
		TH_LOG("%s", containers_text());
}

TEST_F(unlike, is_listed_as_unlike)
{
	ASSERT_EQ(0, begin_unlike(&self->w, variant->order, self->mem));
	EXPECT_TRUE(listed(" domain 1 new (no other instance "))
		TH_LOG("%s", containers_text());
}

TEST_F(join, the_list_tells_that_the_instance_declined)
{
	ASSERT_EQ(0, begin_with(&self->w, SLOT_A));
	ASSERT_EQ(0, mock_order("fail attach 1 %d", EINVAL));
	ASSERT_EQ(0, world_join(&self->w, SLOT_A2));
	EXPECT_TRUE(listed(" domain 1 new (domains of its instance "))
		TH_LOG("%s", containers_text());
}

TEST_F(join, the_list_names_all_devices_of_a_group)
{
	const char *line;
	int names = 0;

	ASSERT_EQ(0, begin_with(&self->w, SLOT_MANY));
	ASSERT_TRUE(listed("\ngroup: "));
	line = strstr(containers_text(), "\ngroup: ") + 1;
	for (; *line && *line != '\n'; line++)
		names += !strncmp(line, " 0000:", 6);
	EXPECT_EQ(MANY, names);
}

TEST_HARNESS_MAIN
