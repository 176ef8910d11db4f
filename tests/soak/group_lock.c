// SPDX-License-Identifier: GPL-2.0-only
/* See group_lock.h. */
#include <pthread.h>

#include "../kselftest/lib/util.h"
#include "group_lock.h"

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static bool needed(void)
{
	return kernel_running() < KERNEL(5, 19);
}

void group_lock(void)
{
	if (needed())
		pthread_mutex_lock(&turn);
}

void group_unlock(void)
{
	if (needed())
		pthread_mutex_unlock(&turn);
}
