/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User memory that an ioctl reads and writes, with nothing behind its end, and
 * a page of it that may be read only. What the kernel should leave alone is
 * filled with a known byte, so that a comparison of all of it tells.
 */
#ifndef VIB_DIFF_BUFFER_H
#define VIB_DIFF_BUFFER_H

#include <stddef.h>

enum { BUFFER_BYTES = 32 * 1024, BUFFER_READONLY_BYTES = 4096 };

struct buffer {
	char *mem;		/* BUFFER_BYTES, then nothing */
	char *readonly;		/* the first page of mem, not to be written */
};

/* 0 or -errno. */
int buffer_open(struct buffer *buffer);
void buffer_close(struct buffer *buffer);

#endif
