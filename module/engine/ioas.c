// SPDX-License-Identifier: GPL-2.0-only
/*
 * Birth and death of an ioas, and the way from the VFIO core to it.
 *
 * The core runs a container's ioctl without a lock, also while the last group is closing and the
 * ioas goes away under it. So the core never gets a pointer: it gets a number, looked up in every
 * call, and each call holds a reference. Knows nothing of what the calls do.
 */
#include "engine.h"
#include "pages.h"
#include "states.h"
#include "trace/trace.h"

#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>

/* Gives out handles, and knows their order. */
static DEFINE_XARRAY_ALLOC1(ioases);
static u32 next_handle;

/* The same ioases for every ioctl to look up: next to nothing, where an xarray takes four calls. */
static DEFINE_HASHTABLE(handles, 6);
static DEFINE_SPINLOCK(handles_lock);

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
	mutex_init(&ioas->bars_lock);
	init_waitqueue_head(&ioas->bars_wait);
}

void *vib_ioas_open(unsigned long type, bool v2, const struct vib_params *params,
		    vib_notify_fn notify)
{
	struct vib_ioas *ioas;
	int ret;

	ioas = kzalloc(sizeof(*ioas), GFP_KERNEL_ACCOUNT);
	if (!ioas)
		return ERR_PTR(-ENOMEM);
	init_ioas(ioas);
	ioas->type = type;
	ioas->v2 = v2;
	ioas->pid = task_tgid_nr(current);
	get_task_comm(ioas->comm, current->group_leader);
	ioas->params = params;
	ioas->notify = notify;
	ioas->entry_limit = READ_ONCE(params->dma_entry_limit);
	ioas->entries_left = ioas->entry_limit;
	atomic_inc(&nr_ioases);
	/*
	 * A number is not used again soon: a call that comes late must not find another container.
	 */
	ret = xa_alloc_cyclic(&ioases, &ioas->handle, ioas, xa_limit_31b, &next_handle,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0) {
		vib_ioas_put(ioas);
		return ERR_PTR(ret);
	}
	spin_lock(&handles_lock);
	hash_add_rcu(handles, &ioas->hash, ioas->handle);
	spin_unlock(&handles_lock);
	return (void *)(unsigned long)ioas->handle;
}

struct vib_ioas *vib_ioas_get(void *handle)
{
	u32 number = (unsigned long)handle;
	struct vib_ioas *ioas;

	/* Inline, unlike rcu_read_lock(). */
	rcu_read_lock_sched();
	hash_for_each_possible_rcu(handles, ioas, hash, number, rcu_read_lock_sched_held())
		if (ioas->handle == number)
			break;
	if (ioas && !refcount_inc_not_zero(&ioas->refs))
		ioas = NULL;
	rcu_read_unlock_sched();
	return ioas;
}

void vib_ioas_put(struct vib_ioas *ioas)
{
	LIST_HEAD(dead);

	if (!refcount_dec_and_test(&ioas->refs))
		return;
	/*
	 * What a driver did not unmap may have become DEAD after the release, and what a device did
	 * not unpin, kept; nobody else is here now.
	 */
	mutex_lock(&ioas->tree_lock);
	vib_ioas_take_dead(ioas, &dead);
	mutex_unlock(&ioas->tree_lock);
	vib_retire_unmapped(ioas, &dead);
	vib_pages_drop(&ioas->kept);
	vib_owner_put(ioas->latest);
	vib_ranges_fini(&ioas->spare);
	vib_ranges_fini(&ioas->ranges);
	/* The module may go from here on; it waits for the count, and this task's next switch. */
	if (ioas->dying)
		module_put(THIS_MODULE);
	kfree_rcu(ioas, rcu);
	if (atomic_dec_and_test(&nr_ioases))
		wake_up_var(&nr_ioases);
}

void vib_ioas_wait_all(void)
{
	wait_var_event(&nr_ioases, !atomic_read(&nr_ioases));
}

int vib_ioas_for_each(int (*fn)(struct vib_ioas *ioas, void *data), void *data)
{
	struct vib_ioas *ioas;
	unsigned long handle;
	int ret = 0;

	xa_for_each(&ioases, handle, ioas) {
		ioas = vib_ioas_get((void *)handle);
		if (!ioas)
			continue;
		ret = fn(ioas, data);
		vib_ioas_put(ioas);
		if (ret)
			break;
	}
	return ret;
}

void vib_ioas_release(void *handle)
{
	struct vib_ioas *ioas = xa_erase(&ioases, (unsigned long)handle);
	struct rb_root kept;
	LIST_HEAD(batch);

	if (WARN_ON_ONCE(!ioas))
		return;
	/* The core lets the module go after this, but calls under way may be there for long yet. */
	__module_get(THIS_MODULE);
	spin_lock(&handles_lock);
	hash_del_rcu(&ioas->hash);
	spin_unlock(&handles_lock);
	/* Whoever walks the mappings under domains_rwsem relies on LIVE ones to stay. */
	down_write(&ioas->domains_rwsem);
	mutex_lock(&ioas->tree_lock);
	ioas->dying = true;
	/* Calls under way see @dying and take their own mappings away. */
	vib_ioas_take_live(ioas, &batch);
	kept = ioas->kept;
	ioas->kept = RB_ROOT;
	mutex_unlock(&ioas->tree_lock);
	up_write(&ioas->domains_rwsem);
	vib_retire_unmapped(ioas, &batch);
	/* Nothing can be unpinned through a container that has been released. */
	vib_pages_drop(&kept);
	vib_ioas_put(ioas);
}
