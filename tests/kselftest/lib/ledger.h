/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the system holds on our behalf: locked memory of a process and pages
 * pinned by anybody. The second is system-wide, so a test that reads it must
 * be the only one that runs.
 */
#ifndef VIB_TEST_LEDGER_H
#define VIB_TEST_LEDGER_H

#include <sys/types.h>

/* VmLck in 4 KiB pages, of this process or of @pid; -errno. */
long locked_pages(void);
long locked_pages_of(pid_t pid);

/* nr_foll_pin_acquired - nr_foll_pin_released: pages pinned right now. */
long pinned_pages(void);

/* Lowers RLIMIT_MEMLOCK to @pages beyond what is locked; 0 or -errno. */
int limit_locked_pages(long pages);

/* Gives up CAP_IPC_LOCK for good (this process); 0 or -errno. */
int drop_ipc_lock(void);

#endif
