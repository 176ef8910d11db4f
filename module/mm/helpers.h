/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers: kernel threads that do a part of a call's work for its caller, on the caller's account.
 * They are gone when the call ends. What the work is, the caller knows.
 *
 * Locking: all functions may sleep, and wait for a helper's work, so of ours no lock may be held
 * that it needs.
 */
#ifndef VIB_HELPERS_H
#define VIB_HELPERS_H

#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "params.h"

/* How long a caller waits for helpers that should be at the end of their work; in jiffies. */
#define VIB_HELPERS_PATIENCE	HZ

/**
 * struct vib_helpers - the threads that help one caller; on its stack
 * @caller: whom they help; a helper is in its cgroups, on its CPUs and of its nice value
 * @cpus: where helpers may run
 * @name: how they are called, before the caller's process id
 * @work: what a helper does, once; begins at any moment until vib_helpers_end()
 * @has_work: would one more helper pay? Asked at any moment, by another thread
 * @data: for both
 * @come: moves helpers into the caller's cgroups, and lets them begin
 * @leave: moves them out
 * @idle: for @working to be 0
 * @working: helpers that have been let begin and have not ended their work
 * @started: helpers in @task
 * @moved: of these, those that @come has seen
 * @begun: of these, those that have been let begin; stable after vib_helpers_end()
 * @refused: one cannot follow the caller, so there will be no more
 * @task: the helpers; a reference is held on each
 */
struct vib_helpers {
	struct task_struct *caller;
	cpumask_var_t cpus;
	const char *name;
	void (*work)(void *data);
	bool (*has_work)(void *data);
	void *data;
	struct work_struct come;
	struct work_struct leave;
	wait_queue_head_t idle;
	atomic_t working;
	unsigned int started;
	unsigned int moved;
	unsigned int begun;
	bool refused;
	struct task_struct *task[VIB_MAP_THREADS - 1];
};

/* When the module is loaded, and unloaded. Return: 0 or -ENOMEM. */
int vib_helpers_init(void);
void vib_helpers_fini(void);

/*
 * Prepares helpers for current; the caller has set @name, @work, @has_work and @data. Return: how
 * many may be started, if @threads are allowed, the caller among them; after 0 there is nothing to
 * end.
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
 * For a caller that has waited for VIB_HELPERS_PATIENCE for helpers to work: where they are they
 * may never run, so they go on where the caller runs.
 */
void vib_helpers_gather(struct vib_helpers *helpers);

/* Waits until all have ended; their work does, and @has_work says no already. Cannot fail. */
void vib_helpers_end(struct vib_helpers *helpers);

#endif
