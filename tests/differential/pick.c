// SPDX-License-Identifier: GPL-2.0-only
/* See pick.h. */
#include "../kselftest/lib/util.h"
#include "../kselftest/lib/mem.h"
#include "arena.h"
#include "pick.h"

#define MSI_START 0xfee00000ULL
#define MSI_END 0xfef00000ULL
#define APERTURE_END (512 * GIB)

__u64 pick_pages(struct generator *g, __u64 most)
{
	return (1 + rng_below(&g->rng, most)) * PAGE;
}

static __u64 edge_iova(struct generator *g)
{
	__u64 back = rng_below(&g->rng, 6) * PAGE;

	switch (rng_below(&g->rng, 8)) {
	case 0:
		return back;
	case 1:
		return MSI_START - back;
	case 2:
		return MSI_END - back;
	case 3:
		return MSI_START + rng_below(&g->rng, 256) * PAGE;
	case 4:
		return APERTURE_END - back;
	case 5:
		return (1ULL << (40 + rng_below(&g->rng, 24))) - back;
	case 6:
		return -back;
	}
	return rng_next(&g->rng);
}

struct generate_hint *pick_hint(struct generator *g)
{
	return g->nhints ? &g->hint[rng_below(&g->rng, g->nhints)] : NULL;
}

__u64 pick_iova(struct generator *g)
{
	struct generate_hint *hint = pick_hint(g);
	unsigned int dice = rng_below(&g->rng, 100);
	__u64 iova = PICK_BASE + rng_below(&g->rng, PICK_SPAN / PAGE) * PAGE;

	if (hint && dice < 12)
		iova = hint->iova + hint->size;
	else if (hint && dice < 18)
		iova = hint->iova;
	else if (hint && dice < 22)
		iova = hint->iova + rng_below(&g->rng, hint->size / PAGE) *
			PAGE;
	else if (dice < 34)
		iova = edge_iova(g);
	else if (dice < 50)
		iova &= ~(2 * MIB - 1);
	return rng_percent(&g->rng, 2) ? iova + rng_below(&g->rng, PAGE) :
	       iova;
}

static __u64 odd_size(struct generator *g)
{
	static const __u64 sizes[] = {
		0, 1, PAGE - 1, PAGE + 1, GIB, 1ULL << 39, 1ULL << 52,
		1ULL << 63, -(__u64)PAGE, -1ULL, -(__u64)PICK_BASE,
		-(__u64)(PICK_BASE + PICK_SPAN),
	};

	return rng_percent(&g->rng, 80) ? rng_pick(&g->rng, sizes) :
	       rng_next(&g->rng);
}

__u64 pick_size(struct generator *g)
{
	unsigned int dice = rng_below(&g->rng, 100);

	if (dice < 50)
		return pick_pages(g, 4);
	if (dice < 80)
		return pick_pages(g, 40);
	if (dice < 85)
		return 2 * MIB;
	if (dice < 88)
		return pick_pages(g, 700);
	if (dice < 93)
		return odd_size(g);
	return PAGE;
}

/* The lower ones more often. */
static const struct region *pick_region(struct generator *g)
{
	unsigned int a = rng_below(&g->rng, REGIONS);
	unsigned int b = rng_below(&g->rng, REGIONS);

	return &arena_regions[a < b ? a : b];
}

void pick_vaddr(struct generator *g, struct op *op)
{
	static const __u64 raw[] = {
		0, PAGE, 0x7fffffffe000ULL, 0x7ffffffff000ULL,
		0x800000000000ULL, 0xffff888000000000ULL, -(__u64)PAGE,
		-(__u64)(2 * PAGE), -1ULL,
	};
	const struct region *region = pick_region(g);
	__u64 room = region->size;

	if (rng_percent(&g->rng, 3)) {
		op->vaddr = rng_pick(&g->rng, raw);
		op->vaddr_raw = true;
		return;
	}
	/* most fit in their region */
	if (op->size < room && !rng_percent(&g->rng, 5))
		room -= op->size & ~(PAGE - 1);
	op->vaddr = region->offset +
		    rng_below(&g->rng, room / PAGE + (room < region->size)) *
		    PAGE;
	if (region == &arena_regions[REGION_THP] && op->size == HUGE_2M)
		op->vaddr &= ~(HUGE_2M - 1);
	if (rng_percent(&g->rng, 1))
		op->vaddr += rng_below(&g->rng, PAGE);
}
