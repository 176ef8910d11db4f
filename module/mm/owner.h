/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owners: the processes whose memory is mapped, and their locked-memory accounts.
 *
 * Locking: takes mmap_lock of the owner, so none of ours may be held, except where it says so.
 */
#ifndef VIB_OWNER_H
#define VIB_OWNER_H

#include <linux/cred.h>
#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/sched.h>

/**
 * struct vib_owner - whose memory a mapping pins and whose account it charges
 * @refs: one for each mapping, one for the ioas that keeps the latest owner at hand
 * @mm: the address space (mmgrab: the structure, not its memory)
 * @task: its thread group leader, whose RLIMIT_MEMLOCK is the limit
 * @cred: the credentials that @unlimited was asked of
 * @unlimited: they had CAP_IPC_LOCK, so the limit does not hold; asked once for the same
 *	credentials
 */
struct vib_owner {
	refcount_t refs;
	struct mm_struct *mm;
	struct task_struct *task;
	const struct cred *cred;
	bool unlimited;
};

static inline struct vib_owner *vib_owner_get(struct vib_owner *owner)
{
	refcount_inc(&owner->refs);
	return owner;
}

/* An owner for current. -ENODEV without an mm, -ENOMEM. */
struct vib_owner *vib_owner_new(void);

/* A reference to the owner that current is: @latest if it is that, else a new one. */
static inline struct vib_owner *vib_owner_current(struct vib_owner *latest)
{
	if (latest && latest->mm == current->mm && latest->task == current->group_leader &&
	    latest->cred == current_cred())
		return vib_owner_get(latest);
	return vib_owner_new();
}

/* The last reference is gone. */
void vib_owner_free(struct vib_owner *owner);

/* Gives @refs references back, at least one unless @owner is NULL. */
static inline void vib_owner_put_many(struct vib_owner *owner, unsigned int refs)
{
	if (owner && refcount_sub_and_test(refs, &owner->refs))
		vib_owner_free(owner);
}

/* NULL is fine. */
static inline void vib_owner_put(struct vib_owner *owner)
{
	vib_owner_put_many(owner, 1);
}

/*
 * Charges @npages to the owner's locked_vm. -ENOMEM above RLIMIT_MEMLOCK, unless the owner is
 * unlimited. -EINTR on a fatal signal, -ESRCH when the process has gone.
 */
int vib_owner_charge(struct vib_owner *owner, u64 npages);

/*
 * Charges as many of @npages as the limit allows: how many, 0 to @npages. -EINTR on a fatal signal.
 * The caller holds the owner's memory.
 */
long vib_owner_charge_some(struct vib_owner *owner, u64 npages);

/* Charges whatever the limit; cannot fail. For charges that change hands, not for new ones. */
void vib_owner_recharge(struct vib_owner *owner, u64 npages);

/*
 * Takes back a charge; cannot fail. Does nothing when the process has gone: its account went with
 * it.
 */
void vib_owner_uncharge(struct vib_owner *owner, u64 npages);

/* The same, for who can go back: -EINTR on a fatal signal, with nothing taken back. */
int vib_owner_uncharge_killable(struct vib_owner *owner, u64 npages);

/*
 * What the owner's process has locked, in pages, and may lock: U64_MAX for no limit. For people;
 * may be called with anything held.
 */
void vib_owner_account(const struct vib_owner *owner, u64 *locked, u64 *limit);

/* vib_owner_hold() and vib_owner_release() of an owner who is not current. */
bool vib_owner_hold_other(struct vib_owner *owner);
void vib_owner_release_other(struct vib_owner *owner);

/*
 * Keeps the owner's memory from going away: current's own stays anyway. False when it has gone.
 * Undone by vib_owner_release(), which may be the last user of the memory and free it.
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
 * Copies between @buf and the owner's memory. Current must be the owner or have no memory of its
 * own (a kernel thread): -EFAULT else, and on a fault; -EPERM when the process has gone.
 */
int vib_owner_copy(struct vib_owner *owner, u64 vaddr, void *buf, size_t size, bool write);

#endif
