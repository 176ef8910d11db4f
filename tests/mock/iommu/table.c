// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page table of a domain, and its translation cache in one: an entry for each 4 KiB page that
 * is translated, or was and has not been flushed since. An unmap leaves entries that devices may
 * still use; a flush drops them. So it shows whether a page, or a table, goes before its time:
 * an unmap that empties 2 MiB puts the "table" on the gather's free list, and a page must be kept
 * (pinned) as long as there is an entry for it.
 */
#include <linux/mm.h>
#include <linux/pfn.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "entry.h"
#include "kernel.h"
#include "mock_iommu.h"

enum { TABLE_PAGES = 512 };

/* A table page that waits on a free list for a flush. */
struct table {
	struct list_head node;
	unsigned long first;	/* page numbers */
	unsigned long last;
};

/*
 * mock_lock, for what may have to allocate. An unmap may come from an MMU notifier, which reclaim
 * waits for: so nothing is reclaimed meanwhile. Drivers hold no such lock.
 */
static unsigned int mock_lock_table(void)
{
	mutex_lock(&mock_lock);
	return memalloc_noreclaim_save();
}

static void mock_unlock_table(unsigned int flags)
{
	memalloc_noreclaim_restore(flags);
	mutex_unlock(&mock_lock);
}

/* Is the page of a frame kept for DMA? What is no ordinary memory needs no keeping. */
static bool kept(unsigned long pfn)
{
	if (!pfn_valid(pfn) || PageReserved(pfn_to_page(pfn)))
		return true;
	return folio_maybe_dma_pinned(page_folio(pfn_to_page(pfn)));
}

static int enter(struct mock_domain *dom, unsigned long index, unsigned long pfn,
		 unsigned int order, int prot, gfp_t gfp)
{
	void *old = xa_load(&dom->pages, index);

	if (is_mapped(old)) {
		mock_wrong(MOCK_E_MAP_TWICE);
		return -EADDRINUSE;
	}
	if (old)
		mock_wrong(MOCK_E_MAP_UNFLUSHED);
	if (!kept(pfn))
		mock_wrong(MOCK_E_MAP_UNPINNED);
	if (!(prot & IOMMU_CACHE))
		mock_wrong(MOCK_E_MAP_UNCACHED);
	old = xa_store(&dom->pages, index, make_entry(pfn, order, prot), gfp);
	if (xa_is_err(old))
		return xa_err(old);
	dom->mapped += entry_step(1UL << order);
	return 0;
}

static bool inside(const struct mock_domain *dom, u64 start, u64 size)
{
	return start >= dom->iommu.geometry.aperture_start &&
	       start + size - 1 <= dom->iommu.geometry.aperture_end;
}

/*
 * With most drivers the depth of a table is a word that others read without a lock, so nothing may
 * run beside a call that adds a level. Return: does this one?
 */
static bool begin_map(struct mock_domain *dom, u64 last)
{
	bool grows = last > dom->reach;

	dom->growing += grows;
	if (dom->mapping++ && dom->growing)
		mock_wrong(MOCK_E_MAP_BESIDE);
	return grows;
}

static void end_map(struct mock_domain *dom, u64 last, bool grows, int ret)
{
	dom->mapping--;
	dom->growing -= grows;
	while (!ret && last > dom->reach)
		dom->reach = dom->reach << 9 | GENMASK(8, 0);
}

int mock_map_pages(struct iommu_domain *iommu, unsigned long iova, phys_addr_t paddr, size_t pgsize,
		   size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *dom = to_mock_domain(iommu);
	unsigned long nr = pgsize * pgcount >> PAGE_SHIFT, i;
	unsigned long step = entry_step(pgsize >> PAGE_SHIFT);
	u64 last = iova + (pgsize * pgcount - 1);
	unsigned int flags;
	bool grows;
	int ret;

	flags = mock_lock_table();
	grows = begin_map(dom, last);
	mock_hold_call();
	dom->counts.maps++;
	mock.counts.maps++;
	ret = mock_fails(MOCK_MAP);
	if (!ret && !inside(dom, iova, pgsize * pgcount)) {
		mock_wrong(MOCK_E_MAP_OUTSIDE);
		ret = -EINVAL;
	}
	for (i = 0; !ret && i < nr; i += step) {
		ret = enter(dom, (iova >> PAGE_SHIFT) + i, PHYS_PFN(paddr) + i,
			    ilog2(pgsize) - PAGE_SHIFT, prot, gfp);
		if (!ret)
			*mapped += step << PAGE_SHIFT;
	}
	end_map(dom, last, grows, ret);
	mock_unlock_table(flags);
	return ret;
}

/* Takes one page of whatever size out, as a whole: its 4 KiB pages, 0 if it does not go. */
static unsigned long take_out(struct mock_domain *dom, unsigned long index, unsigned long asked)
{
	void *entry = xa_load(&dom->pages, index);
	unsigned long nr, i;

	if (!is_mapped(entry)) {
		mock_wrong(MOCK_E_UNMAP_UNMAPPED);
		return 0;
	}
	/* What stands for none is no address of a page. */
	if ((u64)index << PAGE_SHIFT == mock.stuck)
		return 0;
	nr = entry_pages(entry);
	if (nr > asked || index % nr)
		mock_wrong(MOCK_E_UNMAP_SPLIT);
	index -= index % nr;
	for (i = 0; i < nr; i += entry_step(nr)) {
		entry = xa_load(&dom->pages, index + i);
		if (!is_mapped(entry))
			continue;
		/* There is an entry already, so this needs no memory. */
		entry = xa_mk_value(xa_to_value(entry) & ~(unsigned long)ENTRY_MAPPED);
		xa_store(&dom->pages, index + i, entry, GFP_KERNEL);
		dom->mapped -= entry_step(nr);
	}
	return nr;
}

static bool any_entry(struct mock_domain *dom, unsigned long first, unsigned long last, bool mapped)
{
	unsigned long index;
	void *entry;

	xa_for_each_range(&dom->pages, index, entry, first, last)
		if (is_mapped(entry) == mapped)
			return true;
	return false;
}

/* Tables that the pages [first, last] were the last ones of go on the free list. */
static void free_tables(struct mock_domain *dom, unsigned long first, unsigned long last,
			struct list_head *freelist)
{
	unsigned long index = round_down(first, TABLE_PAGES);

	for (; index <= last; index += TABLE_PAGES) {
		struct table *table;

		if (any_entry(dom, index, index + TABLE_PAGES - 1, true))
			continue;
		/* It stands for a page that is there: an unmap needs no memory. */
		table = kmalloc(sizeof(*table), GFP_KERNEL | __GFP_NOFAIL);
		table->first = index;
		table->last = index + TABLE_PAGES - 1;
		list_add_tail(&table->node, freelist);
		dom->tables++;
	}
}

size_t mock_unmap_pages(struct iommu_domain *iommu, unsigned long iova, size_t pgsize,
			size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct mock_domain *dom = to_mock_domain(iommu);
	unsigned long asked = pgsize * pgcount >> PAGE_SHIFT, index = iova >> PAGE_SHIFT;
	unsigned long done = 0, nr;
	unsigned int flags;
	LIST_HEAD(tables);

	flags = mock_lock_table();
	dom->counts.unmaps++;
	mock.counts.unmaps++;
	if (dom->attaching)
		mock_wrong(MOCK_E_UNMAP_ATTACHING);
	if (iova < dom->unmapped)
		mock_wrong(MOCK_E_UNMAP_BACKWARDS);
	dom->unmapped = iova;
	if (mock.unmap_max)
		asked = min(asked, max(mock.unmap_max, pgsize >> PAGE_SHIFT));
	while (done < asked) {
		nr = take_out(dom, index + done, asked - done);
		if (!nr)
			break;
		done += nr;
	}
	if (done)
		free_tables(dom, index, index + done - 1, &tables);
	dom->waiting |= done;
	mock_unlock_table(flags);
	if (!done)
		return 0;
	/* This may call back for a sync of what the gather has so far, but not of these tables. */
	iommu_iotlb_gather_add_page(iommu, gather, iova, pgsize);
	iommu_iotlb_gather_add_range(gather, iova, done << PAGE_SHIFT);
	list_splice_tail(&tables, mock_freelist(gather));
	return done << PAGE_SHIFT;
}

/* Return: domains that something was taken out of since they were flushed. */
static unsigned int count_waiting(void)
{
	struct mock_domain *dom;
	unsigned int nr = 0;

	list_for_each_entry(dom, &mock.domains, node)
		nr += dom->waiting;
	return nr;
}

/*
 * The cache forgets [first, last]; what was waiting for that must still be kept. Hardware may take
 * @pgsize for where in the table to look; 0: it looks everywhere, as a flush of everything does,
 * and one of x86 hardware, whose drivers do not ask for the size.
 */
static void flush(struct mock_domain *dom, unsigned long first, unsigned long last, u64 pgsize)
{
	unsigned long index;
	void *entry;

	mock.together = max(mock.together, count_waiting());
	dom->waiting = false;
	dom->unmapped = 0;
	xa_for_each_range(&dom->pages, index, entry, first, last) {
		if (is_mapped(entry))
			continue;
		if (pgsize && entry_pages(entry) << PAGE_SHIFT != pgsize)
			mock_wrong(MOCK_E_FLUSH_PGSIZE);
		if (!kept(entry_pfn(entry)))
			mock_wrong(MOCK_E_PAGE_UNFLUSHED);
		xa_erase(&dom->pages, index);
	}
}

void mock_flush_all(struct iommu_domain *iommu)
{
	struct mock_domain *dom = to_mock_domain(iommu);

	mutex_lock(&mock_lock);
	dom->counts.flushes++;
	mock.counts.flushes++;
	flush(dom, 0, ULONG_MAX, 0);
	mutex_unlock(&mock_lock);
}

void mock_sync(struct iommu_domain *iommu, struct iommu_iotlb_gather *gather)
{
	struct mock_domain *dom = to_mock_domain(iommu);
	struct table *table, *next;

	mutex_lock(&mock_lock);
	if (gather->start <= gather->end) {
		dom->counts.syncs++;
		mock.counts.syncs++;
		flush(dom, gather->start >> PAGE_SHIFT, gather->end >> PAGE_SHIFT,
		      IS_ENABLED(CONFIG_X86) ? 0 : gather->pgsize);
	}
	list_for_each_entry_safe(table, next, mock_freelist(gather), node) {
		if (any_entry(dom, table->first, table->last, false))
			mock_wrong(MOCK_E_TABLE_UNFLUSHED);
		dom->tables--;
		kfree(table);
	}
	INIT_LIST_HEAD(mock_freelist(gather));
	mutex_unlock(&mock_lock);
}

phys_addr_t mock_iova_to_phys(struct iommu_domain *iommu, dma_addr_t iova)
{
	void *entry = xa_load(&to_mock_domain(iommu)->pages, iova >> PAGE_SHIFT);

	atomic_long_inc(&mock.lookups);
	return is_mapped(entry) ? PFN_PHYS(entry_pfn(entry)) | offset_in_page(iova) : 0;
}

void mock_table_clear(struct mock_domain *dom)
{
	unsigned long index;
	void *entry;

	if (dom->tables)
		mock_wrong(MOCK_E_TABLE_LEAKED);
	xa_for_each(&dom->pages, index, entry) {
		if (!kept(entry_pfn(entry)))
			mock_wrong(is_mapped(entry) ? MOCK_E_PAGE_TRANSLATED :
						      MOCK_E_PAGE_UNFLUSHED);
		xa_erase(&dom->pages, index);
	}
	dom->mapped = 0;
}
