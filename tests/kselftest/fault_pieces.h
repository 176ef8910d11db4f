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

static inline int map_pieces(struct sweep *sweep)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < PIECES; i++)
		ret = dma_map(sweep->w.container, IOVA + 2 * i * MIB,
			      sweep->mem + i * PIECE_PAGES * PAGE,
			      PIECE_PAGES * PAGE, DMA_RW);
	return ret;
}

static inline int with_pieces(struct sweep *sweep)
{
	int ret = begin_with(&sweep->w, SLOT_A);

	return ret ? ret : map_pieces(sweep);
}

static inline int join_b(struct sweep *sweep)
{
	return world_join(&sweep->w, SLOT_B);
}

static inline int leave_b(struct sweep *sweep)
{
	return leave(&sweep->w, SLOT_B);
}

/* Slot B will need a domain of its own. */
static inline int with_two_domains(struct sweep *sweep)
{
	int ret = with_pieces(sweep);

	if (!ret)
		ret = mock_order("instance 1 aperture 0 0x7fffffffff");
	return ret ? ret : join_b(sweep);
}

/* The second domain is not there, but the group's descriptor is open. */
static inline int with_group_b_unlike(struct sweep *sweep)
{
	int ret = with_two_domains(sweep);

	return ret ? ret : leave_b(sweep);
}

/* Dirty tracking. */
static inline int start(struct sweep *sweep)
{
	return dirty_start(sweep->w.container);
}

static inline int stop(struct sweep *sweep)
{
	return dirty_stop(sweep->w.container);
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
