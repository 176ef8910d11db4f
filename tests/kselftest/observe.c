// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operator can see of our backend: the list in debugfs, and tracepoints
 * that say which check refused a call.
 */
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fixture.h"
#include "lib/batch.h"
#include "lib/trace.h"

enum { TEXT = 1 << 18, NR_PINNED = 16 };

static char text[TEXT];

#define WORLD observe
#define WORLD_GROUPS 2
#define WORLD_BEGIN world_enter
#define WORLD_BATCH_ONLY
#include "world_fixture.h"

/* The number behind "@key" in the list of containers, of which there is one. */
static long listed(const char *key)
{
	return file_keyed_long(CONTAINERS, key);
}

static bool list_says(const char *words)
{
	return strstr(containers_text(), words);
}

TEST_F(observe, list_tells_the_group_its_device_and_default_domain)
{
	char want[128], type[32], path[64];
	struct slot *slot = &self->w.slot[0];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/type",
		 slot->pci.group);
	ASSERT_LT(0, file_read(path, type, sizeof(type)));
	type[strcspn(type, "\n")] = '\0';
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	snprintf(want, sizeof(want),
		 "\ngroup: %d domain 0 new (first group) devices %s default %s\n",
		 slot->pci.group, slot->pci.addr, type);
	EXPECT_TRUE(list_says(want))
		TH_LOG("no '%s' in '%s'", want, containers_text());
}

/* A process may give itself a name that would look like a line of its own. */
TEST_F(observe, list_is_not_forged_by_the_name_of_a_process)
{
	ASSERT_EQ(0, prctl(PR_SET_NAME, "me\nmappings: 9"));
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	EXPECT_EQ(0, listed("mappings:"));
	EXPECT_TRUE(list_says(" me\\012mappings: 9\n"))
		TH_LOG("%s", containers_text());
}

TEST_F(observe, list_tells_that_a_group_joined_and_why)
{
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, world_join(&self->w, 1));
	EXPECT_TRUE(list_says(" domain 0 joined (same instance as a group of the domain)"))
		TH_LOG("%s", containers_text());
}

TEST_F(observe, list_counts_what_mappings_hold)
{
	int fd;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	fd = self->w.container;
	EXPECT_EQ(0, listed("metadata_bytes:"));
	ASSERT_EQ(0, dma_map(fd, IOVA, self->mem, NR_PINNED * PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(fd, 2 * IOVA, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(NR_PINNED + 1, listed("pinned_pages:"));
	EXPECT_EQ(NR_PINNED + 1, listed("accounted_pages:"));
	EXPECT_EQ(0, listed("device_pinned_pages:"));
	EXPECT_EQ(2, listed("mappings:"));
	EXPECT_EQ(2, listed("maps:"));
	EXPECT_LT(2 * 64, listed("metadata_bytes:"));
	EXPECT_GE(2 * 128 + 8 * NR_PINNED, listed("metadata_bytes:"));
	ASSERT_EQ(0, dma_unmap_all(fd, NULL));
	EXPECT_EQ(0, listed("pinned_pages:"));
	EXPECT_EQ(0, listed("metadata_bytes:"));
	EXPECT_EQ(2, listed("unmaps:"));
}

/* Beside what is charged for the mappings there is the limit that it is held to. */
TEST_F(observe, list_tells_what_is_locked_of_which_limit)
{
	struct rlimit limit = { 100 * PAGE, 100 * PAGE };
	int fd;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	fd = self->w.container;
	EXPECT_EQ(PAGE, listed("page_size:"));
	EXPECT_FALSE(list_says("\nlocked_limit_pages:"));
	ASSERT_EQ(0, dma_map(fd, IOVA, self->mem, PAGE, DMA_RW));
	EXPECT_TRUE(list_says("\nlocked_limit_pages: unlimited\n"));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, dma_map(fd, 2 * IOVA, self->mem, 3 * PAGE, DMA_RW));
	EXPECT_EQ(100, listed("locked_limit_pages:"));
	EXPECT_EQ(4 + self->w.locked, listed("locked_pages:"));
}

TEST_F(observe, list_counts_a_bar_as_not_pinned)
{
	struct edu *edu;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, edu->bar, PAGE, DMA_RW));
	EXPECT_EQ(0, listed("pinned_pages:"));
	EXPECT_EQ(0, listed("accounted_pages:"));
	EXPECT_EQ(1, listed("mappings:"));
}

TEST_F(observe, trace_follows_a_container_from_attach_to_detach)
{
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, world_join(&self->w, 1));
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, self->mem, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_unmap_all(self->w.container, NULL));
	ASSERT_EQ(NULL, world_close(&self->w));
	EXPECT_EQ(1, trace_count("vib_attach:", " new domain=0 error=0: first group"));
	EXPECT_EQ(1, trace_count("vib_attach:",
				 " joined domain=0 error=0: same instance"));
	EXPECT_EQ(1, trace_count("vib_map:", "iova=0x10000000 "));
	EXPECT_EQ(1, trace_count("vib_unmap:", " all=1 unmapped=0x1000 error=0"));
	EXPECT_EQ(1, trace_count("vib_sync:", "iova=0x10000000 last=0x10000fff"));
	EXPECT_EQ(1, trace_count("vib_detach:", "domain=0 freed=0"));
	EXPECT_EQ(1, trace_count("vib_detach:", "domain=0 freed=1"));
	EXPECT_EQ(0, trace_count("vib_refuse:", ""));
	EXPECT_EQ(0, trace_stop());
}

TEST_F(observe, trace_tells_which_check_refused_a_map)
{
	int fd;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	fd = self->w.container;
	ASSERT_EQ(0, trace_start());
	EXPECT_EQ(-EINVAL, dma_map(fd, IOVA + 1, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(1, trace_count("vib_refuse:", "error=-22: not aligned"));
	EXPECT_EQ(-EINVAL, dma_map(fd, MSI_WINDOW, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(1, trace_count("vib_refuse:", "error=-22: outside the usable"));
	EXPECT_EQ(-EINVAL, dma_map(fd, IOVA, self->mem, PAGE, 0));
	EXPECT_EQ(1, trace_count("vib_refuse:", "error=-22: neither access"));
	EXPECT_EQ(-EFAULT, dma_map(fd, IOVA, NULL, PAGE, DMA_RW));
	EXPECT_EQ(1, trace_count("vib_refuse:", "error=-14: memory cannot"));
	ASSERT_EQ(0, dma_map(fd, IOVA, self->mem, 2 * PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(fd, IOVA, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(1, trace_count("vib_refuse:", "error=-17: overlaps"));
	EXPECT_EQ(-EINVAL, dma_unmap(fd, IOVA, PAGE, 0, NULL));
	EXPECT_EQ(1, trace_count("vib_refuse:", "error=-22: would cut"));
	EXPECT_EQ(1, trace_count("vib_unmap:", "unmapped=0x0 error=-22"));
	EXPECT_EQ(0, trace_stop());
}

TEST_F(observe, trace_tells_the_locked_memory_asked_for)
{
	struct rlimit limit = { 4 * PAGE, 4 * PAGE };
	int fd;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	fd = self->w.container;
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, dma_map(fd, IOVA, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(-ENOMEM, dma_map(fd, 2 * IOVA, self->mem, 8 * PAGE, DMA_RW));
	EXPECT_EQ(1, trace_count("vib_limit:",
				 "RLIMIT_MEMLOCK: asked=8 used=1 limit=4"));
	EXPECT_EQ(0, trace_stop());
}

/* The end of a call that fails has what was asked for; one that succeeds leaves nothing. */
TEST_F(observe, trace_tells_what_a_failed_call_asked_for)
{
	struct vfio_bitmap no_room = { .pgsize = PAGE };
	int fd;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	fd = self->w.container;
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, dma_map(fd, IOVA, self->mem, 2 * PAGE, DMA_RW));
	EXPECT_EQ(0, trace_count("vib_failed:", ""));
	EXPECT_EQ(-EINVAL, dma_map(fd, MSI_WINDOW, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(1, trace_count("vib_failed:",
				 " MAP iova=0xfee00000 size=0x1000 error=-22 pid="));
	EXPECT_EQ(-EINVAL, dma_map(fd, IOVA, self->mem, PAGE, 1 << 30));
	EXPECT_EQ(2, trace_count("vib_failed:", " MAP "));
	EXPECT_EQ(-EINVAL, dma_unmap(fd, IOVA, PAGE, 0, NULL));
	EXPECT_EQ(1, trace_count("vib_failed:",
				 " UNMAP iova=0x10000000 size=0x1000 error=-22 "));
	EXPECT_EQ(-EINVAL, dirty_get(fd, IOVA, PAGE, &no_room));
	EXPECT_EQ(1, trace_count("vib_failed:", " DIRTY_PAGES iova=0x10000000 "));
	ASSERT_EQ(0, dma_unmap_all(fd, NULL));
	EXPECT_EQ(4, trace_count("vib_failed:", ""));
	EXPECT_EQ(0, trace_stop());
}

/* Of a call of many operations: the one that failed; what is done again leaves nothing. */
TEST_F(observe, trace_tells_what_failed_of_many_operations)
{
	static struct batch batch;
	unsigned int i;
	int fd;

	ASSERT_EQ(0, world_set_up(&self->w, 1));
	fd = self->w.container;
	ASSERT_EQ(0, trace_start());
	for (i = 0; i < 3; i++)
		batch_map(&batch, IOVA + i * 4 * PAGE, self->mem, 4 * PAGE);
	ASSERT_EQ(0, batch_run(fd, &batch));
	EXPECT_EQ(3, trace_count("vib_map:", " size=0x4000 "));
	EXPECT_EQ(1, trace_count("vib_batch:", " ops=3 done=3 unmapped=0x0 error=0"));
	batch.nr = 0;
	batch_unmap(&batch, IOVA, 4 * PAGE);
	batch_unmap(&batch, IOVA + PAGE, PAGE);
	ASSERT_EQ(0, batch_run(fd, &batch));
	EXPECT_EQ(0, trace_count("vib_refuse:", ""));
	EXPECT_EQ(0, trace_count("vib_failed:", ""));
	batch_unmap(&batch, IOVA + 5 * PAGE, PAGE);
	EXPECT_EQ(-EINVAL, batch_run(fd, &batch));
	EXPECT_EQ(1, trace_count("vib_batch:", " ops=3 done=2 unmapped=0x0 error=-22"));
	EXPECT_EQ(1, trace_count("vib_refuse:", ""));
	EXPECT_EQ(1, trace_count("vib_failed:",
				 " BATCH_DMA iova=0x10005000 size=0x1000 error=-22 "));
	batch.flags = 1 << 30;
	EXPECT_EQ(-EINVAL, batch_run(fd, &batch));
	EXPECT_EQ(2, trace_count("vib_failed:", " BATCH_DMA "));
	EXPECT_EQ(0, trace_stop());
}

/* A BAR that is switched off and on. */
TEST_F(observe, trace_tells_of_windows_that_go_and_come_back)
{
	struct edu *peer;

	ASSERT_EQ(0, world_set_up(&self->w, 2));
	peer = world_edu(&self->w, 1);
	ASSERT_NE(NULL, peer);
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, peer->bar, 16 * PAGE, DMA_RW));
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, edu_command(peer, 0));
	EXPECT_EQ(1, trace_count("vib_revoke:", " iova=0x10000000 last=0x1000ffff pages=16"));
	EXPECT_EQ(0, trace_count("vib_restore:", ""));
	EXPECT_EQ(16, listed("revoked_pages:"));
	ASSERT_EQ(0, edu_command(peer, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
	usleep(100 * 1000);
	EXPECT_EQ(1, trace_count("vib_restore:", " iova=0x10000000 last=0x1000ffff pages=16"));
	EXPECT_EQ(1, trace_count("vib_revoke:", ""));
	EXPECT_EQ(0, listed("revoked_pages:"));
	EXPECT_EQ(0, trace_stop());
}

/* A process is named as it names itself, but on one line and without control characters. */
TEST_F(observe, trace_names_the_process_that_was_refused)
{
	char want[64];

	ASSERT_EQ(0, prctl(PR_SET_NAME, "a\n\033[2J ] tid=1"));
	snprintf(want, sizeof(want), " pid=%d tid=%d [a??[2J ] tid=1]", getpid(), getpid());
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, trace_start());
	EXPECT_EQ(-EINVAL, dma_map(self->w.container, IOVA + 1, self->mem, PAGE, DMA_RW));
	EXPECT_EQ(1, trace_count("vib_refuse:", want));
	EXPECT_EQ(1, trace_count("vib_failed:", want));
	EXPECT_EQ(0, trace_stop());
}

TEST_F(observe, trace_tells_the_entries_asked_for)
{
	struct edu *edu;

	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "dma_entry_limit", 1));
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "dma_entry_limit", 65535));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, trace_start());
	ASSERT_EQ(0, dma_map(self->w.container, IOVA, edu->bar, PAGE, DMA_RW));
	EXPECT_EQ(-ENOSPC, dma_map(self->w.container, 2 * IOVA, edu->bar, PAGE,
				   DMA_RW));
	EXPECT_EQ(1, trace_count("vib_limit:",
				 "dma_entry_limit: asked=1 used=1 limit=1"));
	EXPECT_EQ(0, trace_stop());
}

/* klogctl(): the whole log as it is printed, without taking it away. */
enum { KLOG_READ_ALL = 3 };

/* How many lines of the kernel log hold both words; -EILSEQ when one begins with @forged. */
static int log_count(const char *words, const char *forged)
{
	int size = klogctl(KLOG_READ_ALL, text, sizeof(text) - 1), count = 0;
	char *line, *next;

	if (size < 0)
		return -errno;
	text[size] = '\0';
	for (line = text; line && *line; line = next) {
		char *said;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		/* <4>[   12.345678] what is said */
		said = strstr(line, "] ");
		if (said && !strncmp(said + 2, forged, strlen(forged)))
			return -EILSEQ;
		count += strstr(line, words) && strstr(line, forged);
	}
	return count;
}

TEST_F(observe, log_is_not_forged_by_the_name_of_a_process)
{
	struct edu *edu;

	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "dma_entry_limit", 0));
	ASSERT_EQ(0, world_set_up(&self->w, 1));
	ASSERT_EQ(0, backend_param_set(BACKEND_BATCH, "dma_entry_limit", 65535));
	edu = world_edu(&self->w, 0);
	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, prctl(PR_SET_NAME, "x\nFORGED\33[31m"));
	ASSERT_EQ(0, drop_ipc_lock());
	ASSERT_EQ(0, limit_locked_pages(0));
	EXPECT_EQ(-ENOMEM, dma_map(self->w.container, IOVA, self->mem, PAGE, DMA_RW));
	EXPECT_LT(0, log_count("RLIMIT_MEMLOCK of", "FORGED"));
	EXPECT_EQ(-ENOSPC, dma_map(self->w.container, IOVA, edu->bar, PAGE, DMA_RW));
	EXPECT_LT(0, log_count("dma_entry_limit of", "FORGED"));
}

TEST_HARNESS_MAIN
