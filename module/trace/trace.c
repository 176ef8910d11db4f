// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the tracepoints, and the words of enum vib_reason. Knows nothing else.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"

#define VIB_REASON_NAME(name, words) [VIB_REASON_##name] = words,
static const char * const words_of[] = {
	VIB_REASON_LIST(VIB_REASON_NAME)
};

const char *vib_reason_words(enum vib_reason reason)
{
	return words_of[reason];
}

int vib_refuse(u32 container, enum vib_reason reason, int error)
{
	trace_vib_refuse(container, reason, error);
	return error;
}
