// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process behind a mapping: references to it, its locked-memory account, and copies to and from
 * its memory. The only code that changes locked_vm, under mmap_lock held for write. Knows nothing
 * of pages or mappings.
 *
 * Invariant: an owner keeps the structures of its process, never its memory. Code that needs the
 * memory holds it meanwhile (vib_owner_hold()); the account of a process that has gone needs no
 * settling.
 */
#include "owner.h"

#include <linux/capability.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/memcg.h"
#include "pool.h"

enum {
	ROOM_AHEAD = 16,		/* the limit leaves this many times what is charged ahead */
};

struct vib_owner *vib_owner_new(void)
{
	struct mm_struct *mm = current->mm;
	struct vib_owner *owner;

	if (!mm)
		return ERR_PTR(-ENODEV);
	owner = kmalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner)
		return ERR_PTR(-ENOMEM);
	refcount_set(&owner->refs, 1);
	mmgrab(mm);
	owner->mm = mm;
	owner->task = get_task_struct(current->group_leader);
	owner->cred = get_current_cred();
	owner->unlimited = capable(CAP_IPC_LOCK);
	owner->pool = NULL;
	return owner;
}

struct vib_pool *vib_owner_pool(struct vib_owner *owner)
{
	struct vib_pool *pool = READ_ONCE(owner->pool);

	if (pool)
		return pool;
	pool = vib_pool_get(owner->mm);
	if (pool && cmpxchg(&owner->pool, NULL, pool))
		vib_pool_put(pool);
	return READ_ONCE(owner->pool);
}

void vib_owner_free(struct vib_owner *owner)
{
	vib_pool_put(owner->pool);
	put_cred(owner->cred);
	put_task_struct(owner->task);
	mmdrop(owner->mm);
	kfree(owner);
}

bool vib_owner_hold_other(struct vib_owner *owner)
{
	return mmget_not_zero(owner->mm);
}

void vib_owner_release_other(struct vib_owner *owner)
{
	mmput(owner->mm);
}

struct mem_cgroup *vib_owner_bill_begin(struct vib_owner *owner)
{
	return vib_compat_bill_begin(owner->mm);
}

void vib_owner_bill_end(struct mem_cgroup *bill)
{
	vib_compat_bill_end(bill);
}

int vib_owner_charge(struct vib_owner *owner, u64 npages)
{
	int ret;

	if (!npages)
		return 0;
	if (!vib_owner_hold(owner))
		return -ESRCH;
	ret = mmap_write_lock_killable(owner->mm);
	if (!ret) {
		ret = __account_locked_vm(owner->mm, npages, true, owner->task,
					  owner->unlimited);
		mmap_write_unlock(owner->mm);
	}
	vib_owner_release(owner);
	return ret;
}

/* Return: how many of @npages the limit allows. mmap_lock is held. */
static u64 within_limit(const struct vib_owner *owner, u64 npages)
{
	u64 limit = task_rlimit(owner->task, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	u64 locked = owner->mm->locked_vm;

	return locked < limit ? min(npages, limit - locked) : 0;
}

long vib_owner_charge_some(struct vib_owner *owner, u64 npages)
{
	struct mm_struct *mm = owner->mm;
	int ret = mmap_write_lock_killable(mm);

	if (ret)
		return ret;
	if (!owner->unlimited)
		npages = within_limit(owner, npages);
	mm->locked_vm += npages;
	mmap_write_unlock(mm);
	return npages;
}

void vib_owner_recharge(struct vib_owner *owner, u64 npages)
{
	if (!npages || !vib_owner_hold(owner))
		return;
	mmap_write_lock(owner->mm);
	__account_locked_vm(owner->mm, npages, true, owner->task, true);
	mmap_write_unlock(owner->mm);
	vib_owner_release(owner);
}

/* Takes back a charge. mmap_lock is held for write. */
static void take_back(struct mm_struct *mm, u64 npages)
{
	lockdep_assert_held_write(&mm->mmap_lock);
	WARN_ON_ONCE(npages > mm->locked_vm);
	mm->locked_vm -= npages;
}

void vib_owner_uncharge(struct vib_owner *owner, u64 npages)
{
	if (!npages || !vib_owner_hold(owner))
		return;
	mmap_write_lock(owner->mm);
	take_back(owner->mm, npages);
	mmap_write_unlock(owner->mm);
	vib_owner_release(owner);
}

int vib_owner_uncharge_killable(struct vib_owner *owner, u64 npages)
{
	int ret;

	if (!npages || !vib_owner_hold(owner))
		return 0;
	ret = mmap_write_lock_killable(owner->mm);
	if (!ret) {
		take_back(owner->mm, npages);
		mmap_write_unlock(owner->mm);
	}
	vib_owner_release(owner);
	return ret;
}

void vib_owner_account(const struct vib_owner *owner, u64 *locked, u64 *limit)
{
	unsigned long bytes = task_rlimit(owner->task, RLIMIT_MEMLOCK);

	*locked = READ_ONCE(owner->mm->locked_vm);
	*limit = owner->unlimited || bytes == RLIM_INFINITY ? U64_MAX : bytes >> PAGE_SHIFT;
}

u64 vib_owner_charge_ahead(struct vib_owner *owner, u64 npages)
{
	u64 locked, limit;

	vib_owner_account(owner, &locked, &limit);
	if (limit != U64_MAX && locked + ROOM_AHEAD * npages > limit)
		return 0;
	return vib_owner_charge(owner, npages) ? 0 : npages;
}

static int copy_bytes(u64 vaddr, void *buf, size_t size, bool write)
{
	void __user *user = (void __user *)(unsigned long)vaddr;

	if (write)
		return copy_to_user(user, buf, size) ? -EFAULT : 0;
	return copy_from_user(buf, user, size) ? -EFAULT : 0;
}

int vib_owner_copy(struct vib_owner *owner, u64 vaddr, void *buf, size_t size, bool write)
{
	/* An exiting process has no mm either, but must not adopt one. */
	bool kthread = current->flags & PF_KTHREAD && !current->mm;
	int ret;

	if (!vib_owner_hold(owner))
		return -EPERM;
	if (kthread)
		kthread_use_mm(owner->mm);
	if (current->mm == owner->mm)
		ret = copy_bytes(vaddr, buf, size, write);
	else
		ret = -EFAULT;
	if (kthread)
		kthread_unuse_mm(owner->mm);
	vib_owner_release(owner);
	return ret;
}
