/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of windows onto BARs. Devices write a register of another one, their peer, which is read
 * back through the peer's file: that needs no mapping.
 */
#ifndef VIB_TEST_BAR_FIXTURE_H
#define VIB_TEST_BAR_FIXTURE_H

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

/* Where the peer's BAR is mapped. */
#define FAR (IOVA + GIB)

#define DECODES (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

enum {
	LIVENESS = 4,			/* edu's register that reads as the inverse */
	COME_BACK_MS = 100,		/* how long a window may take */
};

/* The device that writes; its buffer in memory is mapped at IOVA. */
static inline struct edu *writer(struct __test_metadata *_metadata, struct world *w, char *mem)
{
	struct edu *edu = world_edu(w, 0);

	ASSERT_NE(NULL, edu);
	ASSERT_EQ(0, dma_map(w->container, IOVA, mem, PAGE, DMA_RW));
	return edu;
}

static inline struct edu *peer_in(struct __test_metadata *_metadata, struct world *w,
				  unsigned int slot)
{
	struct edu *peer = world_edu(w, slot);

	ASSERT_NE(NULL, peer);
	return peer;
}

/* The peer's register, without a mapping of its BAR, which is region 0. */
static inline __u32 liveness_of(struct __test_metadata *_metadata, struct edu *peer)
{
	__u32 value;

	ASSERT_EQ((ssize_t)sizeof(value), pread(peer->device, &value, sizeof(value), LIVENESS));
	return value;
}

/* Has @edu write a new word to @iova; does it arrive in the peer's register? */
static inline bool arrives(struct __test_metadata *_metadata, struct edu *edu, char *mem,
			   __u64 iova, struct edu *peer)
{
	__u32 word = ~liveness_of(_metadata, peer) + 1;

	memcpy(mem, &word, sizeof(word));
	ASSERT_EQ(0, edu_fetch(edu, IOVA));
	ASSERT_EQ(0, edu_store_bytes(edu, iova, sizeof(word)));
	return liveness_of(_metadata, peer) == ~word;
}

/* Pages that the kernel took from any container and that are not back; type1 cannot tell: 0. */
static inline long revoked(const struct world *w)
{
	return w->mode->backend == BACKEND_BATCH ? containers_sum("revoked_pages:") : 0;
}

/* Until nothing is revoked any more, or @most ms, in steps of 5 ms: how long it took, in ms. */
static inline int comes_back_in(const struct world *w, int most)
{
	int ms;

	for (ms = 0; revoked(w) > 0 && ms < most; ms += 5)
		usleep(5000);
	return ms;
}

static inline int comes_back(const struct world *w)
{
	return comes_back_in(w, 20 * COME_BACK_MS);
}

/* What a device finds after the user address has ended: on type1 the window as it was. */
static inline bool stays(const struct world *w)
{
	return expected(w->mode, DIFF_BAR_STAYS);
}

static inline void off(struct __test_metadata *_metadata, struct edu *peer)
{
	ASSERT_EQ(0, edu_command(peer, 0));
}

/* The BAR is on again, and so are its windows. */
static inline void back(struct __test_metadata *_metadata, struct world *w, struct edu *peer)
{
	ASSERT_EQ(0, edu_command(peer, DECODES));
	EXPECT_GE(COME_BACK_MS, comes_back(w));
}

/* @pages of ours are out of the IOMMU. */
static inline void expect_revoked(struct __test_metadata *_metadata, struct world *w, long pages)
{
	EXPECT_EQ(stays(w) ? 0 : pages, revoked(w));
}

/* Maps @size bytes of a BAR, at @bar, @times times, one behind the other from @iova on. */
static inline int map_often(int container, __u64 iova, char *bar, __u64 size, int times)
{
	int i, ret = 0;

	for (i = 0; i < times && !ret; i++)
		ret = dma_map(container, iova + i * size, bar, size, DMA_RW);
	return ret;
}

/* A process that maps @size of its own view of the BAR, @times times, and waits to be killed. */
static inline pid_t views_of_a_child(struct __test_metadata *_metadata, int container,
				     struct edu *peer, __u64 iova, __u64 size, int times)
{
	int ready[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		char *bar = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, peer->device, 0);

		byte = bar != MAP_FAILED && !map_often(container, iova, bar, size, times);
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(1, byte);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* The same, once, at FAR. */
static inline pid_t view_of_a_child(struct __test_metadata *_metadata, struct world *w,
				    struct edu *peer, __u64 size)
{
	return views_of_a_child(_metadata, w->container, peer, FAR, size, 1);
}

#endif
