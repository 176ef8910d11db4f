// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that are kernel threads, where the kernel has nothing better. Knows nothing of the work.
 *
 * A helper is in the caller's cgroups, on those of its CPUs that are of its node and not isolated,
 * with its nice value; or it does nothing. It has left the caller's cgroups before the call ends: a
 * kernel thread that is still ending counts as one that does not freeze, and nobody looks again
 * when it is gone, so the cgroup would never be reported frozen.
 *
 * Moving a thread takes locks that fork, exec and exit of the whole system wait for, and so does
 * its coming up and its end. Whoever holds them must not be held up by the limits of the caller's
 * cgroups. So no helper moves itself: that is done by a worker, which is in the root cgroups, while
 * the helper is parked there after it has come up, or sleeps after its work.
 */
#include "helpers_kind.h"

#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "compat/memcg.h"

/* Helpers of all callers that may begin in a second, as moving one holds up others. */
#define MOST_A_SECOND	64

static struct workqueue_struct *mover;
static struct ratelimit_state helpers_begun;

/*
 * A helper has no memory of its own, so no OOM killer ever chooses it, and while it waits for
 * memory, so does its caller, which may have been chosen. PF_DUMPCORE is the flag of those for
 * whose sake nobody is killed: their fault fails instead, and the caller goes on alone.
 */
static int help_main(void *data)
{
	struct vib_helpers *helpers = data;
	struct mem_cgroup *bill;

	if (kthread_should_stop())
		return 0;
	/* For work that somebody has to end; nobody but the caller sends it. */
	allow_kernel_signal(SIGKILL);
	current->flags |= PF_DUMPCORE;
	bill = vib_compat_bill_begin(helpers->mm);
	helpers->work(helpers->data);
	vib_compat_bill_end(bill);
	current->flags &= ~PF_DUMPCORE;
	if (atomic_dec_and_test(&helpers->working))
		wake_up(&helpers->idle);
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Is it in the caller's cgroups? Moving says yes where it has not: in 5.10 with cgroup v2. */
static bool is_limited_alike(struct task_struct *caller, struct task_struct *task)
{
	struct css_set *theirs, *own;
	bool alike;

	rcu_read_lock();
	theirs = rcu_dereference(caller->cgroups);
	own = rcu_dereference(task->cgroups);
	alike = !memcmp(theirs->subsys, own->subsys, sizeof(own->subsys));
	rcu_read_unlock();
	return alike;
}

/* Makes a helper what the caller is, as far as limits and accounts go. It is parked then. */
static bool follow_caller(struct vib_helpers *helpers, struct task_struct *task)
{
	if (kthread_park(task) || cgroup_attach_task_all(helpers->caller, task) ||
	    !is_limited_alike(helpers->caller, task) || set_cpus_allowed_ptr(task, helpers->cpus))
		return false;
	set_user_nice(task, task_nice(helpers->caller));
	return true;
}

static void let_begin(struct vib_helpers *helpers, struct task_struct *task)
{
	if (!follow_caller(helpers, task)) {
		WRITE_ONCE(helpers->refused, true);
		return;
	}
	atomic_inc(&helpers->working);
	helpers->begun++;
	kthread_unpark(task);
}

static void move_in(struct work_struct *work)
{
	struct vib_helpers *helpers = container_of(work, struct vib_helpers, come);

	/* Pairs with vib_helper_kind_start(): the task is there. */
	while (helpers->moved < smp_load_acquire(&helpers->started) && !helpers->refused &&
	       helpers->has_work(helpers->data))
		let_begin(helpers, helpers->helper[helpers->moved++]);
}

/*
 * To where the calling thread runs: whoever else is there leaves that CPU to others. On another
 * one, which the kernel was not told is isolated, a thread in real time may never do that.
 */
static void gather_helper(struct task_struct *task)
{
	set_cpus_allowed_ptr(task, cpumask_of(raw_smp_processor_id()));
}

void vib_helpers_gather(struct vib_helpers *helpers)
{
	unsigned int i;

	for (i = 0; i < helpers->started; i++)
		gather_helper(helpers->helper[i]);
}

/* Without memory to move a helper, it is as if it had stayed. */
static void move_out(struct work_struct *work)
{
	struct vib_helpers *helpers = container_of(work, struct vib_helpers, leave);
	unsigned int i;

	for (i = 0; i < helpers->moved; i++) {
		(void)cgroup_attach_task_all(&init_task, helpers->helper[i]);
		set_user_nice(helpers->helper[i], 0);
		/* That it was moved gave it all CPUs. */
		gather_helper(helpers->helper[i]);
	}
}

void vib_helper_kind_begin(struct vib_helpers *helpers)
{
	helpers->caller = current;
	helpers->moved = 0;
	helpers->refused = false;
	INIT_WORK_ONSTACK(&helpers->come, move_in);
	INIT_WORK_ONSTACK(&helpers->leave, move_out);
}

static struct task_struct *new_helper(struct vib_helpers *helpers)
{
	struct task_struct *task;

	if (READ_ONCE(helpers->refused) || !__ratelimit(&helpers_begun))
		return NULL;
	task = kthread_create_on_node(help_main, helpers, NUMA_NO_NODE, "%s/%d", helpers->name,
				      current->tgid);
	return IS_ERR(task) ? NULL : get_task_struct(task);
}

unsigned int vib_helper_kind_start(struct vib_helpers *helpers, unsigned int nr)
{
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		task = new_helper(helpers);
		if (!task)
			break;
		helpers->helper[helpers->started] = task;
		/* Pairs with move_in(), which may be running. */
		smp_store_release(&helpers->started, helpers->started + 1);
	}
	if (i)
		queue_work(mover, &helpers->come);
	return i;
}

void vib_helper_kind_end(struct vib_helpers *helpers)
{
	unsigned int i;

	/* Ends a fault that waits for memory of the cgroup. */
	for (i = 0; i < helpers->started; i++)
		send_sig(SIGKILL, helpers->helper[i], 1);
	cancel_work_sync(&helpers->come);
	while (!wait_event_timeout(helpers->idle, !atomic_read(&helpers->working),
				   VIB_HELPERS_PATIENCE))
		vib_helpers_gather(helpers);
	if (helpers->moved) {
		queue_work(mover, &helpers->leave);
		flush_work(&helpers->leave);
	}
	for (i = 0; i < helpers->started; i++) {
		kthread_stop(helpers->helper[i]);
		put_task_struct(helpers->helper[i]);
	}
	destroy_work_on_stack(&helpers->come);
	destroy_work_on_stack(&helpers->leave);
}

/*
 * A caller that is killed for lack of memory waits for the mover, and its memory is free when it is
 * gone. So the mover must not need memory for a thread to work in: WQ_MEM_RECLAIM. Ordered: who
 * waits for those locks does so once for all.
 */
int vib_helpers_init(void)
{
	ratelimit_state_init(&helpers_begun, HZ, MOST_A_SECOND);
	/* Without a word in the log. */
	ratelimit_set_flags(&helpers_begun, RATELIMIT_MSG_ON_RELEASE);
	mover = alloc_ordered_workqueue("vib-helpers", WQ_MEM_RECLAIM);
	return mover ? 0 : -ENOMEM;
}

void vib_helpers_fini(void)
{
	destroy_workqueue(mover);
}
