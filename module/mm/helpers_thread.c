// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers that are threads of the caller's process. Knows nothing of the work.
 *
 * Such a thread is born in the caller's cgroups and cpuset, with its nice value, memory policy and
 * limits, dies with the process, and is chosen with it by the OOM killer. Nothing is moved, and no
 * lock of others is held. To the outside it is one more thread of the process; when the call ends
 * it is gone, unless it has not begun: a cgroup that is being frozen, a debugger or a signal may
 * keep it from that for long. When it is let go it has itself stopped, by a worker.
 *
 * Invariants: of a helper and its caller, the first to change @state decides whether it works. One
 * that does counts in @working until its work has ended, and has left its task by then. One that
 * does not knows nothing of the caller, which knows it no more, and keeps the module in place.
 */
#include "helpers_kind.h"

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

enum helper_state { HELPER_NEW, HELPER_BEGUN, HELPER_CANCELLED, HELPER_LEAVING };

/* How long a caller waits for helpers to begin that it has no more work for: 1 to 2 ms. */
enum { BEGIN_LOOKS = 20, BEGIN_US = 50 };

/**
 * struct thread_helper - a helper
 * @helpers: all of that caller; not of one that is cancelled
 * @thread: for its end
 * @task: a reference, if it has begun
 * @state: enum helper_state
 * @ending: it is about to be stopped
 * @stop: ends one that was cancelled and has come to know of it
 */
struct thread_helper {
	struct vib_helpers *helpers;
	struct vhost_task *thread;
	struct task_struct *task;
	atomic_t state;
	bool ending;
	struct work_struct stop;
};

static struct workqueue_struct *stopper;

static bool change_state(struct thread_helper *helper, enum helper_state from,
			 enum helper_state to)
{
	return atomic_cmpxchg(&helper->state, from, to) == from;
}

static void end_work(struct vib_helpers *helpers)
{
	if (atomic_dec_and_test(&helpers->working))
		wake_up(&helpers->idle);
}

static void do_work(struct thread_helper *helper)
{
	struct vib_helpers *helpers = helper->helpers;
	sigset_t blocked;

	/* The kernel has left SIGSTOP out, which may be for any thread of the process. */
	siginitsetinv(&blocked, sigmask(SIGKILL));
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	WRITE_ONCE(helper->task, get_task_struct(current));
	if (!set_cpus_allowed_ptr(current, helpers->cpus))
		helpers->work(helpers->data);
	end_work(helpers);
}

/* Until the caller is about to stop it. Signals do not wake it. */
static void await_end(struct thread_helper *helper)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (READ_ONCE(helper->ending))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/*
 * Lets the thread go to its end without a look at signals: in a cgroup that is being frozen, or a
 * process that is being stopped, it would stay there, and so would the caller, which waits for that
 * end. It no longer counts for who waits until all threads have stopped; the caller still does.
 */
static void skip_signals(void)
{
	const unsigned long stop = JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME;

	spin_lock_irq(&current->sighand->siglock);
	if ((current->jobctl & stop) == stop && current->signal->group_stop_count > 1)
		current->signal->group_stop_count--;
	current->jobctl &= ~stop;
	clear_notify_signal();
	clear_thread_flag(TIF_SIGPENDING);
	spin_unlock_irq(&current->sighand->siglock);
}

/* One that nobody waits for has itself stopped. */
static void leave_cancelled(struct thread_helper *helper)
{
	if (change_state(helper, HELPER_CANCELLED, HELPER_LEAVING))
		queue_work(stopper, &helper->stop);
}

/*
 * The kernel calls this in a loop, about to sleep, and looks for signals before each turn. So it
 * does not return before the end has come, and again if that was too early. Return: has anything
 * been done? If not, it sleeps until it is stopped.
 */
static bool thread_main(void *data)
{
	struct thread_helper *helper = data;
	bool first = change_state(helper, HELPER_NEW, HELPER_BEGUN);

	if (!first && atomic_read(&helper->state) != HELPER_BEGUN) {
		leave_cancelled(helper);
		return false;
	}
	if (first) {
		__set_current_state(TASK_RUNNING);
		do_work(helper);
		await_end(helper);
	} else {
		schedule_timeout_idle(1);
	}
	skip_signals();
	return true;
}

/* The process is being killed. */
static void thread_killed(void *data)
{
	struct thread_helper *helper = data;

	if (!change_state(helper, HELPER_NEW, HELPER_BEGUN)) {
		leave_cancelled(helper);
		return;
	}
	WRITE_ONCE(helper->task, get_task_struct(current));
	end_work(helper->helpers);
}

static void stop_cancelled(struct work_struct *work)
{
	struct thread_helper *helper = container_of(work, struct thread_helper, stop);

	vhost_task_stop(helper->thread);
	kfree(helper);
	/* Before its code goes, the module waits for the end of this. */
	module_put(THIS_MODULE);
}

void vib_helper_kind_begin(struct vib_helpers *helpers)
{
	helpers->refused = false;
}

static struct thread_helper *new_thread(struct vib_helpers *helpers)
{
	struct thread_helper *helper = kzalloc(sizeof(*helper), GFP_KERNEL_ACCOUNT);

	if (!helper)
		return NULL;
	helper->helpers = helpers;
	atomic_set(&helper->state, HELPER_NEW);
	INIT_WORK(&helper->stop, stop_cancelled);
	helper->thread = vib_compat_thread_create(thread_main, thread_killed, helper,
						  helpers->name);
	if (helper->thread)
		return helper;
	kfree(helper);
	return NULL;
}

unsigned int vib_helper_kind_start(struct vib_helpers *helpers, unsigned int nr)
{
	struct thread_helper *helper;
	unsigned int i;

	for (i = 0; i < nr && !helpers->refused && helpers->has_work(helpers->data); i++) {
		helper = new_thread(helpers);
		helpers->refused = !helper;
		if (!helper)
			break;
		helpers->helper[helpers->started++] = helper;
		atomic_inc(&helpers->working);
		vhost_task_start(helper->thread);
	}
	return i;
}

/* A thread that has begun goes on where the caller runs. */
void vib_helpers_gather(struct vib_helpers *helpers)
{
	struct thread_helper *helper;
	struct task_struct *task;
	unsigned int i;

	for (i = 0; i < helpers->started; i++) {
		helper = helpers->helper[i];
		task = READ_ONCE(helper->task);
		if (task)
			set_cpus_allowed_ptr(task, cpumask_of(raw_smp_processor_id()));
	}
}

static void stop_begun(struct thread_helper *helper)
{
	WRITE_ONCE(helper->ending, true);
	vhost_task_stop(helper->thread);
}

/*
 * Until the process has one thread less, which a client with a single one may rely on. One that is
 * traced may be kept by its tracer. If memory is dumped, or all threads are asked for something, it
 * may wait in its end for the caller.
 */
static void await_exit(struct task_struct *task)
{
	while (pid_alive(task) && !READ_ONCE(task->ptrace) && !fatal_signal_pending(current) &&
	       !test_thread_flag(TIF_NOTIFY_SIGNAL))
		usleep_range(10, 50);
	put_task_struct(task);
}

static bool have_begun(const struct vib_helpers *helpers)
{
	const struct thread_helper *helper;
	unsigned int i;

	for (i = 0; i < helpers->started; i++) {
		helper = helpers->helper[i];
		if (atomic_read(&helper->state) == HELPER_NEW)
			return false;
	}
	return true;
}

/* Some may merely have had no CPU yet. */
static void await_begin(const struct vib_helpers *helpers)
{
	unsigned int i;

	for (i = 0; i < BEGIN_LOOKS && !have_begun(helpers) && !signal_pending(current); i++)
		usleep_range(BEGIN_US, 2 * BEGIN_US);
}

static bool cancel_one(struct thread_helper *helper)
{
	__module_get(THIS_MODULE);
	if (change_state(helper, HELPER_NEW, HELPER_CANCELLED))
		return true;
	module_put(THIS_MODULE);
	return false;
}

/* Those that have not begun never will. Return: how many are left. */
static unsigned int cancel_new(struct vib_helpers *helpers)
{
	struct thread_helper *helper;
	unsigned int i, left = 0;

	for (i = 0; i < helpers->started; i++) {
		helper = helpers->helper[i];
		if (cancel_one(helper))
			end_work(helpers);
		else
			helpers->helper[left++] = helper;
	}
	return left;
}

void vib_helper_kind_end(struct vib_helpers *helpers)
{
	struct thread_helper *helper;
	unsigned int i;

	await_begin(helpers);
	helpers->begun = cancel_new(helpers);
	helpers->started = helpers->begun;
	while (!wait_event_timeout(helpers->idle, !atomic_read(&helpers->working),
				   VIB_HELPERS_PATIENCE))
		vib_helpers_gather(helpers);
	for (i = 0; i < helpers->begun; i++)
		stop_begun(helpers->helper[i]);
	for (i = 0; i < helpers->begun; i++) {
		helper = helpers->helper[i];
		await_exit(helper->task);
		kfree(helper);
	}
}

int vib_helpers_init(void)
{
	stopper = alloc_workqueue("vib-helpers", WQ_UNBOUND, 0);
	return stopper ? 0 : -ENOMEM;
}

void vib_helpers_fini(void)
{
	destroy_workqueue(stopper);
}
