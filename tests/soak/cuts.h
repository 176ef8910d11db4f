/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the module cut an unmap into parts, each drained and flushed on its own,
 * as its tracepoint vib_sync tells. For one unmap at a time on the whole machine.
 */
#ifndef VIB_SOAK_CUTS_H
#define VIB_SOAK_CUTS_H

#include <linux/types.h>
#include <stdbool.h>

/* Forgets what was, and begins to watch; 0 or -errno. */
int cuts_watch(void);

/* Ends it, and reads what there was. */
void cuts_read(void);

/* Did one part end with the page at @before, and another begin at @behind? */
bool cuts_between(__u64 before, __u64 behind);

#endif
