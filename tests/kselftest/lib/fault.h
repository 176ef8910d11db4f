/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's fault injection, on kernels that have it: the n-th allocation (of
 * the slab or of pages) or copy from or to user memory that this thread asks the
 * kernel for fails.
 */
#ifndef VIB_TEST_FAULT_H
#define VIB_TEST_FAULT_H

#include <stdbool.h>

/* Can this kernel do it? */
bool fault_present(void);

/*
 * Every slab allocation that may fail can be hit, also one that may wait for memory;
 * with @copies every copy, too, with @pages every page. How often the slab itself
 * asks for pages is never the same: a sweep with @pages may step over a point.
 * Quietly, and for all threads. 0 or -errno.
 */
int fault_set_up(bool copies, bool pages);

/* The @n-th (1 is the next) fails; 0 or -errno. */
int fault_arm(unsigned int n);

/* Nothing fails any more. Did something since fault_arm()? */
bool fault_fired(void);

#endif
