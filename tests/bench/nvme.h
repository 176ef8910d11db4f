/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An NVMe controller driven from user space, as much of it as reads blocks: one pair of queues,
 * which are polled. Knows nothing of how its data is mapped. A failure ends the program.
 */
#ifndef VIB_BENCH_NVME_H
#define VIB_BENCH_NVME_H

#include <linux/types.h>

#include "../kselftest/lib/function.h"

#define NVME_BLOCK 4096

enum { NVME_DEPTH = 64 };

struct nvme {
	struct function fn;
	int container;
	char *bar;
	char *rings;		/* of both queues and the admin queues, at NVME_RINGS */
	unsigned int tail;	/* of the submission queue */
	unsigned int head;	/* of the completion queue */
	unsigned int phase;
};

/* Where the rings are mapped; nothing else may be up to 64 KiB behind. */
#define NVME_RINGS 0x100000000ULL

/* Takes the controller on vfio-pci into the container, and starts it. False if there is none. */
bool nvme_open(struct nvme *n, int container);
void nvme_close(struct nvme *n);

/* Submits a read of one block to @iova; at most NVME_DEPTH may be under way. */
void nvme_read(struct nvme *n, __u64 block, __u64 iova);

/* Waits until @commands have completed. */
void nvme_wait(struct nvme *n, unsigned int commands);

#endif
