// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in a page table (table.c), for tests to read.
 */
#include <linux/jhash.h>
#include <linux/pfn.h>
#include <linux/seq_file.h>

#include "entry.h"
#include "mock_iommu.h"

unsigned long mock_table_entries(struct mock_domain *dom)
{
	unsigned long index, nr = 0;
	void *entry;

	xa_for_each(&dom->pages, index, entry)
		nr += is_mapped(entry) && !(index % entry_pages(entry));
	return nr;
}

u32 mock_table_sum(struct mock_domain *dom)
{
	unsigned long index;
	void *entry;
	u32 sum = 0;

	xa_for_each(&dom->pages, index, entry) {
		u64 words[] = { index, entry_pfn(entry), entry_prot(entry) };

		if (is_mapped(entry))
			sum = jhash(words, sizeof(words), sum);
	}
	return sum;
}

/* Pages that follow each other in IOVA and memory, with the same access. */
struct run {
	unsigned long first;
	unsigned long pfn;
	unsigned long nr;
	unsigned int prot;
};

static void show_run(struct seq_file *seq, const struct run *run)
{
	if (run->nr)
		seq_printf(seq, "0x%lx +0x%lx %c%c%c 0x%lx\n", run->first << PAGE_SHIFT,
			   run->nr << PAGE_SHIFT, run->prot & IOMMU_READ ? 'r' : '-',
			   run->prot & IOMMU_WRITE ? 'w' : '-', run->prot & IOMMU_CACHE ? 'c' : '-',
			   run->pfn << PAGE_SHIFT);
}

void mock_table_show(struct mock_domain *dom, struct seq_file *seq)
{
	struct run run = {};
	unsigned long index;
	void *entry;

	xa_for_each(&dom->pages, index, entry) {
		if (!is_mapped(entry))
			continue;
		if (run.nr && index == run.first + run.nr &&
		    entry_pfn(entry) == run.pfn + run.nr && entry_prot(entry) == run.prot) {
			run.nr++;
			continue;
		}
		show_run(seq, &run);
		run = (struct run){ index, entry_pfn(entry), 1, entry_prot(entry) };
	}
	show_run(seq, &run);
}
