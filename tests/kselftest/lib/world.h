/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world: one container with some groups behind it, served by the backend a
 * mode names. Opening it proves who serves; closing it proves that nothing is
 * left: no page pinned, no memory locked, no module in use.
 *
 * A test that is about opening and closing takes the steps one by one; the
 * others say world_open().
 */
#ifndef VIB_TEST_WORLD_H
#define VIB_TEST_WORLD_H

#include <linux/types.h>

#include "backend.h"
#include "edu.h"
#include "pci.h"

enum { WORLD_MAX_GROUPS = 24 };

enum world_state {
	WORLD_READY,
	WORLD_ABSENT,		/* backend not loaded and not promised: skip */
	WORLD_BROKEN,		/* anything else; why says what */
};

/* A group with an edu device in it. */
struct slot {
	struct pci_dev pci;
	int group;		/* descriptor or -1 */
	int device;		/* descriptor or -1 */
	struct edu edu;
};

struct world {
	const struct mode *mode;
	int container;		/* descriptor or -1 */
	unsigned int nslots;
	struct slot slot[WORLD_MAX_GROUPS];
	char why[160];

	struct backend_use use;	/* how things were before */
	long locked;
	long pinned;
};

/* Everything up to a container that is ready for MAP_DMA. */
enum world_state world_open(struct world *w, enum mode_id id,
			    unsigned int groups);

/* Closes what is open; NULL, or what was left behind. */
const char *world_close(struct world *w);

/* The steps of world_open(). They return 0 or -errno. */
enum world_state world_enter(struct world *w, enum mode_id id,
			     unsigned int groups);
int world_open_container(struct world *w);
int world_join(struct world *w, unsigned int slot);
int world_set_iommu(struct world *w);
int world_open_edu(struct world *w, unsigned int slot);

/* Who serves the container of this process? See mode_proof(). */
const char *world_proof(const struct world *w);

/* world_set_iommu() with that proof: -EPROTO if it fails, and why says what. */
int world_select(struct world *w);

/* All of these steps, with the first @groups groups. */
int world_set_up(struct world *w, unsigned int groups);

/* The steps of world_close(). Closing what is not open does nothing. */
void world_close_device(struct world *w, unsigned int slot);
void world_close_group(struct world *w, unsigned int slot);
void world_close_container(struct world *w);

/* Is anything left of what this world held? NULL, or what. */
const char *world_leak(struct world *w);

/*
 * The same when it takes its time to go, which the kernel may leave to a worker or to its
 * collector of socket cycles: waits until nothing is left, or 10 seconds.
 */
const char *world_leak_soon(struct world *w);

/* The edu device of a slot, opened when first asked for; NULL if it fails. */
struct edu *world_edu(struct world *w, unsigned int slot);

#endif
