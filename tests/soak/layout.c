// SPDX-License-Identifier: GPL-2.0-only
/* See layout.h. */
#include "../kselftest/lib/mem.h"
#include "layout.h"
#include "refill.h"

static const struct layout layouts[SHAPES] = {
	[SHAPE_SINGLES] = { 64, PAGE, 2 * PAGE, 64 * PAGE, 0 },
	[SHAPE_BLOCK] = { 1, 64 * PAGE, 64 * PAGE, 64 * PAGE, 0 },
	/* CLAIM_MAX of unmap.c: between two mappings. */
	[SHAPE_THOUSANDS] = { 33000, PAGE, 2 * PAGE, 61 * PAGE, 16384 },
	/* SLICE_ENTRIES of slice.c, in pages that are no neighbours: within one. */
	[SHAPE_SLICES] = { 43, 24 * MIB, 24 * MIB, 24 * MIB, 131072 },
};

const struct layout *layout_of(enum shape shape)
{
	return &layouts[shape];
}

__u64 layout_iova(const struct layout *layout, unsigned int n)
{
	unsigned int pages = layout->piece / PAGE;

	return TARGET_IOVA + n / pages * layout->stride + n % pages * PAGE;
}

size_t layout_offset(const struct layout *layout, unsigned int n)
{
	return n * PAGE % layout->mem;
}

unsigned int layout_pages(const struct layout *layout)
{
	return layout->count * (layout->piece / PAGE);
}

unsigned int layout_telling(const struct layout *layout, unsigned int *page)
{
	unsigned int i, nr = 0;

	for (i = 1; layout->cut && i <= CUTS; i++) {
		page[nr++] = i * layout->cut - 1;
		page[nr++] = i * layout->cut;
	}
	page[nr++] = 0;
	page[nr++] = layout_pages(layout) - 1;
	return nr;
}

/* Every other page is touched first, so that neighbours are far apart. */
static char *mem_interleaved(size_t size)
{
	char *mem = mem_untouched(size);
	size_t at;

	for (at = 0; mem && at < 2 * size; at += 2 * PAGE)
		mem[at < size ? at : at - size + PAGE] = 1;
	return mem;
}

/* No run of pages reaches across a cut, which would move it. */
static bool parted(const struct layout *layout, const char *mem)
{
	unsigned int i, n;

	for (i = 1; i <= CUTS; i++) {
		n = i * layout->cut;
		if (pfn_of(mem + layout_offset(layout, n)) ==
		    pfn_of(mem + layout_offset(layout, n - 1)) + 1)
			return false;
	}
	return true;
}

char *layout_memory(enum shape shape)
{
	const struct layout *layout = layout_of(shape);
	char *mem;

	if (shape != SHAPE_SLICES)
		return mem_small(layout->mem);
	mem = mem_interleaved(layout->mem);
	if (mem && !parted(layout, mem)) {
		mem_free(mem, layout->mem);
		mem = NULL;
	}
	return mem;
}
