/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences in what a module can have to help a process: threads of that process, or none.
 *
 * For vhost the kernel makes threads that are the process's own in all that counts (memory,
 * cgroups, cpuset, scheduling, memory policy, limits, OOM, end), and run a function of a module.
 * v6.4 (f9010dbdce91) has them, v6.10 (db5247d9bf5c) in the shape that is used here. On others, as
 * Kbuild finds, VIB_HELPERS_ARE_THREADS is 0, and helpers are kernel threads.
 */
#ifndef VIB_COMPAT_HELPER_H
#define VIB_COMPAT_HELPER_H

#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/types.h>

#ifdef CONFIG_X86_USER_SHADOW_STACK
#include <asm/prctl.h>
#endif

/* Is current a thread of the kernel's, of a process or of none? */
static inline bool vib_compat_is_worker(void)
{
#ifdef PF_USER_WORKER
	/* v6.4 (54e6842d0775) */
	return current->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER);
#else
	return current->flags & (PF_KTHREAD | PF_IO_WORKER);
#endif
}

/*
 * Has current a stack of return addresses? Then all threads of its process are given one, as far as
 * v7.3, also those that never run in user mode: in the process's memory, of whose map that needs
 * the lock.
 */
static inline bool vib_compat_has_shadow_stack(void)
{
#ifdef CONFIG_X86_USER_SHADOW_STACK
	return current->thread.features & ARCH_SHSTK_SHSTK;
#else
	return false;
#endif
}

#if VIB_HELPERS_ARE_THREADS

#include <linux/sched/vhost_task.h>

typedef struct vhost_task *(*vib_thread_create_fn)(bool (*)(void *), void (*)(void *), void *,
						   const char *);

/* Return: a thread of current's process, which has not begun, or NULL. */
static inline struct vhost_task *vib_compat_thread_create(bool (*fn)(void *),
							  void (*killed)(void *), void *data,
							  const char *name)
{
	struct vhost_task *thread;

	BUILD_BUG_ON_MSG(!VIB_IS_TYPE(vhost_task_create, vib_thread_create_fn),
			 "vhost_task_create() has a signature that this module does not know");
	thread = VIB_AS_TYPE(vhost_task_create, vib_thread_create_fn)(fn, killed, data, name);
	/* Until v6.13 (before cb380909ae3b) an error was NULL. */
	return IS_ERR(thread) ? NULL : thread;
}

#endif

#endif
