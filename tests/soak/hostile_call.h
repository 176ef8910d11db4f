/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that a hostile client could make: structures that are almost right, at
 * addresses that are almost there. Knows the ABI, remembers nothing of what is
 * mapped.
 */
#ifndef VIB_SOAK_HOSTILE_CALL_H
#define VIB_SOAK_HOSTILE_CALL_H

#include <linux/types.h>
#include <linux/vfio.h>

#include "../differential/rng.h"

/* Where arguments, bitmaps and DMA memory may be. */
enum place {
	PLACE_OWN,		/* ordinary private memory */
	PLACE_COMMON,		/* shared with the other client's container */
	PLACE_READ_ONLY,
	PLACE_NONE,		/* PROT_NONE */
	PLACE_EDGE,		/* the last page before nothing */
	PLACE_LATE,		/* comes when a userfaultfd handler likes */
	PLACE_FILE,		/* private, of a file that cannot be written */
	PLACE_BAR,		/* a device's, if one is open */
	PLACE_UNTOUCHED,	/* the zero page until it is written */
	PLACE_KERNEL,
	PLACE_NONCANONICAL,
	PLACE_NULL,
	PLACES,
};

#define PLACE_SIZE (64 * KIB)

/* The process's memory of each kind, PLACE_SIZE bytes. */
struct places {
	char *at[PLACES];
	char *read_only;	/* where PLACE_READ_ONLY can be written */
	char *late;		/* what comes to PLACE_LATE; its first page has */
};

enum call_kind {
	CALL_MAP, CALL_UNMAP, CALL_UNMAP_DIRTY, CALL_DIRTY, CALL_DIRTY_GET,
	CALL_INFO, CALL_EXTENSION, CALL_UNKNOWN, CALL_SET_IOMMU, CALL_BATCH,
	CALL_KINDS,
};

struct call {
	enum call_kind kind;
	unsigned long request;
	__u64 arg;		/* the pointer or value handed in */
	unsigned char body[128];	/* what is there, if it can be written */
	unsigned int size;
};

/* A call, with its argument written where it says if that is possible. */
void hostile_call_make(struct call *call, struct rng *rng, const struct places *places);

/* The same for a call that is @model, but for a few words. */
void hostile_call_vary(struct call *call, const struct call *model, struct rng *rng,
		       const struct places *places);

extern const char * const call_name[CALL_KINDS];

#endif
