// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open, release and lookup of an ioas.
 *
 * The VFIO core runs a container's ioctl without a lock, also while the last group closes and the
 * ioas is released. So the core never gets a pointer: it gets a number (the handle), which every
 * call looks up, and each call holds a reference. Knows nothing of what the calls do.
 */
#include "engine.h"
#include "pages.h"
#include "states.h"
#include "trace/trace.h"

#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

/* Of all ioases, by their handles: looked up by every ioctl. Changed under handles_lock. */
static DEFINE_HASHTABLE(handles, 6);
static DEFINE_SPINLOCK(handles_lock);
static u32 latest_handle;

static atomic_t nr_ioases = ATOMIC_INIT(0);

static void init_ioas(struct vib_ioas *ioas)
{
	refcount_set(&ioas->refs, 1);
	init_rwsem(&ioas->domains_rwsem);
	INIT_LIST_HEAD(&ioas->domains);
	INIT_LIST_HEAD(&ioas->emulated);
	vib_ranges_init(&ioas->spare);
	mutex_init(&ioas->device_lock);
	INIT_LIST_HEAD(&ioas->devices);
	mutex_init(&ioas->tree_lock);
	vib_maptree_init(&ioas->tree);
	vib_ranges_init(&ioas->ranges);
	ioas->pgsizes = PAGE_MASK;
	ioas->coherent = true;
	init_waitqueue_head(&ioas->wait);
	ioas->kept = RB_ROOT;
	vib_spares_init(&ioas->spares);
	mutex_init(&ioas->bars_lock);
	init_waitqueue_head(&ioas->bars_wait);
}

/* Return: the ioas with this handle, or NULL. handles_lock or sched RCU is held. */
static struct vib_ioas *find_handle(u32 number)
{
	struct vib_ioas *ioas;

	hash_for_each_possible_rcu(handles, ioas, hash, number,
				   rcu_read_lock_sched_held() || lockdep_is_held(&handles_lock))
		if (ioas->handle == number)
			break;
	return ioas;
}

/*
 * Gives the ioas a free handle, and enters it. Each is the next number, so that a delayed call with
 * an old handle does not find another container.
 */
static void take_handle(struct vib_ioas *ioas)
{
	spin_lock(&handles_lock);
	do {
		latest_handle = latest_handle % S32_MAX + 1;
	} while (find_handle(latest_handle));
	ioas->handle = latest_handle;
	hash_add_rcu(handles, &ioas->hash, ioas->handle);
	spin_unlock(&handles_lock);
}

/* Takes a handle away. Return: its ioas, with the container's reference, or NULL. */
static struct vib_ioas *drop_handle(u32 number)
{
	struct vib_ioas *ioas;

	spin_lock(&handles_lock);
	ioas = find_handle(number);
	if (ioas)
		hash_del_rcu(&ioas->hash);
	spin_unlock(&handles_lock);
	return ioas;
}

void *vib_ioas_open(unsigned long type, bool v2, const struct vib_params *params,
		    vib_notify_fn notify)
{
	struct vib_ioas *ioas;

	ioas = kzalloc(sizeof(*ioas), GFP_KERNEL_ACCOUNT);
	if (!ioas)
		return ERR_PTR(-ENOMEM);
	init_ioas(ioas);
	ioas->type = type;
	ioas->v2 = v2;
	ioas->pid = task_tgid_nr(current);
	/* Its last byte is always 0. */
	memcpy(ioas->comm, current->group_leader->comm, sizeof(ioas->comm));
	ioas->params = params;
	ioas->notify = notify;
	ioas->entry_limit = READ_ONCE(params->dma_entry_limit);
	ioas->entries_left = ioas->entry_limit;
	atomic_inc(&nr_ioases);
	take_handle(ioas);
	return (void *)(unsigned long)ioas->handle;
}

struct vib_ioas *vib_ioas_get(void *handle)
{
	struct vib_ioas *ioas;

	/* Inlined on every kernel, unlike rcu_read_lock(). */
	rcu_read_lock_sched();
	ioas = find_handle((unsigned long)handle);
	if (ioas && !refcount_inc_not_zero(&ioas->refs))
		ioas = NULL;
	rcu_read_unlock_sched();
	return ioas;
}

static noinline void free_ioas(struct vib_ioas *ioas)
{
	LIST_HEAD(dead);

	/*
	 * After the release, mappings that an IOMMU driver did not unmap may have become DEAD, and
	 * pages that a device did not unpin may have been kept. No other call is left now.
	 */
	mutex_lock(&ioas->tree_lock);
	vib_ioas_take_dead(ioas, &dead);
	mutex_unlock(&ioas->tree_lock);
	vib_retire_unmapped(ioas, &dead);
	vib_pages_drop(&ioas->kept);
	vib_spares_fini(&ioas->spares);
	kvfree(ioas->spare_ops);
	vib_owner_put(ioas->latest);
	vib_ranges_fini(&ioas->spare);
	vib_ranges_fini(&ioas->ranges);
	/* The module may be unloaded from here on, after nr_ioases is 0 and this task has slept. */
	if (ioas->dying)
		module_put(THIS_MODULE);
	kfree_rcu(ioas, rcu);
	if (atomic_dec_and_test(&nr_ioases))
		wake_up_var(&nr_ioases);
}

void vib_ioas_put(struct vib_ioas *ioas)
{
	if (refcount_dec_and_test(&ioas->refs))
		free_ioas(ioas);
}

void vib_ioas_wait_all(void)
{
	wait_var_event(&nr_ioases, !atomic_read(&nr_ioases));
}

/* Return: the ioas with the lowest handle above @handle, or NULL. RCU is held. */
static struct vib_ioas *lowest_above(u32 handle)
{
	struct vib_ioas *ioas, *lowest = NULL;
	unsigned int bucket;

	hash_for_each_rcu(handles, bucket, ioas, hash)
		if (ioas->handle > handle && (!lowest || ioas->handle < lowest->handle))
			lowest = ioas;
	return lowest;
}

/* Return: a reference to the next ioas after @handle, or NULL. */
static struct vib_ioas *get_next(u32 handle)
{
	struct vib_ioas *ioas;

	rcu_read_lock();
	while ((ioas = lowest_above(handle)) && !refcount_inc_not_zero(&ioas->refs))
		handle = ioas->handle;
	rcu_read_unlock();
	return ioas;
}

int vib_ioas_for_each(int (*fn)(struct vib_ioas *ioas, void *data), void *data)
{
	struct vib_ioas *ioas;
	u32 handle = 0;
	int ret = 0;

	while (!ret && (ioas = get_next(handle))) {
		handle = ioas->handle;
		ret = fn(ioas, data);
		vib_ioas_put(ioas);
	}
	return ret;
}

void vib_ioas_release(void *handle)
{
	struct vib_ioas *ioas = drop_handle((unsigned long)handle);
	struct rb_root kept;
	LIST_HEAD(batch);

	if (WARN_ON_ONCE(!ioas))
		return;
	/*
	 * The core drops its module reference after this, but calls under way may run much longer.
	 */
	__module_get(THIS_MODULE);
	/* Walks under domains_rwsem rely on LIVE mappings to stay. */
	down_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	ioas->dying = true;
	/* Calls under way see @dying and end their own mappings. */
	vib_ioas_take_live(ioas, &batch);
	kept = ioas->kept;
	ioas->kept = RB_ROOT;
	mutex_unlock(&ioas->tree_lock);
	up_write(&ioas->domains_rwsem);
	vib_retire_unmapped(ioas, &batch);
	/* No driver can unpin anything through a container that has been released. */
	vib_pages_drop(&kept);
	vib_ioas_put(ioas);
}
