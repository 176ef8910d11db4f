// SPDX-License-Identifier: GPL-2.0-only
/*
 * Comes and goes with a caller. Knows nothing of the work.
 *
 * A helper is a kernel thread in the caller's cgroups, on those of its CPUs that are of its node
 * and not isolated, with its nice value; or it does nothing. It has left the caller's cgroups
 * before the call ends: a kernel thread that is still ending counts as one that does not freeze,
 * and nobody looks again when it is gone, so the cgroup would never be reported frozen.
 *
 * Moving a thread takes locks that fork, exec and exit of the whole system wait for, and so does
 * its coming up and its end. Whoever holds them must not be held up by the limits of the caller's
 * cgroups. So no helper moves itself: that is done by a worker, which is in the root cgroups, while
 * the helper is parked there after it has come up, or sleeps after its work.
 *
 * The caller may be exiting: its cgroups are valid until its files are closed, and its memory is
 * not looked at.
 */
#include "helpers.h"

#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/ratelimit.h>
#include <linux/sched/task.h>
#include <linux/topology.h>

#include "compat/cpu.h"

/* Helpers of all callers that may begin in a second, as moving one holds up others. */
#define MOST_A_SECOND	64

static struct workqueue_struct *mover;

/* Helpers of all callers. */
static atomic_t helpers_alive = ATOMIC_INIT(0);
static struct ratelimit_state helpers_begun;

/* Half of the machine's CPUs, whoever may use them all, and however many map at once. */
static bool take_place(void)
{
	int most = max(num_online_cpus() / 2, 1U);

	if (atomic_inc_return(&helpers_alive) <= most && __ratelimit(&helpers_begun))
		return true;
	atomic_dec(&helpers_alive);
	return false;
}

static void return_place(void)
{
	atomic_dec(&helpers_alive);
}

/*
 * A helper has no memory of its own, so no OOM killer ever chooses it, and while it waits for
 * memory, so does its caller, which may have been chosen. PF_DUMPCORE is the flag of those for
 * whose sake nobody is killed: their fault fails instead, and the caller goes on alone.
 */
static int help_main(void *data)
{
	struct vib_helpers *helpers = data;

	if (kthread_should_stop())
		return 0;
	/* For work that somebody has to end; nobody but the caller sends it. */
	allow_kernel_signal(SIGKILL);
	current->flags |= PF_DUMPCORE;
	helpers->work(helpers->data);
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

	/* Pairs with vib_helpers_start(): the task is there. */
	while (helpers->moved < smp_load_acquire(&helpers->started) && !helpers->refused &&
	       helpers->has_work(helpers->data))
		let_begin(helpers, helpers->task[helpers->moved++]);
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
		gather_helper(helpers->task[i]);
}

/* Without memory to move a helper, it is as if it had stayed. */
static void move_out(struct work_struct *work)
{
	struct vib_helpers *helpers = container_of(work, struct vib_helpers, leave);
	unsigned int i;

	for (i = 0; i < helpers->moved; i++) {
		(void)cgroup_attach_task_all(&init_task, helpers->task[i]);
		set_user_nice(helpers->task[i], 0);
		/* That it was moved gave it all CPUs. */
		gather_helper(helpers->task[i]);
	}
}

/* Would helpers do what the caller does, as far as scheduling goes? */
static bool can_be_followed(void)
{
	return !(current->flags & PF_KTHREAD) &&
	       (current->policy == SCHED_NORMAL || current->policy == SCHED_BATCH);
}

/*
 * The CPUs of helpers: those of the caller's node, as memory comes from the node of who touches it.
 * On isolated CPUs somebody may poll, for ever and in real time.
 * Return: how many there are, the caller's included.
 */
static unsigned int choose_cpus(struct vib_helpers *helpers)
{
	struct cpumask *cpus = helpers->cpus;
	int cpu;

	cpumask_and(cpus, &current->cpus_mask, cpumask_of_node(numa_node_id()));
	cpumask_and(cpus, cpus, cpu_online_mask);
	rcu_read_lock();
	if (vib_compat_is_isolated(raw_smp_processor_id()))
		cpumask_clear(cpus);
	for_each_cpu(cpu, cpus)
		if (vib_compat_is_isolated(cpu))
			cpumask_clear_cpu(cpu, cpus);
	rcu_read_unlock();
	return cpumask_weight(cpus);
}

unsigned int vib_helpers_begin(struct vib_helpers *helpers, unsigned int threads)
{
	if (threads < 2 || !can_be_followed())
		return 0;
	if (!alloc_cpumask_var(&helpers->cpus, GFP_KERNEL_ACCOUNT))
		return 0;
	threads = min3(threads, choose_cpus(helpers), (unsigned int)VIB_MAP_THREADS);
	if (threads < 2) {
		free_cpumask_var(helpers->cpus);
		return 0;
	}
	helpers->caller = current;
	helpers->started = 0;
	helpers->moved = 0;
	helpers->begun = 0;
	helpers->refused = false;
	atomic_set(&helpers->working, 0);
	init_waitqueue_head(&helpers->idle);
	INIT_WORK_ONSTACK(&helpers->come, move_in);
	INIT_WORK_ONSTACK(&helpers->leave, move_out);
	return threads - 1;
}

static struct task_struct *new_helper(struct vib_helpers *helpers)
{
	struct task_struct *task;

	if (!take_place())
		return NULL;
	task = kthread_create_on_node(help_main, helpers, NUMA_NO_NODE, "%s/%d", helpers->name,
				      current->tgid);
	if (!IS_ERR(task))
		return get_task_struct(task);
	return_place();
	return NULL;
}

void vib_helpers_start(struct vib_helpers *helpers, unsigned int nr)
{
	struct task_struct *task;

	for (; nr && !READ_ONCE(helpers->refused); nr--) {
		task = new_helper(helpers);
		if (!task)
			break;
		helpers->task[helpers->started] = task;
		/* Pairs with move_in(), which may be running. */
		smp_store_release(&helpers->started, helpers->started + 1);
	}
	if (helpers->started)
		queue_work(mover, &helpers->come);
}

void vib_helpers_end(struct vib_helpers *helpers)
{
	unsigned int i;

	cancel_work_sync(&helpers->come);
	while (!wait_event_timeout(helpers->idle, !atomic_read(&helpers->working),
				   VIB_HELPERS_PATIENCE))
		vib_helpers_gather(helpers);
	if (helpers->moved) {
		queue_work(mover, &helpers->leave);
		flush_work(&helpers->leave);
	}
	for (i = 0; i < helpers->started; i++) {
		kthread_stop(helpers->task[i]);
		put_task_struct(helpers->task[i]);
		return_place();
	}
	destroy_work_on_stack(&helpers->come);
	destroy_work_on_stack(&helpers->leave);
	free_cpumask_var(helpers->cpus);
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
