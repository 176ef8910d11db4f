/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The caller, as fields of a tracepoint: process, thread and name of the process, which a reader of
 * the trace could not look up after it has exited. They come last in a line, because a process
 * chooses its name; control characters in it are replaced by "?".
 */
#ifndef VIB_CALLER_H
#define VIB_CALLER_H

#include <linux/sched.h>

#define VIB_CALLER_FIELDS __field(int, pid) __field(int, tid) __array(char, name, TASK_COMM_LEN)
#define VIB_CALLER_ASSIGN			\
	__entry->pid = current->tgid;		\
	__entry->tid = current->pid;		\
	vib_caller_name(__entry->name);
#define VIB_CALLER_FORMAT " pid=%d tid=%d [%s]"
#define VIB_CALLER_VALUES __entry->pid, __entry->tid, __entry->name

/* Writes the name of current's thread group to @name, which has TASK_COMM_LEN bytes. */
void vib_caller_name(char *name);

#endif
