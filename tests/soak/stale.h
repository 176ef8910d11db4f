/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two sides of the stale DMA test. The client owns a container with devices
 * and lets its memory go in many ways; the judge refills the freed pages and
 * looks whether a device still reaches them. They speak over a pair of pipes,
 * and share a page that says where the devices aim.
 */
#ifndef VIB_SOAK_STALE_H
#define VIB_SOAK_STALE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "../differential/rng.h"
#include "../kselftest/lib/util.h"

/* CUTS: so many in each UNMAP_ALL. */
enum { AIMED_MAX = 8, CUTS = 2 };

/* How the mappings lie that a round takes away. */
enum shape {
	SHAPE_SINGLES,		/* 64 pages, a mapping each */
	SHAPE_BLOCK,		/* one mapping of 64 pages */
	SHAPE_THOUSANDS,	/* mappings that are claimed in three goes */
	SHAPE_SLICES,		/* memory that three flushes have to cover */
	SHAPES,
};

/* And how they go. */
enum ending {
	BY_UNMAP,		/* an UNMAP_DMA for each mapping */
	BY_RANGE,		/* one UNMAP_DMA over all */
	BY_ALL,			/* UNMAP_ALL */
	BY_CLOSE,		/* every descriptor closed */
	BY_KILL,		/* SIGKILL while idle */
	BY_KILL_IN_UNMAP,	/* SIGKILL on the way through UNMAP_ALL */
	BY_ORPHAN,		/* SIGKILL, and the container lives on elsewhere */
	NOT_AT_ALL,		/* still mapped: what the judge has to see */
	CHURN,			/* singles, as fast as it goes */
};

/* One step of the conversation; also what is sent over the pipes. */
enum step {
	STEP_FREED = 'f',	/* client: it is gone; or, it goes or I do, now */
	STEP_REFILLED = 'r',	/* judge: somebody else has the pages */
	STEP_AIMED = 'a',	/* client: the devices have tried again */
	STEP_NEXT = 'n',	/* judge: on to the next round */
};

struct board {
	unsigned int devices;
	__u64 iova[AIMED_MAX];	/* where each device aims */
	__u64 pfn[AIMED_MAX];	/* the page that was there */
	unsigned int reached;	/* transfers that arrived while mapped */
	unsigned long unmapped;	/* mappings taken away */
	unsigned int cuts;	/* of UNMAP_ALL, seen where they should be */
	bool churning;
	char trouble[160];	/* why the client gave up */
};

struct talk {
	int in, out;		/* this side's ends */
};

/* What a client is told to do. */
struct order {
	enum shape shape;
	enum ending ending;
	unsigned int rounds;
	char *shared;		/* NOT_AT_ALL: memory that the judge sees too */
	size_t shared_size;
};

/* One step, in either direction; false if the other side is gone. */
bool say(const struct talk *talk, enum step step);
bool hear(const struct talk *talk, enum step step);

/* The client's life; does not return. */
void client_run(struct board *board, const struct talk *talk,
		const struct order *order, struct rng *rng)
	__attribute__((noreturn));

#endif
