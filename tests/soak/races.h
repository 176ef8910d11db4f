/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The races' clients: processes with a container each and memory in common,
 * and threads that do anything to both at random.
 */
#ifndef VIB_SOAK_RACES_H
#define VIB_SOAK_RACES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "../differential/rng.h"
#include "../kselftest/lib/pci.h"
#include "../kselftest/lib/util.h"

enum { RACE_CLIENTS = 2, RACE_GROUPS = 2, RACE_THREADS = 4 };

#define RACE_MEM (2 * MIB)

enum race {
	RACE_MAP, RACE_UNMAP, RACE_BATCH, RACE_UNMAP_ALL, RACE_UNMAP_DIRTY, RACE_INFO,
	RACE_DIRTY_START, RACE_DIRTY_STOP, RACE_DIRTY_GET, RACE_VADDR,
	RACE_ATTACH, RACE_DETACH, RACE_GROUP_CLOSE, RACE_CONTAINER_CLOSE,
	RACE_DEVICE, RACE_FORK, RACE_EXEC, RACE_EXEC_KEPT, RACE_REMAP,
	RACE_PROTECT, RACE_DONTNEED, RACE_PUNCH, RACE_LOCK,
	RACES,
};

/* Seen by all; survives who writes to it. */
struct arena {
	volatile bool stop;
	/* A descriptor of this client's container is open, with our backend. */
	volatile unsigned int holding[RACE_CLIENTS];
	unsigned long done[RACES], failed[RACES];
	char trouble[160];
};

struct racer {
	struct arena *arena;
	unsigned int nr;		/* which client */
	struct pci_dev dev[RACE_GROUPS];
	int memfd;			/* the memory in common */
	__u64 seed;
};

/* One of them, as often as it is to be. */
enum race race_choose(struct rng *rng);

/*
 * Runs until arena->stop or killed. The exit status is 0 if at the end, with
 * all closed, no memory is locked.
 */
void racer_run(const struct racer *racer) __attribute__((noreturn));

#endif
