/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers: threads that do a part of a call's work for its caller, on the caller's account. They
 * are gone when the call ends. What the work is, the caller knows. They are threads of the caller's
 * process where the kernel lets a module have such, else kernel threads that follow the caller.
 *
 * Locking: all functions may sleep, and wait for a helper's work, so of ours no lock may be held
 * that it needs. What VFIO and the driver core hold around a call (locks of the container, of its
 * groups and, while a driver is unbound, of devices) no helper may need either.
 */
#ifndef VIB_HELPERS_H
#define VIB_HELPERS_H

#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat/helper.h"
#include "params.h"

/* How long a caller waits for helpers that should be at the end of their work; in jiffies. */
#define VIB_HELPERS_PATIENCE	HZ

/*
 * What a helper costs decides from how much work on it pays, and how many: a thread of the process
 * comes in about 0.1 ms. For kernel threads the first of a call to come to the caller's cgroups,
 * and the first to leave, waits for a grace period of RCU, of 10 to 30 ms, and the caller for both.
 */
#define VIB_HELPERS_PAY_NS	((VIB_HELPERS_ARE_THREADS ? 8 : 100) * NSEC_PER_MSEC)
#define VIB_HELPER_NS		(VIB_HELPERS_PAY_NS / 2)

/**
 * struct vib_helpers - the threads that help one caller; on its stack
 * @mm: the caller's memory
 * @cpus: where helpers may run
 * @name: how they are called; kernel threads have the caller's process id behind it
 * @work: what a helper does, once; begins at any moment until vib_helpers_end()
 * @has_work: would one more helper pay? Asked at any moment, by any thread
 * @data: for both
 * @idle: for @working to be 0
 * @working: helpers that have been let begin and have not ended their work
 * @started: helpers in @helper
 * @begun: of these, those that have been let begin; stable after vib_helpers_end()
 * @refused: there will be no more
 * @helper: kernel threads, with a reference on each, or what helpers_thread.c keeps of one
 * @caller: whom kernel threads help; they are in its cgroups, on its CPUs and of its nice value
 * @come: moves kernel threads into the caller's cgroups, and lets them begin
 * @leave: moves them out
 * @moved: of these, those that @come has seen
 */
struct vib_helpers {
	struct mm_struct *mm;
	cpumask_var_t cpus;
	const char *name;
	void (*work)(void *data);
	bool (*has_work)(void *data);
	void *data;
	wait_queue_head_t idle;
	atomic_t working;
	unsigned int started;
	unsigned int begun;
	bool refused;
	void *helper[VIB_MAP_THREADS - 1];
	struct task_struct *caller;
	struct work_struct come;
	struct work_struct leave;
	unsigned int moved;
};

/* Return: how many helpers pay, @most at most, for work that would take the caller @left ns. */
static inline unsigned int vib_helpers_worth(u64 left, unsigned int most)
{
	return left < VIB_HELPERS_PAY_NS ? 0 : min_t(u64, left / VIB_HELPER_NS, most);
}

/* When the module is loaded, and unloaded. Return: 0 or -ENOMEM. */
int vib_helpers_init(void);
void vib_helpers_fini(void);

/*
 * Prepares helpers for current; the caller has set @mm, @name, @work, @has_work and @data. Return:
 * how many may be started, if @threads are allowed, the caller among them; after 0 there is nothing
 * to end.
 */
unsigned int vib_helpers_begin(struct vib_helpers *helpers, unsigned int threads);

/* Starts @nr, of those that may be started, or as many of them as there is room for. */
void vib_helpers_start(struct vib_helpers *helpers, unsigned int nr);

/* For a helper in its work: is it where it was put? If not, it should end. */
static inline bool vib_helpers_placed(const struct vib_helpers *helpers)
{
	return cpumask_subset(current->cpus_ptr, helpers->cpus);
}

/*
 * For a caller that has waited for VIB_HELPERS_PATIENCE for helpers to work: kernel threads may be
 * where they never run, so they go on where the caller runs.
 */
void vib_helpers_gather(struct vib_helpers *helpers);

/* Waits until all have ended; their work does, and @has_work says no already. Cannot fail. */
void vib_helpers_end(struct vib_helpers *helpers);

#endif
