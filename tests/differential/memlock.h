/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this process has locked, and how much more it may.
 */
#ifndef VIB_DIFF_MEMLOCK_H
#define VIB_DIFF_MEMLOCK_H

#include <stdbool.h>

/* VmLck in KiB; fast, for it is read around each operation. */
long memlock_used(void);

/*
 * Sets RLIMIT_MEMLOCK to what is locked now and @headroom bytes more, so that
 * both containers have the same room; none if it is below 0.
 */
void memlock_allow(long headroom);

/* Takes CAP_IPC_LOCK into use, or out of it; it stays permitted. 0 or -errno. */
int memlock_privilege(bool on);

#endif
