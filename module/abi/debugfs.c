// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file "containers": one block of "key: value" lines for each container that we serve. Reading
 * takes the ioas' locks only briefly, one after the other, so the sums are no snapshot; it never
 * walks a page table.
 */
#include "debugfs.h"

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "attach/group.h"
#include "usage.h"

static struct dentry *dir;

/**
 * struct group_type - the type of a group's default domain, from sysfs
 * @node: link in the list of one open file
 * @group: id of the group
 * @name: the type
 */
struct group_type {
	struct list_head node;
	int group;
	char name[16];
};

static const char *type_of(const struct list_head *types, int group)
{
	struct group_type *type;

	list_for_each_entry(type, types, node)
		if (type->group == group)
			return type->name;
	return "unknown";
}

static int show_name(struct device *dev, void *seq)
{
	seq_printf(seq, " %s", dev_name(dev));
	return 0;
}

static void show_groups(struct seq_file *seq, struct vib_domain *dom)
{
	struct vib_group *grp;

	list_for_each_entry(grp, &dom->groups, node) {
		int id = iommu_group_id(grp->iommu);

		seq_printf(seq, "group: %d domain %u %s (%s) devices", id, dom->id,
			   vib_reason_joined(grp->reason) ? "joined" : "new",
			   vib_reason_words(grp->reason));
		vib_resolve_each(grp->iommu, show_name, seq);
		seq_printf(seq, " default %s\n", type_of(seq->private, id));
	}
}

static void show_emulated(struct seq_file *seq, struct vib_ioas *ioas)
{
	struct vib_emulated *emu;

	list_for_each_entry(emu, &ioas->emulated, node) {
		seq_printf(seq, "emulated: %d devices", iommu_group_id(emu->iommu));
		vib_resolve_each(emu->iommu, show_name, seq);
		seq_putc(seq, '\n');
	}
}

static int show_domains(struct seq_file *seq, struct vib_ioas *ioas)
{
	struct vib_domain *dom;
	int ret;

	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret)
		return ret;
	list_for_each_entry(dom, &ioas->domains, node) {
		struct vib_range aperture = vib_domain_aperture(dom);

		seq_printf(seq, "domain: %u pgsizes 0x%llx aperture 0x%llx-0x%llx coherent %d%s\n",
			   dom->id, vib_domain_pgsizes(dom), aperture.start, aperture.last,
			   dom->coherent, vib_domain_whole(dom) ? "" : " filling");
		show_groups(seq, dom);
	}
	show_emulated(seq, ioas);
	up_read(&ioas->domains_rwsem);
	return 0;
}

static void show_usage(struct seq_file *seq, struct vib_ioas *ioas)
{
	struct vib_usage usage;

	vib_usage_read(ioas, &usage);
	seq_printf(seq, "pinned_pages: %llu\n", usage.pinned);
	seq_printf(seq, "accounted_pages: %llu\n", usage.accounted);
	seq_printf(seq, "shared_pages: %llu\n", usage.shared);
	seq_printf(seq, "device_pinned_pages: %llu\n", usage.device_pins);
	seq_printf(seq, "revoked_pages: %llu\n", usage.revoked);
	seq_printf(seq, "metadata_bytes: %llu\n", usage.metadata);
}

/* Shows the account of the owner of the latest mapping, mostly the only one. tree_lock is held. */
static void show_account(struct seq_file *seq, struct vib_ioas *ioas)
{
	u64 locked, limit;

	lockdep_assert_held(&ioas->tree_lock);
	if (!ioas->latest)
		return;
	vib_owner_account(ioas->latest, &locked, &limit);
	seq_printf(seq, "locked_pages: %llu\n", locked);
	if (limit == U64_MAX)
		seq_puts(seq, "locked_limit_pages: unlimited\n");
	else
		seq_printf(seq, "locked_limit_pages: %llu\n", limit);
}

static void show_tree(struct seq_file *seq, struct vib_ioas *ioas)
{
	u32 i;

	mutex_lock(&ioas->tree_lock);
	for (i = 0; ioas->restricted && i < ioas->ranges.nr; i++)
		seq_printf(seq, "window: 0x%llx-0x%llx\n", ioas->ranges.range[i].start,
			   ioas->ranges.range[i].last);
	seq_printf(seq, "mappings: %lu\n", ioas->tree.nr);
	seq_printf(seq, "entries_left: %ld\n", ioas->entries_left);
	seq_printf(seq, "maps: %llu\n", ioas->stats.maps);
	seq_printf(seq, "unmaps: %llu\n", ioas->stats.unmaps);
	seq_printf(seq, "syncs: %llu\n", ioas->stats.syncs);
	show_account(seq, ioas);
	mutex_unlock(&ioas->tree_lock);
}

static int show_ioas(struct vib_ioas *ioas, void *data)
{
	struct seq_file *seq = data;

	seq_printf(seq, "container: %u\n", ioas->handle);
	/* A process chooses its name, so it may hold any character. */
	seq_printf(seq, "owner: %d ", ioas->pid);
	seq_escape(seq, ioas->comm, "\n\\");
	seq_putc(seq, '\n');
	seq_printf(seq, "type: 0x%x\n", ioas->type);
	seq_printf(seq, "page_size: %lu\n", PAGE_SIZE);
	show_tree(seq, ioas);
	show_usage(seq, ioas);
	return show_domains(seq, ioas);
}

static int containers_show(struct seq_file *seq, void *unused)
{
	return vib_ioas_for_each(show_ioas, seq);
}

/* Adds an entry for each group; the type comes later, because no file is opened under a lock. */
static int note_groups(struct vib_ioas *ioas, void *types)
{
	struct group_type *type;
	struct vib_domain *dom;
	struct vib_group *grp;
	int ret;

	ret = down_read_killable(&ioas->domains_rwsem);
	if (ret)
		return ret;
	vib_for_each_group(ioas, dom, grp) {
		type = kmalloc(sizeof(*type), GFP_KERNEL);
		if (!type) {
			ret = -ENOMEM;
			goto out;
		}
		type->group = iommu_group_id(grp->iommu);
		list_add_tail(&type->node, types);
	}
out:
	up_read(&ioas->domains_rwsem);
	return ret;
}

static int note_types(struct list_head *types)
{
	struct group_type *type;
	int ret;

	ret = vib_ioas_for_each(note_groups, types);
	if (ret)
		return ret;
	list_for_each_entry(type, types, node)
		vib_resolve_default_type(type->group, type->name, sizeof(type->name));
	return 0;
}

static void free_types(struct list_head *types)
{
	struct group_type *type, *next;

	list_for_each_entry_safe(type, next, types, node)
		kfree(type);
	kfree(types);
}

/*
 * Reads the types here, not in containers_show(): seq_read() holds a lock then, of a class that
 * sysfs takes as well.
 */
static int containers_open(struct inode *inode, struct file *file)
{
	struct list_head *types = kmalloc(sizeof(*types), GFP_KERNEL);
	int ret;

	if (!types)
		return -ENOMEM;
	INIT_LIST_HEAD(types);
	ret = note_types(types);
	if (!ret)
		ret = single_open(file, containers_show, types);
	if (ret)
		free_types(types);
	return ret;
}

static int containers_release(struct inode *inode, struct file *file)
{
	struct seq_file *seq = file->private_data;

	free_types(seq->private);
	return single_release(inode, file);
}

static const struct file_operations containers_fops = {
	.owner = THIS_MODULE,
	.open = containers_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = containers_release,
};

void vib_debugfs_init(void)
{
	dir = debugfs_create_dir("vfio_iommu_batch", NULL);
	debugfs_create_file("containers", 0400, dir, NULL, &containers_fops);
}

void vib_debugfs_fini(void)
{
	debugfs_remove(dir);
}
