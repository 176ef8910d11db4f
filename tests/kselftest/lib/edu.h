/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's "edu" PCI device as a witness: it copies between an IOVA and a
 * buffer of its own, and what the IOMMU does not let through does not arrive.
 * One transfer takes 100 ms of the machine's time, so tests count them, and
 * start several devices before they wait for the first.
 */
#ifndef VIB_TEST_EDU_H
#define VIB_TEST_EDU_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "util.h"

/* What one transfer moves; QEMU 7.2 aborts on its whole buffer of 4 KiB. */
#define EDU_CHUNK (2 * KIB)

struct edu {
	int device;			/* VFIO device, not owned */
	char *bar;			/* BAR 0 */
	size_t bar_size;
	int irq;			/* eventfd, 0 if interrupts are off */
};

/* One register access of 8 or 4 bytes. */
__u64 mmio_read64(const char *at);
__u32 mmio_read32(const char *at);
void mmio_write64(char *at, __u64 value);

/* Maps the BAR and lets the device be a bus master; 0 or -errno. */
int edu_open(struct edu *edu, int device);
void edu_close(struct edu *edu);

/* Writes the PCI command register: PCI_COMMAND_MEMORY and _MASTER. */
int edu_command(struct edu *edu, __u16 command);

/* Memory at @iova into the device's buffer, and back. */
int edu_fetch(struct edu *edu, __u64 iova);
int edu_store(struct edu *edu, __u64 iova);

/* As edu_store(), but less than a chunk. */
int edu_store_bytes(struct edu *edu, __u64 iova, size_t size);

/* The same in two steps. */
void edu_start_fetch(struct edu *edu, __u64 iova);
void edu_start_store(struct edu *edu, __u64 iova);
void edu_start_store_bytes(struct edu *edu, __u64 iova, size_t size);
int edu_wait(struct edu *edu);
bool edu_idle(struct edu *edu);

/*
 * Interrupts by MSI: switches them on, and has the device send one and waits
 * until it has arrived here; 0 or -errno. edu_close() switches them off.
 */
int edu_irq_on(struct edu *edu);
int edu_irq_roundtrip(struct edu *edu);

/* Memory to memory by way of the device: two transfers. */
int edu_copy(struct edu *edu, __u64 to, __u64 from);

#endif
