/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sweeps of real groups start from: eight mappings of eight pages, in the
 * domain of slot A and, where that is wanted, in a second one that is unlike it.
 * Functions return 0 or -errno.
 */
#ifndef VIB_TEST_FAULT_PIECES_H
#define VIB_TEST_FAULT_PIECES_H

#include "fault_fixture.h"

enum { PIECES = 8, PIECE_PAGES = MEM_PAGES / PIECES };

static inline int map_pieces(struct bed *bed)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < PIECES; i++)
		ret = dma_map(bed->w.container, IOVA + 2 * i * MIB,
			      bed->mem + i * PIECE_PAGES * PAGE,
			      PIECE_PAGES * PAGE, DMA_RW);
	return ret;
}

static inline int with_pieces(struct bed *bed)
{
	int ret = begin_with(&bed->w, SLOT_A);

	return ret ? ret : map_pieces(bed);
}

static inline int join_b(struct bed *bed)
{
	return world_join(&bed->w, SLOT_B);
}

static inline int leave_b(struct bed *bed)
{
	return leave(&bed->w, SLOT_B);
}

/* Slot B will need a domain of its own. */
static inline int with_two_domains(struct bed *bed)
{
	int ret = with_pieces(bed);

	if (!ret)
		ret = mock_order("instance 1 aperture 0 0x7fffffffff");
	return ret ? ret : join_b(bed);
}

/* The second domain is not there, but the group's descriptor is open. */
static inline int with_group_b_unlike(struct bed *bed)
{
	int ret = with_two_domains(bed);

	return ret ? ret : leave_b(bed);
}

/* Dirty tracking. */
static inline int start(struct bed *bed)
{
	return dirty_start(bed->w.container);
}

static inline int stop(struct bed *bed)
{
	return dirty_stop(bed->w.container);
}

/* Does each of @domains translate @pages pages, all of them the same? */
static inline bool domains_hold(int domains, long pages)
{
	int i;

	if (mock_domains() != domains || !mock_domains_agree())
		return false;
	for (i = 0; i < domains; i++)
		if (mock_domain_count(i, "mapped") != pages)
			return false;
	return true;
}

#endif
