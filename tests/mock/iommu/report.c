// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tests read in /sys/kernel/debug/mock_iommu/:
 *
 *   counters   "key value" lines since the last reset, first of everything, then one line for each
 *              instance and each live domain; "entries" are IOMMU pages of whatever size,
 *              "mapped" 4 KiB pages; "sum" is the same where two domains translate the same
 *   errors     what the user of the IOMMU API did wrong; empty is good
 *   dump       live domains with their limits, devices and translations ("iova +size
 *              access phys", access as rwc: read, write, IOMMU_CACHE, or -), the same text as
 *              long as nothing about them changes
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "mock_iommu.h"

static const char * const error_names[MOCK_ERRORS] = {
	[MOCK_E_UNMAP_UNMAPPED] = "unmap_unmapped",
	[MOCK_E_UNMAP_SPLIT] = "unmap_split",
	[MOCK_E_UNMAP_ATTACHING] = "unmap_attaching",
	[MOCK_E_UNMAP_BACKWARDS] = "unmap_backwards",
	[MOCK_E_MAP_TWICE] = "map_twice",
	[MOCK_E_MAP_UNFLUSHED] = "map_unflushed",
	[MOCK_E_MAP_OUTSIDE] = "map_outside",
	[MOCK_E_MAP_BESIDE] = "map_beside",
	[MOCK_E_MAP_UNPINNED] = "map_unpinned",
	[MOCK_E_MAP_UNCACHED] = "map_uncached",
	[MOCK_E_FREE_ATTACHED] = "free_attached",
	[MOCK_E_FLUSH_PGSIZE] = "flush_pgsize",
	[MOCK_E_TABLE_UNFLUSHED] = "table_unflushed",
	[MOCK_E_TABLE_LEAKED] = "table_leaked",
	[MOCK_E_PAGE_UNFLUSHED] = "page_unflushed",
	[MOCK_E_PAGE_TRANSLATED] = "page_translated",
	[MOCK_E_FOREIGN_OPS] = "foreign_ops",
	[MOCK_E_UNLIKE_LIVE] = "unlike_live",
};

static int instance_nr(const struct mock_instance *inst)
{
	return inst ? inst - mock.instances : -1;
}

static void show_counts(struct seq_file *seq, const struct mock_counts *counts, char between)
{
	seq_printf(seq, "maps %llu%cunmaps %llu%csyncs %llu%cflushes %llu\n", counts->maps, between,
		   counts->unmaps, between, counts->syncs, between, counts->flushes);
}

static int counters_show(struct seq_file *seq, void *unused)
{
	struct mock_domain *dom;
	unsigned int i;

	mutex_lock(&mock_lock);
	seq_printf(seq, "allocs %llu\nfrees %llu\nfired %u\n", mock.allocs, mock.frees, mock.fired);
	seq_printf(seq, "held %u\ntogether %u\n", mock.held, mock.together);
	show_counts(seq, &mock.counts, '\n');
	seq_printf(seq, "lookups %ld\n", atomic_long_read(&mock.lookups));
	for (i = 0; i < MOCK_INSTANCES; i++)
		seq_printf(seq, "instance %u attaches %llu detaches %llu\n", i,
			   mock.instances[i].attaches, mock.instances[i].detaches);
	list_for_each_entry(dom, &mock.domains, node) {
		seq_printf(seq, "domain %u mapped %lu entries %lu sum %u ", dom->id, dom->mapped,
			   mock_table_entries(dom), mock_table_sum(dom));
		show_counts(seq, &dom->counts, ' ');
	}
	mutex_unlock(&mock_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int errors_show(struct seq_file *seq, void *unused)
{
	unsigned int i;

	mutex_lock(&mock_lock);
	for (i = 0; i < MOCK_ERRORS; i++)
		if (mock.errors[i])
			seq_printf(seq, "%s %llu\n", error_names[i], mock.errors[i]);
	mutex_unlock(&mock_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(errors);

static unsigned int variant_of(const struct mock_domain *dom)
{
	unsigned int i;

	for (i = 0; i < MOCK_VARIANTS - 1; i++)
		if (dom->iommu.ops == mock_variant(i))
			break;
	return i;
}

static void show_domain(struct seq_file *seq, struct mock_domain *dom)
{
	unsigned int i;

	seq_printf(seq, "domain %u instance %d ops %u pgsizes 0x%lx aperture 0x%llx-0x%llx enforced %d\n",
		   dom->id, instance_nr(dom->home), variant_of(dom), dom->iommu.pgsize_bitmap,
		   (u64)dom->iommu.geometry.aperture_start, (u64)dom->iommu.geometry.aperture_end,
		   dom->enforced);
	for (i = 0; i < mock.nr_devices; i++)
		if (mock.device[i].domain == dom)
			seq_printf(seq, "device %s\n", mock.device[i].name);
	mock_table_show(dom, seq);
}

static int dump_show(struct seq_file *seq, void *unused)
{
	struct mock_domain *dom;

	mutex_lock(&mock_lock);
	list_for_each_entry(dom, &mock.domains, node)
		show_domain(seq, dom);
	mutex_unlock(&mock_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dump);

void mock_report_init(struct dentry *dir)
{
	debugfs_create_file("counters", 0400, dir, NULL, &counters_fops);
	debugfs_create_file("errors", 0400, dir, NULL, &errors_fops);
	debugfs_create_file("dump", 0400, dir, NULL, &dump_fops);
}
