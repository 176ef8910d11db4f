/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory with missing pages: whoever touches one of them, also the kernel on
 * somebody's behalf, blocks until the test provides or withdraws them. Made with
 * userfaultfd, needs root. After fork() the child has ordinary memory there: who
 * is to be killed while it blocks opens its own.
 */
#ifndef VIB_TEST_BLOCKING_MEM_H
#define VIB_TEST_BLOCKING_MEM_H

#include <stddef.h>

struct blocking_mem {
	int uffd;
	char *mem;		/* all of it */
	size_t size;
	char *missing;		/* where the missing pages begin */
	size_t missing_size;
};

/* All pages are missing; 0 or -errno. */
int blocking_mem_open(struct blocking_mem *b, size_t size);

/* Only @missing bytes at @offset are; the rest is as mem_small() makes it. */
int blocking_mem_open_part(struct blocking_mem *b, size_t size, size_t offset,
			   size_t missing);

/*
 * All pages are there, but not to be written: whoever does blocks until they are
 * unprotected. Protecting makes it so again. 0 or -errno.
 */
int blocking_mem_open_protected(struct blocking_mem *b, size_t size);
int blocking_mem_protect(struct blocking_mem *b);
int blocking_mem_unprotect(struct blocking_mem *b);

void blocking_mem_close(struct blocking_mem *b);

/* Waits until somebody blocks on a missing page; 0, -ETIMEDOUT or -errno. */
int blocking_mem_awaited(struct blocking_mem *b, int timeout_ms);

/* Fills what is missing with zeroes, and wakes who waits; 0 or -errno. */
int blocking_mem_provide(struct blocking_mem *b);

/* Fills the first @size bytes of what is missing, which then is no longer; 0 or -errno. */
int blocking_mem_provide_first(struct blocking_mem *b, size_t size);

/*
 * blocking_mem_provide() in two steps: the pages are there for who comes from now on, and who waits
 * for them goes on only when it is woken. 0 or -errno.
 */
int blocking_mem_provide_quietly(struct blocking_mem *b);
int blocking_mem_wake(struct blocking_mem *b);

/*
 * Takes what is missing out of the address space, and wakes who waits, with EFAULT. The
 * rest of the memory stays. 0 or -errno.
 */
int blocking_mem_withdraw(struct blocking_mem *b);

#endif
