/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners: the processes whose memory is mapped, and their locked-memory accounts.
 *
 * Locking: charging and uncharging take mmap_lock of the owner for write, and vib_owner_release()
 * may free its memory; so of ours no lock but device_lock may be held, except where it says so.
 */
#ifndef VIB_OWNER_H
#define VIB_OWNER_H

#include <linux/cred.h>
#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/sched.h>

/**
 * struct vib_owner - the process whose memory a mapping pins and whose account it charges
 * @refs: one for each mapping, one for the ioas that keeps the latest owner at hand
 * @mm: the address space (mmgrab: the structure, not its memory)
 * @task: its thread group leader, whose RLIMIT_MEMLOCK is the limit
 * @cred: credentials of the process when the owner was made
 * @unlimited: @cred has CAP_IPC_LOCK, so the limit does not apply
 * @pool: what its mappings share, a reference, or NULL; set once
 */
struct vib_owner {
	refcount_t refs;
	struct mm_struct *mm;
	struct task_struct *task;
	const struct cred *cred;
	bool unlimited;
	struct vib_pool *pool;
};

static inline struct vib_owner *vib_owner_get(struct vib_owner *owner)
{
	refcount_inc(&owner->refs);
	return owner;
}

/* Return: a new owner for current; ERR_PTR: -ENODEV without an mm, -ENOMEM. */
struct vib_owner *vib_owner_new(void);

/*
 * Return: a reference to an owner for current: @latest if it still fits, else a new one, or
 * ERR_PTR.
 */
static inline struct vib_owner *vib_owner_current(struct vib_owner *latest)
{
	if (latest && latest->mm == current->mm && latest->task == current->group_leader &&
	    latest->cred == current_cred())
		return vib_owner_get(latest);
	return vib_owner_new();
}

/* Return: @owner->pool, which is found now if it is not set yet; NULL without memory. May sleep. */
struct vib_pool *vib_owner_pool(struct vib_owner *owner);

/* Frees an owner without references. */
void vib_owner_free(struct vib_owner *owner);

/* Drops @refs references, at least one unless @owner is NULL. */
static inline void vib_owner_put_many(struct vib_owner *owner, unsigned int refs)
{
	if (owner && refcount_sub_and_test(refs, &owner->refs))
		vib_owner_free(owner);
}

/* Drops a reference; @owner may be NULL. */
static inline void vib_owner_put(struct vib_owner *owner)
{
	vib_owner_put_many(owner, 1);
}

/*
 * Charges @npages to the owner's locked_vm. Return: 0; -ENOMEM above RLIMIT_MEMLOCK, unless the
 * owner is unlimited; -EINTR on a fatal signal, -ESRCH when the process has gone.
 */
int vib_owner_charge(struct vib_owner *owner, u64 npages);

/*
 * Charges as many of @npages as the limit allows. Return: how many, 0 to @npages; -EINTR on a fatal
 * signal. The caller holds the owner's memory (vib_owner_hold()).
 */
long vib_owner_charge_some(struct vib_owner *owner, u64 npages);

/* Charges beyond the limit, too; cannot fail. Only for pages that stay pinned and were charged. */
void vib_owner_recharge(struct vib_owner *owner, u64 npages);

/*
 * Takes back a charge; cannot fail. Does nothing if the process has gone: so has its account.
 */
void vib_owner_uncharge(struct vib_owner *owner, u64 npages);

/* The same, but stops on a fatal signal: -EINTR, with nothing taken back. */
int vib_owner_uncharge_killable(struct vib_owner *owner, u64 npages);

/*
 * Reads what the owner's process has locked and may lock, in pages, U64_MAX for no limit: a
 * snapshot without mmap_lock, so any lock may be held.
 */
void vib_owner_account(const struct vib_owner *owner, u64 *locked, u64 *limit);

/*
 * Charges for what may be pinned soon, if that leaves other threads room for far more: it may turn
 * out to need no charge. Return: @npages, or 0 with nothing charged.
 */
u64 vib_owner_charge_ahead(struct vib_owner *owner, u64 npages);

/* vib_owner_hold() and vib_owner_release() for an owner that is not current's. */
bool vib_owner_hold_other(struct vib_owner *owner);
void vib_owner_release_other(struct vib_owner *owner);

/*
 * Keeps the owner's memory from going away; current's own stays anyway. Return: false if it has
 * gone. Undone by vib_owner_release(), which frees the memory if it was the last user.
 */
static inline bool vib_owner_hold(struct vib_owner *owner)
{
	return owner->mm == current->mm || vib_owner_hold_other(owner);
}

static inline void vib_owner_release(struct vib_owner *owner)
{
	if (owner->mm != current->mm)
		vib_owner_release_other(owner);
}

/*
 * Between these two calls, what a kernel thread allocates with GFP_KERNEL_ACCOUNT is charged to the
 * memory cgroup of the owner, which is held. Return: for vib_owner_bill_end().
 */
struct mem_cgroup *vib_owner_bill_begin(struct vib_owner *owner);
void vib_owner_bill_end(struct mem_cgroup *bill);

/*
 * Copies between @buf and the owner's memory. Return: 0; -EFAULT on a fault, and unless current is
 * the owner or a kernel thread without memory of its own; -EPERM when the process has gone.
 */
int vib_owner_copy(struct vib_owner *owner, u64 vaddr, void *buf, size_t size, bool write);

#endif
