// SPDX-License-Identifier: GPL-2.0-only
/* See turn.h. */
#include <pthread.h>

#include "../kselftest/lib/util.h"
#include "turn.h"

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static bool needed(void)
{
	return kernel_running() < KERNEL(5, 19);
}

void turn_begin(void)
{
	if (needed())
		pthread_mutex_lock(&turn);
}

void turn_end(void)
{
	if (needed())
		pthread_mutex_unlock(&turn);
}
