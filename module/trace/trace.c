// SPDX-License-Identifier: GPL-2.0-only
/*
 * Defines the tracepoints, the phrases of enum vib_reason, and vib_refuse(), with which a check
 * refuses a call (reason.h). Knows nothing else of the module.
 */
#define CREATE_TRACE_POINTS
#include "help.h"
#include "refusal.h"
#include "trace.h"
#include "window.h"

#include <linux/ctype.h>

#define VIB_REASON_NAME(name, words) [VIB_REASON_##name] = words,
static const char * const words_of[] = {
	VIB_REASON_LIST(VIB_REASON_NAME)
};

const char *vib_reason_words(enum vib_reason reason)
{
	return words_of[reason];
}

void vib_caller_name(char *name)
{
	int i;

	/* Without a lock: a concurrent change keeps the 0 at the end. */
	memcpy(name, current->group_leader->comm, TASK_COMM_LEN);
	for (i = 0; i < TASK_COMM_LEN - 1; i++)
		if (iscntrl(name[i]) && name[i])
			name[i] = '?';
	name[i] = '\0';
}

int vib_refuse(u32 container, enum vib_reason reason, int error)
{
	trace_vib_refuse(container, reason, error);
	return error;
}
