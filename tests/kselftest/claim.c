// SPDX-License-Identifier: GPL-2.0-only
/*
 * claim_only: whose containers are taken over while claim_type1 is on. Who serves
 * is told by the use counts of both modules, never by what CHECK_EXTENSION says.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "fixture.h"

#define CLAIM_ONLY "/sys/module/vfio_iommu_batch/parameters/claim_only"

enum {
	LONGEST = 1023,
	SYSFS_LONGEST = 4095,
	NOBODY = BACKENDS,
};

FIXTURE(claim)
{
	struct world w;
	char text[SYSFS_LONGEST + 2];
};

FIXTURE_VARIANT(claim)
{
	enum mode_id mode;
};

FIXTURE_VARIANT_ADD(claim, v1)
{
	.mode = MODE_BATCH_CLAIMED_V1,
};

FIXTURE_VARIANT_ADD(claim, v2)
{
	.mode = MODE_BATCH_CLAIMED_V2,
};

FIXTURE_SETUP(claim)
{
	world_begin(_metadata, &self->w,
		    world_enter(&self->w, variant->mode, 1));
	ASSERT_EQ(0, prctl(PR_SET_NAME, "claim-me"));
}

FIXTURE_TEARDOWN(claim)
{
	EXPECT_EQ(0, file_write(CLAIM_ONLY, "\n"));
	world_end(_metadata, &self->w);
}

static void close_container(struct world *w)
{
	world_close_group(w, 0);
	world_close_container(w);
}

/*
 * Selects the mode's type id: which backend took it, NOBODY, or -EPROTO when
 * CHECK_EXTENSION had another opinion.
 */
static int select_id(struct world *w)
{
	struct backend_use now;
	int ret, answered, i, by = NOBODY;

	ret = world_open_container(w);
	if (ret)
		return ret;
	answered = container_extension(w->container, w->mode->type_id);
	ret = world_join(w, 0);
	if (!ret)
		ret = world_set_iommu(w);
	if (ret && ret != -ENODEV)
		return ret;
	backend_use_read(&now);
	for (i = 0; i < BACKENDS; i++)
		if (now.count[i] != w->use.count[i])
			by = i;
	return answered == (by != NOBODY) ? by : -EPROTO;
}

/* The same, with nothing left open. */
static int served_by(struct world *w)
{
	int by = select_id(w);

	close_container(w);
	return by;
}

/* Who serves a process that is not claimed. */
static int otherwise(void)
{
	return backend_loaded(BACKEND_TYPE1) ? BACKEND_TYPE1 : NOBODY;
}

static const char *list_now(char *text, size_t size)
{
	if (file_read(CLAIM_ONLY, text, size) < 0)
		return "unreadable";
	text[strcspn(text, "\n")] = '\0';
	return text;
}

TEST_F(claim, everybody_while_the_list_is_empty)
{
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "\n"));
	EXPECT_STREQ("", list_now(self->text, sizeof(self->text)));
	EXPECT_EQ(BACKEND_BATCH, served_by(&self->w));
}

TEST_F(claim, those_that_the_list_names)
{
	static const char * const mine[] = {
		"claim-me", "claim-me\n", "claim-*", "*", "a,claim-?e,b",
	};
	static const char * const others[] = {
		"claim", "claim-me-not", "claim-you*", "qemu-system-x86*,dpdk-*",
	};
	unsigned int i;

	for (i = 0; i < sizeof(mine) / sizeof(*mine); i++) {
		ASSERT_EQ(0, file_write(CLAIM_ONLY, mine[i]));
		EXPECT_EQ(BACKEND_BATCH, served_by(&self->w))
			TH_LOG("%s", mine[i]);
	}
	for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
		ASSERT_EQ(0, file_write(CLAIM_ONLY, others[i]));
		EXPECT_EQ(otherwise(), served_by(&self->w))
			TH_LOG("%s", others[i]);
	}
}

/* The kernel keeps 15 characters of a name; an operator writes all of it. */
TEST_F(claim, names_longer_than_the_kernel_keeps)
{
	ASSERT_EQ(0, prctl(PR_SET_NAME, "qemu-system-x86_64"));
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "qemu-system-x86_64"));
	EXPECT_EQ(BACKEND_BATCH, served_by(&self->w));
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "qemu-system-arm,qemu-system-x8"));
	EXPECT_EQ(otherwise(), served_by(&self->w));
}

static void *select_as_thread(void *world)
{
	if (prctl(PR_SET_NAME, "CPU 0/KVM"))
		return (void *)-EIO;
	return (void *)(long)select_id(world);
}

/* select_id() by a thread with a name of its own, as a VMM has them. */
static int select_by_thread(struct world *w)
{
	pthread_t thread;
	void *by;

	if (pthread_create(&thread, NULL, select_as_thread, w) ||
	    pthread_join(thread, &by))
		return -EIO;
	return (long)by;
}

TEST_F(claim, name_of_the_thread_does_not_count)
{
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "claim-me"));
	EXPECT_EQ(BACKEND_BATCH, select_by_thread(&self->w));
	EXPECT_NE(NULL, strstr(containers_text(), " claim-me\n"))
		TH_LOG("%s", containers_text());
	close_container(&self->w);
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "CPU*"));
	EXPECT_EQ(otherwise(), select_by_thread(&self->w));
}

TEST_F(claim, nobody_while_claim_type1_is_off)
{
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "claim_type1", 0));
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "claim-me"));
	EXPECT_EQ(otherwise(), served_by(&self->w));
}

TEST_F(claim, own_id_is_for_everybody)
{
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "somebody-else"));
	self->w.mode = mode_get(MODE_BATCH);
	EXPECT_EQ(BACKEND_BATCH, served_by(&self->w));
}

TEST_F(claim, a_change_is_for_containers_to_come)
{
	int id = self->w.mode->type_id;

	ASSERT_EQ(BACKEND_BATCH, select_id(&self->w));
	ASSERT_EQ(0, file_write(CLAIM_ONLY, "somebody-else"));
	EXPECT_EQ(1, container_extension(self->w.container, id));
	EXPECT_NE(NULL, strstr(containers_text(), " claim-me\n"));
	close_container(&self->w);
	EXPECT_EQ(otherwise(), served_by(&self->w));
}

TEST_F(claim, list_of_every_length)
{
	char *text = self->text;
	int len;

	for (len = 1; len <= SYSFS_LONGEST; len += len < 20 || len > 1000 ? 1 : 13) {
		memset(text, 'x', len);
		text[len] = '\0';
		ASSERT_EQ(len <= LONGEST ? 0 : -EINVAL, file_write(CLAIM_ONLY, text))
			TH_LOG("%d characters", len);
		list_now(text, sizeof(self->text));
		ASSERT_EQ(len < LONGEST ? len : LONGEST, (int)strlen(text));
		ASSERT_EQ(strlen(text), strspn(text, "x"));
		if (len > LONGEST + 20)
			len += 500;
	}
}

TEST_F(claim, garbage_is_einval_and_changes_nothing)
{
	static const char * const garbage[] = {
		",", ",a", "a,", "a,,b", " ", "a, b", "a\nb", "a\n\n", "\t", "[a]",
		"a\\*", "\x7f", "\x1b[2J",
	};
	unsigned int i;

	ASSERT_EQ(0, file_write(CLAIM_ONLY, "somebody-else"));
	for (i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		EXPECT_EQ(-EINVAL, file_write(CLAIM_ONLY, garbage[i]))
			TH_LOG("'%s'", garbage[i]);
		EXPECT_STREQ("somebody-else", list_now(self->text, sizeof(self->text)));
	}
	EXPECT_EQ(otherwise(), served_by(&self->w));
}

TEST_HARNESS_MAIN
