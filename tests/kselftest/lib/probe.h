/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kprobe that counts how often a function of the kernel is called. There is one at a time.
 */
#ifndef VIB_TEST_PROBE_H
#define VIB_TEST_PROBE_H

/* @order as kprobe_events takes it, of the event vib/one: "p:vib/one FUNCTION"; 0 or -errno. */
int probe_set(const char *order);
void probe_remove(void);

/* How often the function was called since that was set; -errno. */
long probe_hits(void);

#endif
