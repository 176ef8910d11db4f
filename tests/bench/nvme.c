// SPDX-License-Identifier: GPL-2.0-only
/*
 * See nvme.h. Registers and commands have the names of the NVM Express specification.
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../kselftest/lib/dma.h"
#include "../kselftest/lib/mem.h"
#include "../kselftest/lib/pci.h"
#include "../kselftest/lib/util.h"
#include "nvme.h"
#include "rows.h"

enum { CC = 0x14, CSTS = 0x1c, AQA = 0x24, ASQ = 0x28, ACQ = 0x30, DOORBELLS = 0x1000 };

/* Entries of 2^6 and 2^4 bytes. */
enum { CC_ENABLE = 1, CC_ENTRIES = 6 << 16 | 4 << 20 };

enum { CREATE_SQ = 1, CREATE_CQ = 5, READ = 2, CONTIGUOUS = 1 };

/* First pages of the rings. A queue of N + 1 entries holds N commands. */
enum { ADMIN_SQ = 0, ADMIN_CQ = 1, IO_SQ = 2, IO_CQ = 4, RING_PAGES = 5 };
enum { ADMIN_SIZE = 2, IO_SIZE = NVME_DEPTH + 1 };

enum { BAR_SIZE = 4 * 4096, POLL_US = 100, POLLS = 100000 };

struct command {
	__u32 opcode;
	__u32 nsid;
	__u64 unused[2];
	__u64 prp1;
	__u64 prp2;
	__u32 dword10[6];
};

struct completion {
	__u32 result[2];
	__u32 queue;
	__u32 status;		/* above the command's id and the phase */
};

static __u32 reg(struct nvme *n, unsigned int at)
{
	return *(volatile __u32 *)(n->bar + at);
}

static void set_reg(struct nvme *n, unsigned int at, __u32 value)
{
	*(volatile __u32 *)(n->bar + at) = value;
}

static void set_address(struct nvme *n, unsigned int at, __u64 iova)
{
	set_reg(n, at, iova);
	set_reg(n, at + 4, iova >> 32);
}

static __u64 ring_iova(int ring)
{
	return NVME_RINGS + ring * PAGE;
}

static void *ring(struct nvme *n, int ring)
{
	return n->rings + ring * PAGE;
}

static void enable(struct nvme *n, __u32 value)
{
	int i;

	set_reg(n, CC, value);
	for (i = 0; i < POLLS; i++) {
		if ((reg(n, CSTS) & 1) == (value & CC_ENABLE))
			return;
		usleep(POLL_US);
	}
	fail("the NVMe controller does not start");
}

/* Waits for the completion at @at with @phase. */
static void completed(volatile struct completion *at, unsigned int phase)
{
	int i;

	for (i = 0; i < POLLS; i++) {
		__u32 status = at->status >> 16;

		if ((status & 1) == phase) {
			if (status >> 1)
				fail("an NVMe command has failed: status 0x%x", status >> 1);
			return;
		}
		usleep(POLL_US);
	}
	fail("an NVMe command does not complete");
}

/* The admin queues have two entries, so each command but the first is in the place of the last. */
static void admin(struct nvme *n, unsigned int nth, struct command c)
{
	((struct command *)ring(n, ADMIN_SQ))[nth % ADMIN_SIZE] = c;
	__sync_synchronize();
	set_reg(n, DOORBELLS, (nth + 1) % ADMIN_SIZE);
	completed((struct completion *)ring(n, ADMIN_CQ) + nth % ADMIN_SIZE, 1);
	set_reg(n, DOORBELLS + 4, (nth + 1) % ADMIN_SIZE);
}

/* Creates one of the pair of queues with the id 1. */
static void create(struct nvme *n, unsigned int nth, __u32 opcode, int ring, __u32 how)
{
	struct command c = {
		.opcode = opcode,
		.prp1 = ring_iova(ring),
		.dword10 = { (IO_SIZE - 1) << 16 | 1, how },
	};

	admin(n, nth, c);
}

static void start(struct nvme *n)
{
	enable(n, 0);
	set_reg(n, AQA, (ADMIN_SIZE - 1) << 16 | (ADMIN_SIZE - 1));
	set_address(n, ASQ, ring_iova(ADMIN_SQ));
	set_address(n, ACQ, ring_iova(ADMIN_CQ));
	enable(n, CC_ENABLE | CC_ENTRIES);
	create(n, 0, CREATE_CQ, IO_CQ, CONTIGUOUS);
	create(n, 1, CREATE_SQ, IO_SQ, 1 << 16 | CONTIGUOUS);
}

bool nvme_open(struct nvme *n, int container)
{
	memset(n, 0, sizeof(*n));
	if (function_open(&n->fn, PCI_NVME, container))
		return false;
	must(function_command(&n->fn, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER), "bus master");
	n->container = container;
	n->bar = function_bar(&n->fn, VFIO_PCI_BAR0_REGION_INDEX, NULL, BAR_SIZE);
	n->rings = mem_small(RING_PAGES * PAGE);
	if (!n->bar || !n->rings)
		fail("no registers or no memory for the NVMe controller");
	must(dma_map(container, NVME_RINGS, n->rings, RING_PAGES * PAGE, DMA_RW), "rings");
	n->phase = 1;
	start(n);
	return true;
}

void nvme_close(struct nvme *n)
{
	enable(n, 0);
	/* Its memory keeps the device open. */
	munmap(n->bar, BAR_SIZE);
	function_close(&n->fn);
	must(dma_unmap(n->container, NVME_RINGS, RING_PAGES * PAGE, 0, NULL), "rings");
	mem_free(n->rings, RING_PAGES * PAGE);
}

void nvme_read(struct nvme *n, __u64 block, __u64 iova)
{
	__u32 sectors = NVME_BLOCK / 512;
	__u64 first = block * sectors;
	struct command *c = (struct command *)ring(n, IO_SQ) + n->tail;

	*c = (struct command){ .opcode = READ, .nsid = 1, .prp1 = iova,
			       .dword10 = { first, first >> 32, sectors - 1 } };
	n->tail = (n->tail + 1) % IO_SIZE;
	__sync_synchronize();
	set_reg(n, DOORBELLS + 8, n->tail);
}

void nvme_wait(struct nvme *n, unsigned int commands)
{
	while (commands--) {
		completed((struct completion *)ring(n, IO_CQ) + n->head, n->phase);
		n->head = (n->head + 1) % IO_SIZE;
		n->phase ^= !n->head;
	}
	set_reg(n, DOORBELLS + 12, n->head);
}
