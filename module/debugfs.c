// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file "containers": one block of "key: value" lines for each container that we serve. Reading
 * takes the ioas' locks for short moments only, so it is no snapshot, and never walks a page table.
 */
#include "debugfs.h"

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "group.h"
#include "usage.h"

static struct dentry *dir;

static int show_domains(struct seq_file *seq, struct vib_ioas *ioas)
{
	struct vib_domain *dom;
	int ret;

	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret)
		return ret;
	list_for_each_entry(dom, &ioas->domains, node) {
		struct vib_range aperture = vib_domain_aperture(dom);

		seq_printf(seq, "domain: %u pgsizes 0x%llx aperture 0x%llx-0x%llx coherent %d\n",
			   dom->id, vib_domain_pgsizes(dom), aperture.start, aperture.last,
			   dom->coherent);
	}
	up_read(&ioas->domains_rwsem);
	return 0;
}

static void show_name(void *seq, const char *name)
{
	seq_printf(seq, " %s", name);
}

static struct vib_group *group_at(struct vib_ioas *ioas, unsigned int index)
{
	struct vib_domain *dom;
	struct vib_group *grp;

	list_for_each_entry(dom, &ioas->domains, node)
		list_for_each_entry(grp, &dom->groups, node)
			if (!index--)
				return grp;
	return NULL;
}

/* All of a group's line but its end: the group's number, -ENOENT behind the last, or -EINTR. */
static int show_group(struct seq_file *seq, struct vib_ioas *ioas, unsigned int index)
{
	struct vib_group *grp;
	int ret;

	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret)
		return ret;
	ret = -ENOENT;
	grp = group_at(ioas, index);
	if (grp) {
		ret = iommu_group_id(grp->iommu);
		seq_printf(seq, "group: %d domain %u %s (%s) devices", ret, grp->domain->id,
			   vib_why_joined(grp->why) ? "joined" : "new", vib_why_words(grp->why));
		vib_resolve_each_name(grp->iommu, show_name, seq);
	}
	up_read(&ioas->domains_rwsem);
	return ret;
}

/* The default domain's type comes from a file, which is not read under a lock. */
static int show_groups(struct seq_file *seq, struct vib_ioas *ioas)
{
	unsigned int i;
	char type[16];
	int id;

	for (i = 0; (id = show_group(seq, ioas, i)) >= 0; i++) {
		vib_resolve_default_type(id, type, sizeof(type));
		seq_printf(seq, " default %s\n", type);
	}
	return id == -ENOENT ? 0 : id;
}

static void show_usage(struct seq_file *seq, struct vib_ioas *ioas)
{
	struct vib_usage usage;

	vib_usage_read(ioas, &usage);
	seq_printf(seq, "pinned_pages: %llu\n", usage.pinned);
	seq_printf(seq, "accounted_pages: %llu\n", usage.accounted);
	seq_printf(seq, "device_pinned_pages: %llu\n", usage.device_pins);
	seq_printf(seq, "metadata_bytes: %llu\n", usage.metadata);
}

static void show_tree(struct seq_file *seq, struct vib_ioas *ioas)
{
	u32 i;

	mutex_lock(&ioas->tree_lock);
	for (i = 0; ioas->restricted && i < ioas->windows.nr; i++)
		seq_printf(seq, "window: 0x%llx-0x%llx\n", ioas->windows.range[i].start,
			   ioas->windows.range[i].last);
	seq_printf(seq, "mappings: %lu\n", ioas->tree.nr);
	seq_printf(seq, "entries_left: %ld\n", ioas->entries_left);
	seq_printf(seq, "maps: %llu\n", ioas->stats.maps);
	seq_printf(seq, "unmaps: %llu\n", ioas->stats.unmaps);
	seq_printf(seq, "syncs: %llu\n", ioas->stats.syncs);
	mutex_unlock(&ioas->tree_lock);
}

static int show_ioas(struct vib_ioas *ioas, void *data)
{
	struct seq_file *seq = data;
	int ret;

	seq_printf(seq, "container: %u\n", ioas->handle);
	/* The name is the process's own choice. */
	seq_printf(seq, "owner: %d ", ioas->pid);
	seq_escape(seq, ioas->comm, "\n\\");
	seq_putc(seq, '\n');
	seq_printf(seq, "type: 0x%lx\n", ioas->type);
	show_tree(seq, ioas);
	show_usage(seq, ioas);
	ret = show_domains(seq, ioas);
	return ret ? ret : show_groups(seq, ioas);
}

static int containers_show(struct seq_file *seq, void *unused)
{
	return vib_ioas_for_each(show_ioas, seq);
}
DEFINE_SHOW_ATTRIBUTE(containers);

void vib_debugfs_init(void)
{
	dir = debugfs_create_dir("vfio_iommu_batch", NULL);
	debugfs_create_file("containers", 0400, dir, NULL, &containers_fops);
}

void vib_debugfs_fini(void)
{
	debugfs_remove(dir);
}
