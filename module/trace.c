// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the tracepoints, and the words of enum vib_why. Knows nothing else.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"

#define VIB_WHY_NAME(name, words) [VIB_WHY_##name] = words,
static const char * const words_of[] = {
	VIB_WHY_LIST(VIB_WHY_NAME)
};

const char *vib_why_words(enum vib_why why)
{
	return words_of[why];
}
